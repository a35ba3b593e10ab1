//! The guard and row-level security, against a real Postgres. Each trap of PLACEMENT's "The guard" has a
//! scenario here, and the scenario is shown to catch the trap by putting the trap back.

use std::time::Duration;

use crate::support::{Shard, insert_course};
use shard_map::InstitutionId;
use shard_node::error::Error;
use shard_node::store::TenantTx;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

/// Waits until a backend waits for a lock, so that a test goes on from a known state.
async fn until_blocked(connection: &mut PgConnection, pid: i32) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    loop {
        let blocked: bool = sqlx::query_scalar("SELECT cardinality(pg_blocking_pids($1)) > 0")
            .bind(pid)
            .fetch_one(&mut *connection)
            .await
            .expect("an answer");
        if blocked {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "nothing waits for a lock");
        tokio::task::yield_now().await;
    }
}

/// A transaction enters while a fence holds the exclusive lock; the fence commits. Answers whether the
/// transaction was let in, which would be a write on a fenced institution.
async fn enters_behind_a_fence(shard: &Shard, institution: InstitutionId) -> bool {
    let mut fence = shard.connect("lxp_owner").await;
    let mut watcher = shard.connect("postgres").await;
    let mut late = shard.connect("lxp_app").await;
    let pid: i32 =
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut late).await.expect("a pid");
    fence.execute("BEGIN").await.expect("begun");
    sqlx::query("SELECT pg_advisory_xact_lock(tenant_lock_key($1))")
        .bind(institution.as_uuid())
        .execute(&mut fence)
        .await
        .expect("locked");
    sqlx::query(
        "UPDATE ownership SET state = 'fenced', epoch = epoch + 1 WHERE institution_id = $1",
    )
    .bind(institution.as_uuid())
    .execute(&mut fence)
    .await
    .expect("fenced");
    let enter = format!("BEGIN; SELECT tenant_enter('{institution}')");
    let entering = tokio::spawn(async move {
        late.execute("SET lock_timeout = '5s'").await.expect("set");
        late.execute(AssertSqlSafe(enter)).await.map(|_| ())
    });
    until_blocked(&mut watcher, pid).await;
    fence.execute("COMMIT").await.expect("committed");
    entering.await.expect("no panic").is_ok()
}

/// Replaces `tenant_enter` by one with a trap in it.
async fn set_trap(shard: &Shard, volatility: &str, body: &str) {
    let mut owner = shard.connect("lxp_definer").await;
    let sql = format!(
        "CREATE OR REPLACE FUNCTION tenant_enter(institution uuid) RETURNS void LANGUAGE plpgsql {volatility}
         SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
         DECLARE o public.ownership; BEGIN {body}
         IF o.state IS NULL OR o.state NOT IN ('active', 'closing') THEN
             RAISE EXCEPTION 'refused' USING ERRCODE = 'LX001'; END IF; END $$"
    );
    owner.execute(AssertSqlSafe(sql)).await.expect("replaced");
}

#[tokio::test]
async fn a_transaction_that_waited_for_a_fence_is_refused() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    assert!(!enters_behind_a_fence(&shard, institution).await);
    shard.drop_database().await;
}

#[tokio::test]
async fn lock_and_read_in_one_statement_would_be_caught() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let body = "SELECT w.* INTO o FROM public.ownership w,
        LATERAL (SELECT pg_advisory_xact_lock_shared(public.tenant_lock_key(institution)) OFFSET 0) l
        WHERE w.institution_id = institution;";
    set_trap(&shard, "VOLATILE", body).await;
    assert!(
        enters_behind_a_fence(&shard, institution).await,
        "the scenario does not see this trap"
    );
    shard.drop_database().await;
}

#[tokio::test]
async fn a_stable_guard_would_be_caught() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let body = "PERFORM pg_advisory_xact_lock_shared(public.tenant_lock_key(institution));
        SELECT * INTO o FROM public.ownership WHERE institution_id = institution;";
    set_trap(&shard, "STABLE", body).await;
    assert!(
        enters_behind_a_fence(&shard, institution).await,
        "the scenario does not see this trap"
    );
    shard.drop_database().await;
}

#[tokio::test]
async fn only_read_committed_may_enter() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let mut app = shard.connect("lxp_app").await;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let enter = format!("BEGIN ISOLATION LEVEL {level}; SELECT tenant_enter('{institution}')");
        let error = app.execute(AssertSqlSafe(enter)).await.expect_err("refused");
        assert_eq!(
            error.as_database_error().and_then(DatabaseError::code).as_deref(),
            Some("LX002"),
            "{level}"
        );
        app.execute("ROLLBACK").await.expect("rolled back");
    }
    shard.drop_database().await;
}

