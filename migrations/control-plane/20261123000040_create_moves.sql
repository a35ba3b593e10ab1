-- Moves of institutions: who leads, what was planned, and the journal of each move.

-- One control plane at a time moves institutions. The lease goes by this database's clock; the term fences a leader
-- that slept, here and on every shard.
CREATE TABLE leader (
    only_row   boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    holder     text        NOT NULL,
    term       bigint      NOT NULL CHECK (term >= 0),
    expires_at timestamptz NOT NULL
);
INSERT INTO leader (holder, term, expires_at) VALUES ('nobody', 0, 'epoch');

-- What is to move and why; shown before it runs.
CREATE TABLE plans (
    id                uuid        PRIMARY KEY,
    kind              text        NOT NULL CHECK (kind IN ('move', 'rebalance', 'drain')),
    state             text        NOT NULL CHECK (state IN ('proposed', 'running', 'paused', 'done', 'cancelled')),
    placement_version bigint      NOT NULL,
    created_by        text        NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_at        timestamptz,
    finished_at       timestamptz
);

CREATE TABLE plan_moves (
    plan_id        uuid     NOT NULL REFERENCES plans (id),
    position       integer  NOT NULL CHECK (position >= 0),
    institution_id uuid     NOT NULL REFERENCES institutions (id),
    from_shard     text     NOT NULL REFERENCES shards (id),
    to_shard       text     NOT NULL REFERENCES shards (id),
    epoch          bigint   NOT NULL,   -- at which it was planned; another one refuses the plan
    reason         text     NOT NULL,
    row_count      bigint,              -- estimates; null where the shard did not say
    byte_count     bigint,
    PRIMARY KEY (plan_id, position),
    UNIQUE (plan_id, institution_id)
);

-- The journal. Each step is written here before it acts, and can be done twice.
CREATE TABLE moves (
    id               uuid        PRIMARY KEY,
    plan_id          uuid        REFERENCES plans (id),
    institution_id   uuid        NOT NULL REFERENCES institutions (id),
    from_shard       text        NOT NULL REFERENCES shards (id),
    to_shard         text        NOT NULL REFERENCES shards (id),
    epoch            bigint      NOT NULL,   -- before it. Fence, commit and abort are the next three
    phase            text        NOT NULL CHECK (phase IN ('preflight', 'copying', 'verifying', 'closing', 'cutover',
                                                           'cleaning', 'done', 'aborting', 'aborted')),
    requested_by     text        NOT NULL,
    cancel_reason    text,                   -- it is to be aborted, if it is not committed yet
    schema_version   bigint,
    source_identity  text,                   -- system identifier and timeline of the primaries it began with
    target_identity  text,
    last_round       bigint,                 -- of the commit point: activation demands it and the target's identity
    map_version      bigint,                 -- that the commit published
    row_total        bigint      NOT NULL DEFAULT 0,
    rows_copied      bigint      NOT NULL DEFAULT 0,
    keys_to_catch_up bigint      NOT NULL DEFAULT 0,
    round            bigint      NOT NULL DEFAULT 0,
    pause_began_at   timestamptz,            -- the lock was first asked for
    pause_ms         double precision,
    cutover_tries    integer     NOT NULL DEFAULT 0,
    started_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    phase_started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at      timestamptz,
    tries            integer     NOT NULL DEFAULT 0,   -- failed ones in a row
    retry_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    retries          jsonb       NOT NULL DEFAULT '[]',   -- the last ones: [{at, why}]
    CHECK (from_shard <> to_shard),
    CHECK ((phase IN ('done', 'aborted')) = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX moves_one_active ON moves (institution_id) WHERE phase NOT IN ('done', 'aborted');
CREATE INDEX moves_by_start ON moves (started_at, id);
CREATE INDEX moves_by_plan ON moves (plan_id);
