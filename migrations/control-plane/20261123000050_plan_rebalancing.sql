-- What plans of many moves need: pins, capacity, moves that wait for their turn; and shards that go.

ALTER TABLE institutions ADD COLUMN pinned_to text REFERENCES shards (id);
CREATE INDEX institutions_pinned ON institutions (pinned_to) WHERE pinned_to IS NOT NULL;

-- Weight 0: whoever is pinned to it, and nobody else. Capacity: how many institutions.
ALTER TABLE shards ADD COLUMN capacity bigint CHECK (capacity > 0);
ALTER TABLE shards DROP CONSTRAINT shards_weight_check;
ALTER TABLE shards ADD CONSTRAINT shards_weight_check CHECK (weight BETWEEN 0 AND 100);

-- The journal names shards that are gone.
ALTER TABLE plan_moves DROP CONSTRAINT plan_moves_from_shard_fkey;
ALTER TABLE plan_moves DROP CONSTRAINT plan_moves_to_shard_fkey;
ALTER TABLE moves DROP CONSTRAINT moves_from_shard_fkey;
ALTER TABLE moves DROP CONSTRAINT moves_to_shard_fkey;

ALTER TABLE plans
    ADD COLUMN shard_id    text,      -- the one that is drained
    ADD COLUMN window_from smallint CHECK (window_from BETWEEN 0 AND 23),   -- hours in UTC
    ADD COLUMN window_to   smallint CHECK (window_to BETWEEN 0 AND 23),
    ADD COLUMN notes       text[]   NOT NULL DEFAULT '{}',
    ADD CHECK ((window_from IS NULL) = (window_to IS NULL));

-- The leader begins what waits, as limits allow.
ALTER TABLE plan_moves
    ADD COLUMN is_waiting boolean NOT NULL DEFAULT false,
    ADD COLUMN skipped    text;                            -- why it will not begin
CREATE UNIQUE INDEX plan_moves_one_waiting ON plan_moves (institution_id) WHERE is_waiting;
