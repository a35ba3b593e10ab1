-- A node remembers the last ownership version of the primary it confirmed: one that is behind it is an older copy.

GRANT SELECT ON SEQUENCE ownership_version TO lxp_app;
