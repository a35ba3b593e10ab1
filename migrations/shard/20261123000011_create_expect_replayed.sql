-- Opens a read on a replica, as the first of its statements: what comes after has a later snapshot.

CREATE FUNCTION expect_replayed(at_least pg_lsn) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF NOT pg_is_in_recovery() THEN
        RAISE EXCEPTION 'this is no replica' USING ERRCODE = 'LX004';
    ELSIF pg_last_wal_replay_lsn() < at_least THEN
        RAISE EXCEPTION 'replayed to %, not to %', pg_last_wal_replay_lsn(), at_least USING ERRCODE = 'LX004';
    END IF;
END $$;
GRANT EXECUTE ON FUNCTION expect_replayed(pg_lsn) TO lxp_app;
