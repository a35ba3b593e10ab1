-- Who owns an institution here, and the one door to its rows.
--
-- Read PLACEMENT's "The guard" before changing a line: each statement's order and volatility is load-bearing,
-- and each has a test in shard-node/tests/guard.rs that fails when it is changed.

-- A node's only truth. No row-level security: lxp_app has no rights here at all.
CREATE SEQUENCE ownership_version;
CREATE TABLE ownership (
    institution_id uuid PRIMARY KEY,
    state          text    NOT NULL CHECK (state IN ('importing', 'active', 'closing', 'fenced', 'moved')),
    epoch          bigint  NOT NULL CHECK (epoch > 0),
    owner          text    NOT NULL,                 -- the shard that owns it (importing: the source)
    move_id        uuid,
    term           bigint  NOT NULL DEFAULT 0,
    map_version    bigint  NOT NULL DEFAULT 0,       -- of the commit that moved it away
    capture        boolean NOT NULL DEFAULT false,   -- changes are logged for a move
    version        bigint  NOT NULL,                 -- order of changes of this table, set by trigger
    updated_at     timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX ownership_by_version ON ownership (version);

-- Versions are visible in order: the lock is held to the end of the transaction, so a reader that has seen
-- version n has seen all before it. Ownership changes are rare; tenants' transactions never come here.
CREATE FUNCTION ownership_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('lxp.ownership', 0));
    NEW.version := nextval('ownership_version');
    NEW.updated_at := now();
    PERFORM pg_notify('lxp_ownership', NEW.version::text);
    RETURN NEW;
END $$;
CREATE TRIGGER ownership_changed BEFORE INSERT OR UPDATE ON ownership
    FOR EACH ROW EXECUTE FUNCTION ownership_changed();

CREATE FUNCTION tenant_lock_key(institution uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN uuid_hash_extended(institution, 0);

-- Opens a tenant's transaction. Three statements, in this order:
-- 1. only READ COMMITTED, where every statement below has a snapshot of its own;
-- 2. the institution's shared lock: a fence waits for us, or we wait for it;
-- 3. then, with a snapshot taken after the lock, the ownership row.
CREATE FUNCTION tenant_enter(institution uuid) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o public.ownership;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a tenant''s transaction is READ COMMITTED, not %', current_setting('transaction_isolation')
            USING ERRCODE = 'LX002';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(public.tenant_lock_key(institution));
    SELECT * INTO o FROM public.ownership WHERE institution_id = institution;
    IF o.state IS NULL OR o.state NOT IN ('active', 'closing') THEN
        RAISE EXCEPTION 'institution % is not served here', institution
            USING ERRCODE = 'LX001',
                  DETAIL = json_build_object('state', o.state, 'owner', o.owner, 'epoch', o.epoch,
                                             'mapVersion', o.map_version)::text;
    END IF;
    PERFORM set_config('app.institution_id', institution::text, true),
            set_config('app.capture', CASE WHEN o.capture THEN 'on' ELSE 'off' END, true);
END $$;

-- Each update raises the version that ETag and If-Match speak of.
CREATE FUNCTION row_touched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.row_version := OLD.row_version + 1;
    NEW.updated_at := now();
    RETURN NEW;
END $$;

-- Makes a table a tenant's table: policy, force, rights, version. Every table with an institution_id but
-- `ownership` goes through here; a test reads the catalogue and says which did not.
CREATE PROCEDURE make_tenant_table(name regclass, rights text DEFAULT 'SELECT, INSERT, UPDATE, DELETE')
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
    -- As an initplan the setting is read once a statement; a missing one is an error, not an empty answer.
    EXECUTE format('CREATE POLICY tenant ON %s USING (institution_id = (SELECT current_setting(''app.institution_id'')::uuid))', name);
    EXECUTE format('GRANT %s ON %s TO lxp_app', rights, name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO lxp_mover', name);
    EXECUTE format('GRANT SELECT ON %s TO lxp_definer', name);
    EXECUTE format('CREATE TRIGGER row_touched BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION row_touched()', name);
END $$;

CREATE TABLE institutions (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    slug           text NOT NULL,
    name           text NOT NULL,
    timezone       text NOT NULL,
    locale         text NOT NULL DEFAULT 'en',
    status         text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'SUSPENDED')),
    PRIMARY KEY (institution_id, id),
    CHECK (institution_id = id)
);
CALL make_tenant_table('institutions', 'SELECT');

-- What nodes keep in memory: ownership rows that changed after a version, with what decides on serving.
CREATE FUNCTION ownership_changes(after bigint)
    RETURNS TABLE (institution_id uuid, state text, epoch bigint, owner text, map_version bigint,
                   version bigint, suspended boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.institution_id, o.state, o.epoch, o.owner, o.map_version, o.version,
           coalesce(i.status = 'SUSPENDED', false)
    FROM public.ownership o
    LEFT JOIN public.institutions i ON i.institution_id = o.institution_id AND i.id = o.institution_id
    WHERE o.version > after
    ORDER BY o.version
$$;

-- For the control plane, as lxp_owner. Repeating it is harmless.
CREATE FUNCTION institution_admit(institution uuid, at_epoch bigint, shard text, slug text, name text, timezone text)
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    o ownership;
BEGIN
    PERFORM set_config('app.institution_id', institution::text, true);
    INSERT INTO ownership (institution_id, state, epoch, owner) VALUES (institution, 'active', at_epoch, shard)
        ON CONFLICT (institution_id) DO NOTHING;
    SELECT * INTO o FROM ownership WHERE institution_id = institution;
    IF (o.state, o.epoch, o.owner) IS DISTINCT FROM ('active', at_epoch, shard) THEN
        RAISE EXCEPTION 'institution % is % here at epoch %, owned by %', institution, o.state, o.epoch, o.owner
            USING ERRCODE = 'LX003';
    END IF;
    INSERT INTO institutions (institution_id, id, slug, name, timezone)
        VALUES (institution, institution, slug, name, timezone)
        ON CONFLICT (institution_id, id) DO NOTHING;
END $$;

CREATE FUNCTION institution_set_status(institution uuid, new_status text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.institution_id', institution::text, true);
    UPDATE institutions SET status = new_status WHERE institution_id = institution AND id = institution;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'institution % has no row here', institution USING ERRCODE = 'LX003';
    END IF;
    -- Nodes learn of it by the ownership row's version.
    UPDATE ownership SET state = state WHERE institution_id = institution;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON ownership TO lxp_mover;
GRANT USAGE ON SEQUENCE ownership_version TO lxp_mover;
GRANT SELECT ON ownership TO lxp_definer;
GRANT CREATE ON SCHEMA public TO lxp_definer;
ALTER FUNCTION tenant_enter(uuid) OWNER TO lxp_definer;
ALTER FUNCTION ownership_changes(bigint) OWNER TO lxp_definer;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
REVOKE EXECUTE ON ALL PROCEDURES IN SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenant_enter(uuid), ownership_changes(bigint) TO lxp_app, lxp_mover;
GRANT EXECUTE ON FUNCTION tenant_lock_key(uuid) TO lxp_app, lxp_mover, lxp_definer;
GRANT USAGE ON SCHEMA public TO lxp_app, lxp_mover, lxp_definer;
