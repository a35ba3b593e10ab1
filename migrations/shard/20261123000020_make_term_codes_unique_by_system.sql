-- Two term systems of an institution (semesters and quarters, say) each have a 2026-T1. Codes that were unique in
-- the institution are unique in the system. Terms without a system are one group.
ALTER TABLE terms
    ADD CONSTRAINT terms_one_code_a_system UNIQUE NULLS NOT DISTINCT (institution_id, term_system_id, code),
    DROP CONSTRAINT terms_institution_id_code_key;
-- The key above leads with the same columns.
DROP INDEX terms_by_system;
