-- Events get their numbers after commit, from one sequencer of the institution at a time, and a hash with each: the
-- audit is a view of the same rows. Read shard-node/src/events before changing a line.

ALTER TABLE outbox_events
    ADD COLUMN actor_id   uuid,    -- who caused it; nil is the platform itself, null is older than this column
    ADD COLUMN request_id text,
    ADD COLUMN hash       bytea,   -- SHA-256 of the hash before it and of the row
    ADD CONSTRAINT outbox_events_hashed_with_number CHECK ((seq IS NULL) = (hash IS NULL)),
    ADD CONSTRAINT outbox_events_numbered_from_1 CHECK (seq > 0);

-- Led by the institution, so that `work_ready` steps from one to the next however many rows one has.
CREATE INDEX outbox_events_unnumbered ON outbox_events (institution_id, created_at) WHERE seq IS NULL;

-- Where an institution's chain ends. Not only the fast way to it: rows that are gone from the end are missed by it.
CREATE TABLE event_heads (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    seq            bigint NOT NULL CHECK (seq > 0),
    hash           bytea  NOT NULL,
    PRIMARY KEY (institution_id, id),
    CHECK (institution_id = id)
);
CALL make_tenant_table('event_heads', 'SELECT, INSERT, UPDATE');

-- The sequencer's turn; another key than the guard's, which a move takes.
CREATE FUNCTION events_lock_key(institution uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN uuid_hash_extended(institution, 1);
GRANT EXECUTE ON FUNCTION events_lock_key(uuid) TO lxp_app;

-- Names and addresses of people do not go into a chain that keeps them for good. Events of students have had them.
SET LOCAL ROLE lxp_mover;
UPDATE outbox_events SET payload = payload - ARRAY['givenName', 'familyName', 'email']
    WHERE aggregate = 'students' AND payload ?| ARRAY['givenName', 'familyName', 'email'];
RESET ROLE;

-- As before, and with institutions that have events without a number: a step each.
CREATE OR REPLACE FUNCTION work_ready(at_most integer) RETURNS TABLE (institution_id uuid)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
    WITH RECURSIVE first_due AS MATERIALIZED (
        SELECT j.institution_id FROM public.jobs j
        WHERE j.state = 'QUEUED' AND j.run_at <= now() ORDER BY j.run_at LIMIT 4 * at_most
    ), start AS MATERIALIZED (
        SELECT o.institution_id FROM public.ownership o
        WHERE o.version >= (SELECT floor(random() * max(version)) FROM public.ownership)
          AND (SELECT count(*) FROM first_due) >= 4 * at_most
        ORDER BY o.version LIMIT 1
    ), walk (institution_id, run_at, is_round, steps) AS (
        SELECT s.institution_id, NULL::timestamptz, false, 0 FROM start s
        UNION ALL
        SELECT next.institution_id, next.run_at, w.is_round OR next.institution_id <= w.institution_id, w.steps + 1
        FROM walk w
        CROSS JOIN LATERAL (
            (SELECT j.institution_id, j.run_at FROM public.jobs j
              WHERE j.state = 'QUEUED' AND j.institution_id > w.institution_id
              ORDER BY j.institution_id, j.run_at LIMIT 1)
            UNION ALL
            (SELECT j.institution_id, j.run_at FROM public.jobs j
              WHERE j.state = 'QUEUED' ORDER BY j.institution_id, j.run_at LIMIT 1)
            LIMIT 1
        ) next
        WHERE w.steps < 20 * at_most
          AND NOT (w.is_round AND w.institution_id >= (SELECT s.institution_id FROM start s))
    ), unnumbered (institution_id, steps) AS (
        (SELECT e.institution_id, 1 FROM public.outbox_events e
          WHERE e.seq IS NULL ORDER BY e.institution_id LIMIT 1)
        UNION ALL
        SELECT (SELECT e.institution_id FROM public.outbox_events e
                 WHERE e.seq IS NULL AND e.institution_id > u.institution_id ORDER BY e.institution_id LIMIT 1),
               u.steps + 1
        FROM unnumbered u WHERE u.institution_id IS NOT NULL AND u.steps < 20 * at_most
    )
    SELECT due.institution_id
    FROM (
        (SELECT e.institution_id FROM public.outbox_events e
          WHERE e.relayed_at IS NULL AND e.created_at < now() - interval '2 seconds'
          ORDER BY e.created_at LIMIT 10 * at_most)
        UNION
        (SELECT k.institution_id FROM public.idempotency_keys k
          WHERE k.created_at < now() - interval '24 hours' ORDER BY k.created_at LIMIT 10 * at_most)
        UNION
        SELECT f.institution_id FROM first_due f
        UNION
        SELECT w.institution_id FROM walk w WHERE w.run_at <= now()
        UNION
        (SELECT j.institution_id FROM public.jobs j
          WHERE j.state = 'RUNNING' AND j.leased_until < now() ORDER BY j.leased_until LIMIT 4 * at_most)
        UNION
        (SELECT j.institution_id FROM public.jobs j
          WHERE j.keep_until < now() ORDER BY j.keep_until LIMIT 4 * at_most)
        UNION
        SELECT u.institution_id FROM unnumbered u
    ) due
    -- Looked up one by one: how many they are the planner cannot know.
    WHERE (SELECT o.state FROM public.ownership o WHERE o.institution_id = due.institution_id) IN ('active', 'closing')
    ORDER BY random()
    LIMIT at_most
$$;
