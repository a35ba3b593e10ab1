-- The roles of a shard's Postgres, made by a superuser; the database `lxp` belongs to lxp_owner.
--
-- Repeating it is harmless: it makes what is missing and sets passwords and settings again.
-- {{owner_password}}, {{app_password}} and {{mover_password}} are replaced before it is sent; they hold
-- letters and digits alone.

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['lxp_owner', 'lxp_app', 'lxp_mover', 'lxp_definer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I', role);
        END IF;
    END LOOP;
END $$;

-- Runs the migrations and owns the tables, without being above their row-level security.
ALTER ROLE lxp_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD '{{owner_password}}';

-- The node. Every query of the node carries its own deadline; these stand behind it.
ALTER ROLE lxp_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD '{{app_password}}';
ALTER ROLE lxp_app SET statement_timeout = '30s';
ALTER ROLE lxp_app SET lock_timeout = '1s';
ALTER ROLE lxp_app SET idle_in_transaction_session_timeout = '5s';

-- Moves institutions: COPY FROM is refused under row-level security, and copied rows fire no triggers.
ALTER ROLE lxp_mover LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE BYPASSRLS PASSWORD '{{mover_password}}';
GRANT SET ON PARAMETER session_replication_role TO lxp_mover;
-- It sees who is inside an institution that it fences, and cuts off who does not leave.
GRANT pg_read_all_stats, pg_signal_backend TO lxp_mover;
-- The control plane logs in as the owner, and acts as the mover in the code that moves.
GRANT lxp_mover TO lxp_owner;

-- Owns the SECURITY DEFINER functions, which alone see across tenants. Nobody logs in as it.
ALTER ROLE lxp_definer NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE BYPASSRLS;
GRANT lxp_definer TO lxp_owner;
