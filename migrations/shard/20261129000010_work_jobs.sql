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
