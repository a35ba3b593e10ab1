-- What an institution's move needs of both its shards. Read PLACEMENT's "Moving an institution" first.
--
-- An ownership row names a move (`move_id`) exactly while that move is under way. Every transaction of a mover that
-- writes opens with `move_enter`, so that neither a leader that slept nor a message that was delayed changes
-- anything after others went on.

-- Nodes hold new requests back a moment before the fence, where the lock is hard to get.
ALTER TABLE ownership ADD COLUMN parked boolean NOT NULL DEFAULT false;

-- A term or a capture flag is no news for nodes, and the lock of all news must not be held by a copying mover.
DROP TRIGGER ownership_changed ON ownership;
CREATE TRIGGER ownership_changed
    BEFORE INSERT OR UPDATE OF state, epoch, owner, map_version, parked ON ownership
    FOR EACH ROW EXECUTE FUNCTION ownership_changed();

CREATE OR REPLACE FUNCTION ownership_changes(after bigint)
    RETURNS TABLE (institution_id uuid, state text, epoch bigint, owner text, map_version bigint,
                   version bigint, suspended boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.institution_id, CASE WHEN o.parked THEN 'fenced' ELSE o.state END, o.epoch, o.owner, o.map_version,
           o.version, coalesce(i.status = 'SUSPENDED', false)
    FROM public.ownership o
    LEFT JOIN public.institutions i ON i.institution_id = o.institution_id AND i.id = o.institution_id
    WHERE o.version > after
    ORDER BY o.version
$$;

-- The highest term of a leader that acted here. It holds where no ownership row exists yet.
CREATE TABLE move_term (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    term     bigint  NOT NULL
);
INSERT INTO move_term (term) VALUES (0);
GRANT SELECT, UPDATE ON move_term TO lxp_mover;

-- Which rows of an institution changed while a move watches, in no particular order and never de-duplicated:
-- to leave out a key that is there already would lose the change of a transaction that still runs.
CREATE TABLE change_log (
    institution_id uuid   NOT NULL,
    id             bigint GENERATED ALWAYS AS IDENTITY,
    table_name     text   NOT NULL,
    row_id         uuid   NOT NULL,
    PRIMARY KEY (institution_id, id)
);
ALTER TABLE change_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE change_log FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON change_log USING (institution_id = (SELECT current_setting('app.institution_id')::uuid));
GRANT INSERT ON change_log TO lxp_app;
GRANT SELECT, INSERT, DELETE ON change_log TO lxp_mover;

CREATE FUNCTION change_captured() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO public.change_log (institution_id, table_name, row_id)
            VALUES (OLD.institution_id, TG_TABLE_NAME, OLD.id);
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.change_log (institution_id, table_name, row_id)
            VALUES (NEW.institution_id, TG_TABLE_NAME, NEW.id);
    ELSIF TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
        INSERT INTO public.change_log (institution_id, table_name, row_id)
            VALUES (NEW.institution_id, TG_TABLE_NAME, NEW.id);
    END IF;
    RETURN NULL;
END $$;

-- As before, and with capture, which stands always: to arm it by DDL starves on a busy table.
CREATE OR REPLACE PROCEDURE make_tenant_table(name regclass, rights text DEFAULT 'SELECT, INSERT, UPDATE, DELETE')
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
    CALL make_captured(name);
END $$;

CREATE PROCEDURE make_captured(name regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER change_captured AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW
        WHEN (current_setting(''app.capture'', true) = ''on'') EXECUTE FUNCTION change_captured()', name);
END $$;

DO $$
DECLARE
    name regclass;
BEGIN
    FOR name IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'row_touched' ORDER BY 1 LOOP
        CALL make_captured(name);
    END LOOP;
END $$;

-- Imports that are under way: how far the copy is, and what stood in `ownership` before.
CREATE TABLE move_imports (
    move_id     uuid   PRIMARY KEY,
    institution uuid   NOT NULL UNIQUE,
    earlier     jsonb,                       -- the ownership row; null where there was none
    round       bigint NOT NULL DEFAULT 0,   -- the last that was committed here
    table_name  text,                        -- tables before it, in the catalogue's order, are copied ...
    row_id      uuid,                        -- ... and of it the rows up to this one
    complete    boolean NOT NULL DEFAULT false,
    rows_copied bigint NOT NULL DEFAULT 0
);
GRANT SELECT, INSERT, UPDATE, DELETE ON move_imports TO lxp_mover;

-- Opens a transaction of a mover that writes. Refuses what comes late: a lower term (LX005), another move, another
-- state (LX006). Answers the row.
CREATE FUNCTION move_enter(institution uuid, move uuid, of_term bigint, states text[]) RETURNS ownership
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    highest bigint;
    o       ownership;
BEGIN
    SELECT term INTO highest FROM move_term;
    SELECT * INTO o FROM ownership WHERE institution_id = institution FOR UPDATE;
    IF of_term < greatest(highest, o.term) THEN
        RAISE EXCEPTION 'term % is over, % has begun', of_term, greatest(highest, o.term) USING ERRCODE = 'LX005';
    END IF;
    IF o.move_id IS DISTINCT FROM move OR o.state <> ALL (states) THEN
        RAISE EXCEPTION 'institution % is % here, of move %; % of move % is expected', institution,
            coalesce(o.state, 'unknown'), coalesce(o.move_id::text, 'none'), states, move
            USING ERRCODE = 'LX006';
    END IF;
    UPDATE ownership SET term = of_term WHERE institution_id = institution AND term < of_term;
    o.term := of_term;
    RETURN o;
END $$;

-- What a leader does first on a shard.
CREATE FUNCTION move_raise_term(to_term bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    UPDATE move_term SET term = greatest(term, to_term) RETURNING term
$$;

-- A migration and a move keep apart: one that begins has this lock in common with others, a migration has it alone
-- and begins only while no row names a move.
CREATE FUNCTION move_keep_schema() RETURNS void LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_xact_lock_shared(hashtextextended('lxp.schema', 0))
$$;

-- The source: changes are captured from now on. Under the exclusive lock: whoever entered before has ended, whoever
-- enters after it captures. The caller's lock_timeout bounds the wait.
CREATE FUNCTION move_capture(institution uuid, move uuid, of_term bigint, at_epoch bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM move_keep_schema();
    PERFORM pg_advisory_xact_lock(tenant_lock_key(institution));
    UPDATE ownership SET move_id = move
        WHERE institution_id = institution AND state = 'active' AND epoch = at_epoch AND move_id IS NULL;
    PERFORM move_enter(institution, move, of_term, '{active,closing}');
    UPDATE ownership SET capture = true WHERE institution_id = institution AND NOT capture;
END $$;

-- The target: rows may arrive. Nothing changes where that move has begun already.
CREATE FUNCTION move_import(institution uuid, move uuid, of_term bigint, at_epoch bigint, source text) RETURNS void
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    o ownership;
BEGIN
    PERFORM move_keep_schema();
    PERFORM pg_advisory_xact_lock(tenant_lock_key(institution));
    SELECT * INTO o FROM ownership WHERE institution_id = institution FOR UPDATE;
    IF o.move_id = move THEN
        PERFORM move_enter(institution, move, of_term, '{importing}');
        RETURN;
    END IF;
    IF o.move_id IS NOT NULL OR o.state <> 'moved' OR o.epoch > at_epoch THEN
        RAISE EXCEPTION 'institution % is % here at epoch %, of move %', institution, o.state, o.epoch,
            coalesce(o.move_id::text, 'none') USING ERRCODE = 'LX006';
    END IF;
    INSERT INTO move_imports (move_id, institution, earlier)
        VALUES (move, institution, CASE WHEN o.institution_id IS NOT NULL THEN to_jsonb(o) END);
    INSERT INTO ownership (institution_id, state, epoch, owner, move_id) VALUES (institution, 'importing', at_epoch, source, move)
        ON CONFLICT (institution_id) DO UPDATE
        SET state = 'importing', epoch = at_epoch, owner = source, move_id = move, map_version = 0;
    PERFORM move_enter(institution, move, of_term, '{importing}');
END $$;

-- A round that was read is written only where its predecessor was the last (LX007).
CREATE FUNCTION move_round(move uuid, this_round bigint, upto_table text, upto_row uuid, is_complete boolean, added bigint)
    RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE move_imports
        SET round = this_round, table_name = upto_table, row_id = upto_row, complete = is_complete,
            rows_copied = rows_copied + added
        WHERE move_id = move AND round = this_round - 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'round % does not follow the last one', this_round USING ERRCODE = 'LX007';
    END IF;
END $$;

-- Who is inside an institution: the transactions that hold its lock, the oldest first. One that commits must not be
-- cut off.
CREATE FUNCTION tenant_transactions(institution uuid) RETURNS TABLE (pid integer, age_ms double precision, commits boolean, waits boolean)
    LANGUAGE sql STABLE AS $$
    SELECT a.pid, extract(epoch FROM clock_timestamp() - a.xact_start) * 1000,
           a.state = 'active' AND (a.query ILIKE '%commit%'), a.state <> 'active'
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ShareLock'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32 | l.objid::bigint) = tenant_lock_key(institution)
    ORDER BY a.xact_start
$$;

-- A suspension is a write like others: through the guard, captured.
CREATE OR REPLACE FUNCTION institution_set_status(institution uuid, new_status text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tenant_enter(institution);
    UPDATE institutions SET status = new_status WHERE institution_id = institution AND id = institution;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'institution % has no row here', institution USING ERRCODE = 'LX003';
    END IF;
    -- Nodes learn of it by the ownership row's version.
    UPDATE ownership SET state = state WHERE institution_id = institution;
END $$;

GRANT EXECUTE ON FUNCTION move_enter(uuid, uuid, bigint, text[]), move_raise_term(bigint), move_keep_schema(),
    move_capture(uuid, uuid, bigint, bigint), move_import(uuid, uuid, bigint, bigint, text),
    move_round(uuid, bigint, text, uuid, boolean, bigint), tenant_transactions(uuid) TO lxp_mover;
