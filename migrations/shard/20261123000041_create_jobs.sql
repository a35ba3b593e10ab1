-- Background work of an institution, enqueued in the transaction that causes it. A worker takes a job by a lease with
-- a fencing token; both move with the institution as they are.
CREATE TABLE jobs (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    type           text NOT NULL,
    payload        jsonb NOT NULL,
    state          text NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')),
    priority       smallint NOT NULL DEFAULT 0,
    attempts       integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    attempts_max   integer NOT NULL DEFAULT 10 CHECK (attempts_max > 0),
    run_at         timestamptz NOT NULL DEFAULT now(),
    leased_until   timestamptz,
    fence          bigint NOT NULL DEFAULT 0,   -- raised by each lease; an effect carries the one it was leased under
    unique_key     text,                        -- one live job of its type has it
    last_error     text,
    finished_at    timestamptz,
    PRIMARY KEY (institution_id, id),
    CHECK ((state = 'RUNNING') = (leased_until IS NOT NULL))
);
CREATE UNIQUE INDEX jobs_live_key ON jobs (institution_id, type, unique_key) WHERE state IN ('QUEUED', 'RUNNING');
CREATE INDEX jobs_due ON jobs (run_at) WHERE state = 'QUEUED';
CALL make_tenant_table('jobs');
