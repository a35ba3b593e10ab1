-- Attempts of a student at an assessment are found by the key that has both. To statistics from before an exam those of
-- the assessment are as few, and an index of it and a status is smaller than the key: each paper that was graded would
-- read all of them. Attempts of one assessment are read by the same key, and their statuses from them.
DROP INDEX assessment_submissions_by_status;
