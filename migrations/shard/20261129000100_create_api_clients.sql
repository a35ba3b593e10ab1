-- Programs that speak for an institution, and how its operations were answered.

CREATE TABLE api_clients (
    institution_id  uuid NOT NULL,
    id              uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    row_version     bigint NOT NULL DEFAULT 1,
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description     text NOT NULL DEFAULT '' CHECK (length(description) <= 500),
    -- SHA-256 of a secret of 256 random bits: what cannot be guessed need not be slow to hash.
    secret_hash     bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    previous_hash   bytea CHECK (octet_length(previous_hash) = 32),   -- is taken as well until then
    previous_until  timestamptz,
    created_by      uuid NOT NULL,                  -- a token's subject: an admin needs no user row
    expires_at      timestamptz,
    revoked_at      timestamptz,
    PRIMARY KEY (institution_id, id),
    CHECK ((previous_hash IS NULL) = (previous_until IS NULL))
);
CALL make_tenant_table('api_clients');

-- When a client got its last token. Apart from the client: its use is no change of it, and has no version.
CREATE TABLE api_client_uses (
    institution_id  uuid NOT NULL,
    id              uuid NOT NULL,                  -- the client's
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    row_version     bigint NOT NULL DEFAULT 1,
    used_at         timestamptz NOT NULL,
    PRIMARY KEY (institution_id, id),
    FOREIGN KEY (institution_id, id) REFERENCES api_clients (institution_id, id) ON DELETE CASCADE
);
CALL make_tenant_table('api_client_uses');

-- How often an operation was called in a minute and in an hour, with what outcome, in what time. Nodes add to it.
CREATE TABLE endpoint_metrics (
    institution_id  uuid NOT NULL,
    id              uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    row_version     bigint NOT NULL DEFAULT 1,
    resolution      text NOT NULL CHECK (resolution IN ('MINUTE', 'HOUR')),
    bucket_at       timestamptz NOT NULL,           -- when the minute or the hour began
    operation       text NOT NULL CHECK (length(operation) <= 200),
    requests        bigint NOT NULL CHECK (requests >= 0),
    client_errors   bigint NOT NULL CHECK (client_errors >= 0),       -- 4xx
    server_errors   bigint NOT NULL CHECK (server_errors >= 0),       -- 5xx
    total_us        bigint NOT NULL CHECK (total_us >= 0),            -- of all requests together
    -- Requests by their time: up to 1, 2.5, 5, 10, 25, 50, 100, 250, 500 ms, 1, 2.5, 5, 10 s, and longer.
    latency         bigint[] NOT NULL CHECK (cardinality(latency) = 14),
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, resolution, bucket_at, operation)
) WITH (fillfactor = 70);
CALL make_tenant_table('endpoint_metrics');
