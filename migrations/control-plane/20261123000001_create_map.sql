-- The published map: its head, what each version changed, and the shards and nodes that stand in it.

-- One row. Every change of ring, directory or map locks it first and takes its version from it, so versions
-- are gapless and become visible in order.
CREATE TABLE map_head (
    only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version           bigint  NOT NULL CHECK (version >= 0),
    placement_version bigint  NOT NULL CHECK (placement_version BETWEEN 0 AND version)
);
INSERT INTO map_head (version, placement_version) VALUES (0, 0);

CREATE TABLE map_history (
    version           bigint      PRIMARY KEY CHECK (version > 0),
    placement_version bigint      NOT NULL,
    at                timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind              text        NOT NULL,
    subject           text        NOT NULL,
    entries_set       jsonb       NOT NULL,   -- shard_map::Entries
    entries_removed   jsonb       NOT NULL    -- shard_map::Removal
);

CREATE TABLE shards (
    id             text        PRIMARY KEY CHECK (id ~ '^[a-z][a-z0-9-]{0,62}$'),
    state          text        NOT NULL CHECK (state IN ('joining', 'active', 'draining')),
    weight         integer     NOT NULL CHECK (weight BETWEEN 1 AND 100),
    primary_dsn    text        NOT NULL,      -- with its password, as are the next two: never shown, never logged
    replica_dsns   text[]      NOT NULL,
    redis_nodes    text[]      NOT NULL,
    schema_wanted  bigint      NOT NULL,      -- the newest migration it is to have
    schema_version bigint,                    -- the newest that it has been seen to have
    tries          integer     NOT NULL DEFAULT 0,
    retry_at       timestamptz NOT NULL DEFAULT now(),
    last_error     text,
    created_at     timestamptz NOT NULL DEFAULT now()
);

-- `state` is what the map says of a node. It follows from the three words above each other: a person's
-- (cordoned), a health checker's (held_down), and that of its own heartbeats (health).
CREATE TABLE nodes (
    id            text        PRIMARY KEY CHECK (id ~ '^[a-z][a-z0-9-]{0,62}$'),
    shard_id      text        NOT NULL REFERENCES shards (id),
    url           text        NOT NULL,
    state         text        NOT NULL CHECK (state IN ('up', 'suspect', 'down', 'cordoned')),
    cordoned      boolean     NOT NULL DEFAULT false,
    held_down     text,
    health        text        NOT NULL CHECK (health IN ('up', 'suspect', 'down')),
    good_beats    smallint    NOT NULL CHECK (good_beats >= 0),
    last_beat_at  timestamptz,
    last_good_at  timestamptz,
    load          double precision,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX nodes_by_shard ON nodes (shard_id);

-- Since when somebody has been watching the heartbeats. A silence while nobody watched says nothing of a node.
CREATE TABLE health_watch (
    only_row       boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    last_tick_at   timestamptz NOT NULL,
    watching_since timestamptz NOT NULL
);
INSERT INTO health_watch (last_tick_at, watching_since) VALUES ('epoch', 'epoch');
