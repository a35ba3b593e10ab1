-- A person has said that a shard's database is gone for good: moves that had only to clean up there end without it.
ALTER TABLE shards ADD COLUMN database_lost_at timestamptz;
