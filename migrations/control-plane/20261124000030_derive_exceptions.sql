-- Exceptions follow from directory and ring, and are kept nowhere: a change of the ring writes no institution.
ALTER TABLE institutions DROP COLUMN off_ring;

-- How many exceptions a version changed that its row does not list, being too many: readers look at the directory.
ALTER TABLE map_history ADD COLUMN exceptions_left_out bigint NOT NULL DEFAULT 0;
