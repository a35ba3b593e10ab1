-- The role of the control plane's Postgres, made by a superuser; the database `lxp_control` belongs to it.
--
-- Repeating it is harmless. {{control_password}} is replaced before it is sent; it holds letters and digits alone.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lxp_control') THEN
        CREATE ROLE lxp_control;
    END IF;
END $$;

ALTER ROLE lxp_control LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD '{{control_password}}';
