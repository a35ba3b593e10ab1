-- What workers need of `jobs`: to find what is due line by line, to take it, and to let go of what has ended.
--
-- A *line* is the jobs of one type and priority of an institution, in the order in which they fall due.

ALTER TABLE jobs
    ADD COLUMN again_at   timestamptz,   -- its key was enqueued once more while it ran: when it is due anew
    ADD COLUMN keep_until timestamptz,   -- it has ended well, or was cancelled, and is deleted after this
    ADD CHECK (again_at IS NULL OR state IN ('QUEUED', 'RUNNING')),
    ADD CHECK (keep_until IS NULL OR state IN ('DONE', 'CANCELLED'));

-- Most jobs have no key: they need no place in the index of keys.
DROP INDEX jobs_live_key;
CREATE UNIQUE INDEX jobs_live_key ON jobs (institution_id, type, unique_key)
    WHERE state IN ('QUEUED', 'RUNNING') AND unique_key IS NOT NULL;

CREATE INDEX jobs_lines ON jobs (institution_id, type, priority, run_at) WHERE state = 'QUEUED';
CREATE INDEX jobs_first ON jobs (institution_id, run_at) WHERE state = 'QUEUED';
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (run_at, institution_id) WHERE state = 'QUEUED';
CREATE INDEX jobs_leased ON jobs (leased_until, institution_id) WHERE state = 'RUNNING';
CREATE INDEX jobs_kept ON jobs (keep_until, institution_id) WHERE keep_until IS NOT NULL;
CREATE INDEX jobs_failed ON jobs (institution_id, created_at, id) WHERE state = 'FAILED';
CREATE INDEX jobs_by_created ON jobs (institution_id, created_at, id);

-- A row is written four times in its life: what is dead in it must not pile up in front of who looks for the next one.
ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
                      autovacuum_analyze_scale_factor = 0.05);

-- How long a job rests after its nth attempt: 1 s, twice as long each time, at most 10 min; and up to half of that more,
-- so that what failed together does not come back together.
CREATE FUNCTION job_backoff(attempts integer) RETURNS interval LANGUAGE sql VOLATILE
    RETURN interval '1 second' * least(power(2, least(attempts, 20) - 1), 600) * (1 + random() / 2);
GRANT EXECUTE ON FUNCTION job_backoff(integer) TO lxp_app;

-- Ids of institutions with due work, and nothing else. Taking the work then opens the tenant's transaction.
--
-- Fair: whoever is left out this time has the same chance next time. One institution with 100,000 due jobs hides nobody:
-- where the first due jobs of all are not all there are, institutions are walked from a random one on, a step each,
-- however many jobs they have. Without such a backlog nobody walks: institutions whose jobs are for later cost nothing.
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
    )
    SELECT o.institution_id
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
    ) due
    JOIN public.ownership o ON o.institution_id = due.institution_id AND o.state IN ('active', 'closing')
    ORDER BY random()
    LIMIT at_most
$$;
