-- Exceptions follow from directory and ring, and are kept nowhere: a change of the ring writes no institution.
-- The column stays until no control plane is left that reads it; none writes it any more.
ALTER TABLE institutions ALTER COLUMN off_ring SET DEFAULT false;

-- How many exceptions a version changed that its row does not list, being too many: readers look at the directory.
ALTER TABLE map_history ADD COLUMN exceptions_left_out bigint NOT NULL DEFAULT 0;
