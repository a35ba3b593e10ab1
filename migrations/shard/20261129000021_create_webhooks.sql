-- Where an institution's events are sent, and what became of each.

CREATE TABLE webhook_endpoints (
    institution_id  uuid NOT NULL,
    id              uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    row_version     bigint NOT NULL DEFAULT 1,
    url             text NOT NULL CHECK (length(url) <= 2000),
    description     text NOT NULL DEFAULT '',
    event_types     text[] NOT NULL DEFAULT '{}',   -- all where it is empty
    status          text NOT NULL DEFAULT 'ENABLED' CHECK (status IN ('ENABLED', 'DISABLED')),
    disabled_reason text,
    failing_since   timestamptz,                    -- of the first failure after the last success
    secret          text NOT NULL,                  -- as it is: it signs
    previous_secret text,                           -- signs as well until then
    previous_until  timestamptz,
    PRIMARY KEY (institution_id, id),
    CHECK ((status = 'DISABLED') = (disabled_reason IS NOT NULL)),
    CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
);
CALL make_tenant_table('webhook_endpoints');

CREATE TABLE webhook_deliveries (
    institution_id  uuid NOT NULL,
    id              uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    row_version     bigint NOT NULL DEFAULT 1,
    endpoint_id     uuid NOT NULL,
    event_id        uuid NOT NULL,
    state           text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED')),
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_status     integer,                        -- that the endpoint answered with
    last_error      text,
    last_attempt_at timestamptz,
    next_attempt_at timestamptz DEFAULT now(),
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, event_id, endpoint_id),
    FOREIGN KEY (institution_id, endpoint_id) REFERENCES webhook_endpoints (institution_id, id) ON DELETE CASCADE,
    FOREIGN KEY (institution_id, event_id) REFERENCES outbox_events (institution_id, id),
    CHECK ((state = 'PENDING') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (institution_id, endpoint_id, created_at, id);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (institution_id, created_at) WHERE state <> 'PENDING';
CALL make_tenant_table('webhook_deliveries');
