-- Statistics are behind what was just written, and what they say of institutions misleads: to a planner that has never
-- heard of one, or that saw a row or two of each, any index led by the institution is as good as the key, and the one
-- with a million rows is read whole for each of them. Without statistics of this one column each institution counts as
-- a 200th of its table, whatever ANALYZE has seen: the key wins.

CREATE OR REPLACE PROCEDURE make_tenant_table(name regclass, rights text DEFAULT 'SELECT, INSERT, UPDATE, DELETE')
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
    -- As an initplan the setting is read once a statement; a missing one is an error, not an empty answer.
    EXECUTE format('CREATE POLICY tenant ON %s USING (institution_id = (SELECT current_setting(''app.institution_id'')::uuid))', name);
    EXECUTE format('GRANT %s ON %s TO lxp_app', rights, name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO lxp_mover', name);
    EXECUTE format('GRANT SELECT ON %s TO lxp_definer', name);
    EXECUTE format('CREATE TRIGGER row_touched BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION row_touched()', name);
    EXECUTE format('ALTER TABLE %s ALTER COLUMN institution_id SET STATISTICS 0', name);
    CALL make_captured(name);
END $$;

DO $$
DECLARE
    name regclass;
BEGIN
    FOR name IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'row_touched' ORDER BY 1 LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN institution_id SET STATISTICS 0', name);
    END LOOP;
END $$;
