-- What an institution's own midnight sets off: attendance each day, reports each Monday, metrics on the 1st.
--
-- One row a kind. A firing is a local date: `passed_on` only ever rises, so a date fires once whatever nodes, clocks
-- and zones do. `next_at` says when to look again, and no more: what is due is computed from `passed_on`, the zone and
-- the clock when the row is locked.
CREATE TABLE job_schedules (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    kind           text NOT NULL CHECK (kind ~ '^[A-Z][A-Z_]*$'),  -- of the job that is queued
    cadence        text NOT NULL CHECK (cadence IN ('DAILY', 'WEEKLY', 'MONTHLY')),
    enabled        boolean NOT NULL DEFAULT true,
    next_at        timestamptz NOT NULL DEFAULT now(),
    passed_on      date,          -- firings up to this date are past: fired, or skipped. Null: not looked at yet
    last_fired_on  date,
    last_fired_at  timestamptz,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, kind)
);
CREATE INDEX job_schedules_due ON job_schedules (next_at) WHERE enabled;
CALL make_tenant_table('job_schedules', 'SELECT, UPDATE');

-- What every institution has from its beginning. Repeating it is harmless. The caller has set the tenant.
CREATE FUNCTION institution_furnish(institution uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job_schedules (institution_id, id, kind, cadence)
        SELECT institution, gen_random_uuid(), kind, cadence
        FROM (VALUES ('DAILY_ATTENDANCE', 'DAILY'), ('WEEKLY_REPORTS', 'WEEKLY'), ('MONTHLY_METRICS', 'MONTHLY'))
             AS schedule (kind, cadence)
        ON CONFLICT (institution_id, kind) DO NOTHING;
END $$;

-- As before, and furnished.
CREATE OR REPLACE FUNCTION institution_admit(institution uuid, at_epoch bigint, shard text, slug text, name text, timezone text)
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
    PERFORM institution_furnish(institution);
END $$;

-- In another zone midnight is at another time: the scheduler looks at once. Copied rows (of a move) fire no trigger.
CREATE FUNCTION timezone_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE job_schedules SET next_at = now() WHERE institution_id = NEW.institution_id;
    RETURN NULL;
END $$;
CREATE TRIGGER timezone_changed AFTER UPDATE OF timezone ON institutions FOR EACH ROW
    WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone) EXECUTE FUNCTION timezone_changed();

-- Those that are here already. A migration runs only while nothing moves, and `ownership` has no row-level security:
-- institution by institution, as everywhere else, so that nobody need be above the policies.
CREATE PROCEDURE furnish_all() LANGUAGE plpgsql AS $$
DECLARE
    here uuid;
BEGIN
    FOR here IN SELECT institution_id FROM ownership WHERE state IN ('active', 'closing', 'fenced') LOOP
        PERFORM set_config('app.institution_id', here::text, true);
        PERFORM institution_furnish(here);
    END LOOP;
END $$;
CALL furnish_all();