#[tokio::test]
async fn what_is_not_owned_is_refused_with_who_owns_it() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let pool = shard.pool("lxp_app", 1);
    let mut owner = shard.connect("lxp_owner").await;
    for state in ["importing", "fenced", "moved"] {
        sqlx::query("UPDATE ownership SET state = $2, owner = 'shard-x', epoch = 7, map_version = 9 WHERE institution_id = $1")
            .bind(institution.as_uuid())
            .bind(state)
            .execute(&mut owner)
            .await
            .expect("updated");
        let Err(Error::NotOwner(refused)) = TenantTx::begin(&pool, institution).await else {
            panic!("{state} was let in");
        };
        assert_eq!(refused.state.as_deref(), Some(state));
        assert_eq!(refused.owner.as_deref(), Some("shard-x"));
        assert_eq!(refused.epoch.map(|epoch| epoch.0), Some(7));
        assert_eq!(refused.map_version.map(|version| version.0), Some(9));
    }
    let nobody = InstitutionId::new(uuid::Uuid::now_v7());
    let Err(Error::NotOwner(refused)) = TenantTx::begin(&pool, nobody).await else {
        panic!("an institution without a row was let in");
    };
    assert_eq!(refused.owner, None);
    pool.close().await;
    shard.drop_database().await;
}

#[tokio::test]
async fn the_tenant_ends_with_its_transaction() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let pool = shard.pool("lxp_app", 1);
    insert_course(&pool, institution, "C1").await;
    let setting: String =
        sqlx::query_scalar("SELECT coalesce(current_setting('app.institution_id', true), '')")
            .fetch_one(&pool)
            .await
            .expect("a setting");
    assert_eq!(setting, "", "the tenant leaks through the pool");
    pool.close().await;
    shard.drop_database().await;
}

/// The request pool asks nothing of a connection whose transaction has ended: so nothing may be left in it then.
#[tokio::test]
async fn a_connection_comes_back_from_each_end_without_a_tenant() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let pool = shard.pool("lxp_app", 1);
    let begin = async || TenantTx::begin(&pool, institution).await.expect("entered");
    let is_clean = async |after: &str| {
        let mut connection = pool.acquire().await.expect("the one connection");
        let tenant: String =
            sqlx::query_scalar("SELECT coalesce(current_setting('app.institution_id', true), '')")
                .fetch_one(&mut *connection)
                .await
                .expect("a setting");
        assert_eq!(tenant, "", "after {after}");
        // In a transaction that is open it would be refused.
        let outside = connection.execute("VACUUM courses").await.err();
        let code = outside.as_ref().and_then(|error| error.as_database_error()?.code());
        assert_ne!(code.as_deref(), Some("25001"), "after {after}");
    };
    begin().await.commit().await.expect("ended");
    is_clean("a commit").await;
    begin().await.commit_durably().await.expect("ended");
    is_clean("a durable commit").await;
    begin().await.rollback().await.expect("ended");
    is_clean("a rollback").await;
    drop(begin().await);
    is_clean("a drop").await;
    let mut failed = begin().await;
    failed.connection().execute("SELECT 1 / 0").await.expect_err("an error");
    failed.commit().await.expect_err("it had failed");
    is_clean("the commit of one that failed").await;
    pool.close().await;
    shard.drop_database().await;
}

/// S10: the tables are found by the test itself, so that a new one cannot be forgotten.
#[tokio::test]
async fn without_a_tenant_no_table_shows_a_row() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let pool = shard.pool("lxp_app", 1);
    insert_course(&pool, institution, "C1").await;
    let mut catalogue = shard.connect("postgres").await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT c.table_name::text FROM information_schema.columns c
         JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE c.column_name = 'institution_id' AND c.table_schema = 'public' AND t.table_type = 'BASE TABLE'",
    )
    .fetch_all(&mut catalogue)
    .await
    .expect("tables");
    assert!(tables.len() > 15, "only {tables:?}");
    let mut fresh = shard.connect("lxp_app").await;
    let mut used = pool.acquire().await.expect("a used connection");
    for table in &tables {
        for (connection, codes) in
            [(&mut fresh, ["42704", "42501"]), (&mut *used, ["22P02", "42501"])]
        {
            let select = format!("SELECT * FROM {table}");
            match connection.fetch_all(AssertSqlSafe(select)).await {
                Ok(rows) => panic!("{table} shows {} rows", rows.len()),
                Err(error) => {
                    let code =
                        error.as_database_error().and_then(DatabaseError::code).unwrap_or_default();
                    assert!(codes.contains(&&*code), "{table}: {error}");
                }
            }
        }
    }
    drop(used);
    pool.close().await;
    shard.drop_database().await;
}

