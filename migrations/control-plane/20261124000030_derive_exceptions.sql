-- Exceptions follow from directory and ring, and are kept nowhere: a change of the ring writes no institution.
-- The column stays because migrations only add. Nobody writes it any more, so a control plane of an earlier build that
-- would read it must not run beside this one: stop all of them before the first new one is started.
ALTER TABLE institutions ALTER COLUMN off_ring SET DEFAULT false;

-- How many exceptions a version changed that its row does not list, being too many: readers look at the directory.
ALTER TABLE map_history ADD COLUMN exceptions_left_out bigint NOT NULL DEFAULT 0;
