-- The guard runs before each statement of a tenant's: what it does is the same, for a quarter less.
--
-- Assignments evaluate what PERFORM plans as a query each time; the row is read for what is said of it alone. Each is
-- still a statement with a snapshot of its own: the lock first, the row after it.

CREATE OR REPLACE FUNCTION tenant_enter(institution uuid) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_locked boolean;
    state text;
    owner text;
    epoch bigint;
    map_version bigint;
    capture boolean;
    setting text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a tenant''s transaction is READ COMMITTED, not %', current_setting('transaction_isolation')
            USING ERRCODE = 'LX002';
    END IF;
    is_locked := pg_advisory_xact_lock_shared(public.tenant_lock_key(institution)) IS NOT NULL;
    SELECT o.state, o.owner, o.epoch, o.map_version, o.capture INTO state, owner, epoch, map_version, capture
        FROM public.ownership o WHERE o.institution_id = institution;
    IF state IS NULL OR state NOT IN ('active', 'closing') THEN
        RAISE EXCEPTION 'institution % is not served here', institution
            USING ERRCODE = 'LX001',
                  DETAIL = json_build_object('state', state, 'owner', owner, 'epoch', epoch,
                                             'mapVersion', map_version)::text;
    END IF;
    setting := set_config('app.institution_id', institution::text, true);
    setting := set_config('app.capture', CASE WHEN capture THEN 'on' ELSE 'off' END, true);
END $$;
