-- Events get their numbers after commit, from one sequencer of the institution at a time, and a hash with each: the
-- audit is a view of the same rows. Read shard-node/src/events before changing a line.

ALTER TABLE outbox_events
    ADD COLUMN actor_id   uuid,    -- who caused it; nil is the platform itself, null is older than this column
    ADD COLUMN request_id text,
    ADD COLUMN hash       bytea,   -- SHA-256 of the hash before it and of the row
    ADD CONSTRAINT outbox_events_hashed_with_number CHECK ((seq IS NULL) = (hash IS NULL)),
    ADD CONSTRAINT outbox_events_numbered_from_1 CHECK (seq > 0);

-- Led by the institution, so that `work_ready` steps from one to the next however many rows one has.
CREATE INDEX outbox_events_unnumbered ON outbox_events (institution_id, created_at) WHERE seq IS NULL;

-- Where an institution's chain ends. Not only the fast way to it: rows that are gone from the end are missed by it.
CREATE TABLE event_heads (
    institution_id uuid NOT NULL,
    id             uuid NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    row_version    bigint NOT NULL DEFAULT 1,
    seq            bigint NOT NULL CHECK (seq > 0),
    hash           bytea  NOT NULL,
    PRIMARY KEY (institution_id, id),
    CHECK (institution_id = id)
);
CALL make_tenant_table('event_heads', 'SELECT, INSERT, UPDATE');

-- The sequencer's turn; another key than the guard's, which a move takes.
CREATE FUNCTION events_lock_key(institution uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN uuid_hash_extended(institution, 1);
GRANT EXECUTE ON FUNCTION events_lock_key(uuid) TO lxp_app;

-- Names and addresses of people do not go into a chain that keeps them for good. Events of students have had them.
SET LOCAL ROLE lxp_mover;
UPDATE outbox_events SET payload = payload - ARRAY['givenName', 'familyName', 'email']
    WHERE aggregate = 'students' AND payload ?| ARRAY['givenName', 'familyName', 'email'];
RESET ROLE;
