-- Who is told of what, and how it went out.

-- What a user is told: data, from which subject and text are made where it is read or sent. `dedup_key` makes one of
-- what is told twice, by a job that runs twice for example.
CREATE TABLE notifications (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    user_id        uuid NOT NULL,
    type           text NOT NULL,
    payload        jsonb NOT NULL,
    dedup_key      text NOT NULL,
    in_app         boolean NOT NULL,   -- whether it is in the user's inbox
    read_at        timestamptz,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, user_id, dedup_key),
    FOREIGN KEY (institution_id, user_id) REFERENCES users (institution_id, id) ON DELETE CASCADE
);
CREATE INDEX notifications_inbox ON notifications (institution_id, user_id, created_at, id) WHERE in_app;
CREATE INDEX notifications_unread ON notifications (institution_id, user_id) WHERE in_app AND read_at IS NULL;
CALL make_tenant_table('notifications');

-- What a user wants to hear of, and how; where a type has no row, that of '*' counts, then the type's own default.
CREATE TABLE notification_preferences (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    user_id        uuid NOT NULL,
    type           text NOT NULL,
    channel        text NOT NULL CHECK (channel IN ('IN_APP', 'EMAIL')),
    enabled        boolean NOT NULL,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, user_id, type, channel),
    FOREIGN KEY (institution_id, user_id) REFERENCES users (institution_id, id) ON DELETE CASCADE
);
CALL make_tenant_table('notification_preferences');

-- What leaves the institution; an inbox needs no delivery.
CREATE TABLE notification_deliveries (
    institution_id  uuid NOT NULL,
    id              uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    row_version     bigint NOT NULL DEFAULT 1,
    notification_id uuid NOT NULL,
    channel         text NOT NULL CHECK (channel = 'EMAIL'),
    state           text NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'SENT', 'SKIPPED', 'FAILED')),
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error           text,
    PRIMARY KEY (institution_id, id),
    UNIQUE (institution_id, notification_id, channel),
    FOREIGN KEY (institution_id, notification_id) REFERENCES notifications (institution_id, id) ON DELETE CASCADE
);
CALL make_tenant_table('notification_deliveries');