#[tokio::test]
async fn every_tenant_table_is_made_as_one() {
    let shard = Shard::create().await;
    let mut catalogue = shard.connect("postgres").await;
    let unprotected: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'institution_id'
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
           AND c.relname NOT IN ('ownership', 'change_log')
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND a.attstattarget = 0
                    AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant')
                    AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = 'row_touched')
                    AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = 'change_captured'))",
    )
    .fetch_all(&mut catalogue)
    .await
    .expect("tables");
    assert!(unprotected.is_empty(), "{unprotected:?} did not go through make_tenant_table");
    let foreign: Vec<String> = sqlx::query_scalar(
        "SELECT conname::text FROM pg_constraint k
         WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
           AND (SELECT attname FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = k.conkey[1])
               <> 'institution_id'",
    )
    .fetch_all(&mut catalogue)
    .await
    .expect("keys");
    assert!(foreign.is_empty(), "{foreign:?} could refer to another institution");
    shard.drop_database().await;
}

#[tokio::test]
async fn a_tenant_sees_and_writes_its_own_rows_only() {
    let shard = Shard::create().await;
    let (mine, other) = (shard.admit().await, shard.admit().await);
    let pool = shard.pool("lxp_app", 2);
    let theirs = insert_course(&pool, other, "C1").await;
    let mut tx = TenantTx::begin(&pool, mine).await.expect("entered");
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM courses")
        .fetch_one(tx.connection())
        .await
        .expect("a count");
    assert_eq!(seen, 0);
    let touched = sqlx::query("UPDATE courses SET title = 'x' WHERE id = $1")
        .bind(theirs)
        .execute(tx.connection())
        .await
        .expect("an update of nothing");
    assert_eq!(touched.rows_affected(), 0);
    let smuggled = sqlx::query(
        "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, $2, 'X', 'x')",
    )
    .bind(other.as_uuid())
    .bind(uuid::Uuid::now_v7())
    .execute(tx.connection())
    .await
    .expect_err("another tenant's row");
    assert_eq!(
        smuggled.as_database_error().and_then(DatabaseError::code).as_deref(),
        Some("42501")
    );
    drop(tx);
    pool.close().await;
    shard.drop_database().await;
}

#[tokio::test]
async fn the_policy_is_an_initplan() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let pool = shard.pool("lxp_app", 1);
    let mut tx = TenantTx::begin(&pool, institution).await.expect("entered");
    let rows =
        tx.connection().fetch_all("EXPLAIN SELECT count(*) FROM courses").await.expect("a plan");
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(plan.iter().any(|line| line.contains("InitPlan")), "{plan:#?}");
    drop(tx);
    pool.close().await;
    shard.drop_database().await;
}

#[tokio::test]
async fn copy_from_is_for_the_mover_only() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let pool = shard.pool("lxp_app", 1);
    let mut tx = TenantTx::begin(&pool, institution).await.expect("entered");
    let refused =
        tx.connection().copy_in_raw("COPY courses FROM STDIN").await.err().expect("refused");
    assert_eq!(refused.as_database_error().and_then(DatabaseError::code).as_deref(), Some("0A000"));
    drop(tx);
    pool.close().await;
    let mut mover = shard.connect("lxp_mover").await;
    let copy = mover.copy_in_raw("COPY courses FROM STDIN").await.expect("allowed");
    copy.abort("only asked whether it may").await.expect("aborted");
    shard.drop_database().await;
}

#[tokio::test]
async fn the_application_has_no_rights_on_system_tables() {
    let shard = Shard::create().await;
    let mut app = shard.connect("lxp_app").await;
    for statement in [
        "SELECT * FROM ownership",
        "UPDATE ownership SET state = 'active'",
        "SELECT institution_admit(gen_random_uuid(), 1, 's', 's', 's', 'UTC')",
        "SET session_replication_role = replica",
        "ALTER TABLE courses DISABLE ROW LEVEL SECURITY",
    ] {
        let error = app.execute(statement).await.expect_err(statement);
        assert_eq!(
            error.as_database_error().and_then(DatabaseError::code).as_deref(),
            Some("42501"),
            "{statement}"
        );
    }
    drop(app.close().await);
    shard.drop_database().await;
}

/// The three functions that see across tenants are the only ones, and none can be fooled by a search path.
#[tokio::test]
async fn three_definer_functions_with_pinned_paths() {
    let shard = Shard::create().await;
    let mut catalogue = shard.connect("postgres").await;
    let functions: Vec<(String, bool)> = sqlx::query_as(
        "SELECT proname::text, coalesce(proconfig::text LIKE '%search_path=pg_catalog, pg_temp%', false)
         FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY 1",
    )
    .fetch_all(&mut catalogue)
    .await
    .expect("functions");
    let pinned = |name: &str| (name.to_owned(), true);
    assert_eq!(functions, ["ownership_changes", "tenant_enter", "work_ready"].map(pinned));
    shard.drop_database().await;
}
