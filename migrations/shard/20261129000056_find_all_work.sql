-- Work is found by the plan that it was made for, whatever statistics say; and nobody's work is hidden by another's.

-- Two kinds of indexes find jobs: those led by time, or by institution and time, are `work_ready`'s, which looks across
-- institutions; in a tenant's statement they would be the wrong way to a line, taken whenever statistics come from an
-- idle queue: all of a backlog would be read for one job behind it. So they ask for what every job has and `work_ready`
-- alone says (attempts_max > 0): no other statement can be planned by them.
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (run_at, institution_id) WHERE state = 'QUEUED' AND attempts_max > 0;
DROP INDEX jobs_first;
CREATE INDEX jobs_first ON jobs (institution_id, run_at) WHERE state = 'QUEUED' AND attempts_max > 0;
DROP INDEX jobs_kept;
CREATE INDEX jobs_kept ON jobs (keep_until, institution_id) WHERE keep_until IS NOT NULL AND attempts_max > 0;
CREATE INDEX jobs_swept ON jobs (institution_id, keep_until) WHERE keep_until IS NOT NULL;
-- The last of those that failed under one key.
CREATE INDEX jobs_failed_key ON jobs (institution_id, type, unique_key, created_at, id)
    WHERE state = 'FAILED' AND unique_key IS NOT NULL;

-- Led by the institution: the relay's own statements read no other's, and `work_ready` steps from one to the next.
DROP INDEX outbox_events_due;
CREATE INDEX outbox_events_unrelayed ON outbox_events (institution_id, created_at) WHERE relayed_at IS NULL;
DROP INDEX idempotency_keys_by_age;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (institution_id, created_at);

