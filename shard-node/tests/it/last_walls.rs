//! Mechanisms that stand behind others: each with the ones before it taken away, so that it is the last.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use shard_node::store::TenantTx;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _};

use crate::support::Shard;
use crate::support::school::School;

/// It is in no transaction and has no tenant.
async fn expect_clean(connection: &mut PgConnection, after: &str) {
    let tenant: String =
        sqlx::query_scalar("SELECT coalesce(current_setting('app.institution_id', true), '')")
            .fetch_one(&mut *connection)
            .await
            .expect("a setting");
    assert_eq!(tenant, "", "{after}: a tenant is left");
    // In a transaction that is open it would be refused.
    let outside = connection.execute("VACUUM courses").await.err();
    let code = outside.as_ref().and_then(|error| error.as_database_error()?.code());
    assert_ne!(code.as_deref(), Some("25001"), "{after}: a transaction is open");
}

/// The pool would clean it as well; this one asks nothing.
#[tokio::test]
async fn a_transaction_that_is_dropped_is_rolled_back_before_its_connection_is_used() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.connect_with(shard.options("lxp_app")).await.expect("a pool");
    for (after, statement) in [
        ("dropped between statements", "SELECT 1"),
        ("dropped after an error", "SELECT 1 / 0"),
        ("dropped in the middle of a statement", "SELECT pg_sleep(0.5)"),
    ] {
        let mut tx = TenantTx::begin(&pool, institution).await.expect("entered");
        let brief = Duration::from_millis(100);
        let _ = tokio::time::timeout(brief, tx.connection().execute(statement)).await;
        drop(tx);
        let mut connection = pool.acquire().await.expect("the one connection");
        expect_clean(&mut connection, after).await;
    }
    pool.close().await;
    shard.drop_database().await;
}

async fn synchronous_commit(connection: &mut PgConnection) -> String {
    let shown = sqlx::query_scalar("SHOW synchronous_commit").fetch_one(connection);
    shown.await.expect("a setting")
}

/// A server may be set to answer before it has written: then one that is killed loses what was acknowledged.
#[tokio::test]
async fn a_commit_is_durable_whatever_the_servers_own_setting_says() {
    let shard = Shard::create().await;
    let mut owner = shard.connect("lxp_owner").await;
    let database: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(&mut owner)
        .await
        .expect("its name");
    let lax = format!("ALTER DATABASE {database} SET synchronous_commit = off");
    owner.execute(AssertSqlSafe(lax)).await.expect("altered");
    let mut other = shard.connect("lxp_app").await;
    assert_eq!(synchronous_commit(&mut other).await, "off");
    let pool = shard.pool("lxp_app", 1);
    let mut of_a_service = pool.acquire().await.expect("a connection");
    assert_eq!(synchronous_commit(&mut of_a_service).await, "on");
    drop(of_a_service);
    pool.close().await;
    shard.drop_database().await;
}

/// Transactions end themselves; who does not, as sqlx's own that is cancelled at its begin, meets the pool.
#[tokio::test]
async fn the_pool_cleans_a_connection_that_comes_back_in_a_transaction() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let pool = shard.pool("lxp_app", 1);
    for left in [
        format!("BEGIN; SELECT tenant_enter('{institution}')"),
        format!("SET app.institution_id = '{institution}'"),
    ] {
        let mut connection = pool.acquire().await.expect("the one connection");
        connection.execute(AssertSqlSafe(left.clone())).await.expect("left");
        drop(connection);
        let mut connection = pool.acquire().await.expect("the one connection");
        expect_clean(&mut connection, &left).await;
    }
    pool.close().await;
    shard.drop_database().await;
}

/// Within a node who wants into a class waits in line; nodes know nothing of each other's line.
#[tokio::test]
async fn nobody_gets_a_place_in_line_while_another_node_has_the_class_in_hand() {
    let school = School::open().await;
    let (class, students) = (school.class(1, 5).await, school.students(2).await);
    let path = format!("/v1/classes/{class}/enrollments");
    let wants = |student: usize| json!({"studentId": students[student], "onFull": "waitlist"});
    school.admin.post(&path, wants(0)).await.expect(201);
    let mut other = school.shard.connect("postgres").await;
    let in_hand = format!("BEGIN; SELECT id FROM classes WHERE id = '{class}' FOR NO KEY UPDATE");
    other.execute(AssertSqlSafe(in_hand)).await.expect("locked");
    let answer = school.admin.send_once(Method::POST, &path, Some(wants(1)), &[]).await;
    assert_eq!(answer.status, 503, "let in meanwhile: {}", answer.body);
    other.execute("ROLLBACK").await.expect("free");
    let in_line = school.admin.post(&path, wants(1)).await.expect(202);
    assert_eq!(in_line.body["waitlistPosition"], 1);
    school.close().await;
}

/// The lock of the class, the count under it and the table's own check would all refuse before.
#[tokio::test]
async fn a_seat_that_is_not_there_is_not_taken_whatever_was_counted() {
    let school = School::open().await;
    let (class, students) = (school.class(1, 0).await, school.students(1).await);
    let mut owner = school.shard.connect("postgres").await;
    // Somebody who goes by no lock takes the last seat after it was counted.
    owner
        .execute(
            "DO $$ DECLARE name text; BEGIN
                 FOR name IN SELECT conname FROM pg_constraint
                     WHERE conrelid = 'classes'::regclass AND pg_get_constraintdef(oid) LIKE '%seats_taken%' LOOP
                     EXECUTE format('ALTER TABLE classes DROP CONSTRAINT %I', name);
                 END LOOP;
             END $$;
             CREATE FUNCTION take_the_last_seat() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 UPDATE classes SET seats_taken = capacity
                 WHERE institution_id = NEW.institution_id AND id = NEW.class_id;
                 RETURN NULL;
             END $$;
             CREATE TRIGGER take_the_last_seat AFTER INSERT ON enrollments
                 FOR EACH ROW EXECUTE FUNCTION take_the_last_seat();",
        )
        .await
        .expect("planted");
    let body = json!({"studentId": students[0], "onFull": "reject"});
    let path = format!("/v1/classes/{class}/enrollments");
    let answer = school.admin.post(&path, body).await;
    assert!(!answer.status.is_success(), "{}", answer.body);
    assert_eq!(school.count("SELECT count(*) FROM enrollments").await, 0);
    assert_eq!(school.count("SELECT sum(seats_taken)::bigint FROM classes").await, 0);
    school.close().await;
}
