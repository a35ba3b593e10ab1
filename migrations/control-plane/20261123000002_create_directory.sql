-- The directory: which shard owns each institution, at which epoch.

CREATE TABLE institutions (
    id          uuid        PRIMARY KEY,
    slug        text        NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]{1,63}$'),
    name        text        NOT NULL,
    timezone    text        NOT NULL,
    status      text        NOT NULL CHECK (status IN ('creating', 'active', 'suspended')),
    settled     boolean     NOT NULL,                 -- its shard's database says the same
    shard_id    text        NOT NULL REFERENCES shards (id),
    epoch       bigint      NOT NULL CHECK (epoch > 0),
    -- Derived, never set by hand: whether the ring proposes another shard. These rows are the map's exceptions.
    off_ring    boolean     NOT NULL,
    map_version bigint      NOT NULL,                 -- of the last change of shard or epoch
    tries       integer     NOT NULL DEFAULT 0,
    retry_at    timestamptz NOT NULL,
    last_error  text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (status <> 'creating' OR NOT settled)
);
CREATE INDEX institutions_by_shard ON institutions (shard_id);
CREATE INDEX institutions_by_map_version ON institutions (map_version);
CREATE INDEX institutions_off_ring ON institutions (id) WHERE off_ring;
CREATE INDEX institutions_unsettled ON institutions (retry_at) WHERE NOT settled;

CREATE TABLE placements (
    institution_id uuid        NOT NULL REFERENCES institutions (id),
    epoch          bigint      NOT NULL,
    shard_id       text        NOT NULL,
    map_version    bigint      NOT NULL,
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason         text        NOT NULL,
    PRIMARY KEY (institution_id, epoch)
);