-- Ids of institutions with due work, and nothing else, as before (20261129000050), but:
--
-- `relay` was one of what was due first in all, and is a walk now, institution by institution from a random one on: one
-- with a thousand due events hid the others, and one that is not served here hid them for good. `keys` (past their time)
-- was part of it: who relays has to know whether something is left, and keys say nothing about that.
CREATE OR REPLACE FUNCTION work_ready(at_most integer, what text DEFAULT NULL, as_of timestamptz DEFAULT now())
    RETURNS TABLE (institution_id uuid)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    CASE what
    WHEN 'relay' THEN
        -- Fewer than were asked for are all there are: who relays goes by that.
        RETURN QUERY
        WITH RECURSIVE start AS MATERIALIZED (
            SELECT o.institution_id FROM public.ownership o
            WHERE o.version >= (SELECT floor(random() * max(version)) FROM public.ownership)
            ORDER BY o.version LIMIT 1
        ), walk (institution_id, is_due, is_round, found) AS (
            SELECT s.institution_id, false, false, 0 FROM start s
            UNION ALL
            SELECT next.institution_id, due.is_due, w.is_round OR next.institution_id <= w.institution_id,
                   w.found + due.is_due::integer
            FROM walk w
            CROSS JOIN LATERAL (
                (SELECT e.institution_id, e.created_at FROM public.outbox_events e
                  WHERE e.relayed_at IS NULL AND e.institution_id > w.institution_id
                  ORDER BY e.institution_id, e.created_at LIMIT 1)
                UNION ALL
                (SELECT e.institution_id, e.created_at FROM public.outbox_events e
                  WHERE e.relayed_at IS NULL ORDER BY e.institution_id, e.created_at LIMIT 1)
                LIMIT 1
            ) next
            CROSS JOIN LATERAL (
                SELECT next.created_at < now() - interval '2 seconds'
                   AND coalesce((SELECT o.state FROM public.ownership o WHERE o.institution_id = next.institution_id)
                                IN ('active', 'closing'), false) AS is_due
            ) due
            WHERE w.found < at_most
              AND NOT (w.is_round AND w.institution_id >= (SELECT s.institution_id FROM start s))
        )
        SELECT DISTINCT w.institution_id FROM walk w WHERE w.is_due;
    WHEN 'keys' THEN
        -- All who have any key are walked: to be asked now and then.
        RETURN QUERY
        WITH RECURSIVE start AS MATERIALIZED (
            SELECT o.institution_id FROM public.ownership o
            WHERE o.version >= (SELECT floor(random() * max(version)) FROM public.ownership)
            ORDER BY o.version LIMIT 1
        ), walk (institution_id, is_due, is_round, found) AS (
            SELECT s.institution_id, false, false, 0 FROM start s
            UNION ALL
            SELECT next.institution_id, due.is_due, w.is_round OR next.institution_id <= w.institution_id,
                   w.found + due.is_due::integer
            FROM walk w
            CROSS JOIN LATERAL (
                (SELECT k.institution_id, k.created_at FROM public.idempotency_keys k
                  WHERE k.institution_id > w.institution_id
                  ORDER BY k.institution_id, k.created_at LIMIT 1)
                UNION ALL
                (SELECT k.institution_id, k.created_at FROM public.idempotency_keys k
                  ORDER BY k.institution_id, k.created_at LIMIT 1)
                LIMIT 1
            ) next
            CROSS JOIN LATERAL (
                SELECT next.created_at < now() - interval '24 hours'
                   AND coalesce((SELECT o.state FROM public.ownership o WHERE o.institution_id = next.institution_id)
                                IN ('active', 'closing'), false) AS is_due
            ) due
            WHERE w.found < at_most
              AND NOT (w.is_round AND w.institution_id >= (SELECT s.institution_id FROM start s))
        )
        SELECT DISTINCT w.institution_id FROM walk w WHERE w.is_due;
    WHEN 'events' THEN
        RETURN QUERY
        WITH RECURSIVE unnumbered (institution_id, steps) AS (
            (SELECT e.institution_id, 1 FROM public.outbox_events e
              WHERE e.seq IS NULL ORDER BY e.institution_id LIMIT 1)
            UNION ALL
            SELECT (SELECT e.institution_id FROM public.outbox_events e
                     WHERE e.seq IS NULL AND e.institution_id > u.institution_id ORDER BY e.institution_id LIMIT 1),
                   u.steps + 1
            FROM unnumbered u WHERE u.institution_id IS NOT NULL AND u.steps < 20 * at_most
        )
        SELECT o.institution_id FROM unnumbered u
        JOIN public.ownership o ON o.institution_id = u.institution_id AND o.state IN ('active', 'closing')
        ORDER BY random() LIMIT at_most;
    WHEN 'jobs' THEN
        RETURN QUERY
        WITH RECURSIVE first_due AS MATERIALIZED (
            SELECT j.institution_id FROM public.jobs j
            WHERE j.state = 'QUEUED' AND j.attempts_max > 0 AND j.run_at <= now() ORDER BY j.run_at LIMIT 4 * at_most
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
                  WHERE j.state = 'QUEUED' AND j.attempts_max > 0 AND j.institution_id > w.institution_id
                  ORDER BY j.institution_id, j.run_at LIMIT 1)
                UNION ALL
                (SELECT j.institution_id, j.run_at FROM public.jobs j
                  WHERE j.state = 'QUEUED' AND j.attempts_max > 0 ORDER BY j.institution_id, j.run_at LIMIT 1)
                LIMIT 1
            ) next
            WHERE w.steps < 20 * at_most
              AND NOT (w.is_round AND w.institution_id >= (SELECT s.institution_id FROM start s))
        )
        SELECT due.institution_id
        FROM (
            SELECT f.institution_id FROM first_due f
            UNION
            SELECT w.institution_id FROM walk w WHERE w.run_at <= now()
            UNION
            (SELECT j.institution_id FROM public.jobs j
              WHERE j.state = 'RUNNING' AND j.leased_until < now() ORDER BY j.leased_until LIMIT 4 * at_most)
            UNION
            (SELECT j.institution_id FROM public.jobs j
              WHERE j.keep_until < now() AND j.attempts_max > 0 ORDER BY j.keep_until LIMIT 4 * at_most)
        ) due
        -- Not joined: a plan that began with all institutions would cost as many steps.
        WHERE (SELECT o.state FROM public.ownership o WHERE o.institution_id = due.institution_id)
            IN ('active', 'closing')
        ORDER BY random() LIMIT at_most;
    WHEN 'schedules' THEN
        -- The longest due first. A suspended institution is looked at when it is back.
        RETURN QUERY
        SELECT s.institution_id
        FROM public.job_schedules s
        JOIN public.ownership o ON o.institution_id = s.institution_id AND o.state IN ('active', 'closing')
        JOIN public.institutions i ON i.institution_id = s.institution_id AND i.id = s.institution_id AND i.status = 'ACTIVE'
        WHERE s.enabled AND s.next_at <= as_of
        GROUP BY s.institution_id ORDER BY min(s.next_at) LIMIT at_most;
    ELSE
        IF what IS NOT NULL THEN
            RAISE EXCEPTION 'no such work: % (relay, keys, events, jobs, schedules)', what USING ERRCODE = '22023';
        END IF;
        RETURN QUERY
        SELECT any_of.institution_id
        FROM unnest(ARRAY['relay', 'keys', 'events', 'jobs', 'schedules']) AS kind
        CROSS JOIN LATERAL public.work_ready(at_most, kind, as_of) AS any_of
        GROUP BY any_of.institution_id ORDER BY random() LIMIT at_most;
    END CASE;
END $$;
