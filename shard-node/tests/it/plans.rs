//! How Postgres plans what requests ask. Statistics are behind what was just written: an institution that comes in one go
//! is not in them.

use shard_node::events::number;
use shard_node::jobs::{self, Registry};
use shard_node::store::TenantTx;
use sqlx::{AssertSqlSafe, Executor as _};
use uuid::Uuid;

use crate::support::Shard;
use crate::support::school::School;

/// Courses of forty others, which Postgres knows of.
const OTHERS: &str = "INSERT INTO courses (institution_id, id, code, title)
    SELECT gen_random_uuid(), gen_random_uuid(), 'c', 'another' FROM generate_series(1, 40)";

/// Plans are kept: one that was made for an empty table would read all of what it becomes.
#[tokio::test]
async fn requests_plan_by_index() {
    let school = School::open().await;
    let scans: String = sqlx::query_scalar("SHOW enable_seqscan")
        .fetch_one(&school.served.node.pool)
        .await
        .expect("a setting");
    assert_eq!(scans, "off");
    school.close().await;
}

/// To a planner that knows its institution for one without rows each index is as good as another.
#[tokio::test]
async fn rows_that_just_came_are_found_by_their_ids() {
    let school = School::open().await;
    for statement in [
        "ALTER TABLE courses SET (autovacuum_enabled = off)",
        "ALTER TABLE courses DISABLE TRIGGER ALL",
        OTHERS,
        "ANALYZE courses",
    ] {
        school.run(statement).await;
    }
    let institution = school.institution;
    let mut superuser = school.shard.connect("postgres").await;
    let filled = format!(
        "INSERT INTO courses (institution_id, id, code, title)
         SELECT '{institution}', lpad(to_hex(n), 32, '0')::uuid, 'c' || n, 'filled' FROM generate_series(1, 20000) n"
    );
    superuser.execute(AssertSqlSafe(filled)).await.expect("filled");
    let mut tx = TenantTx::begin(&school.served.node.pool, institution).await.expect("begun");
    tx.connection()
        .execute(
            "PREPARE by_id (uuid, uuid) AS SELECT * FROM courses WHERE institution_id = $1 AND id = $2",
        )
        .await
        .expect("prepared");
    let asked = format!("EXPLAIN EXECUTE by_id ('{institution}', '{}')", Uuid::from_u128(1));
    let plan: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(asked)).fetch_all(tx.connection()).await.expect("a plan");
    tx.rollback().await.expect("ended");
    assert!(plan.join("\n").contains("courses_pkey"), "{plan:#?}");
    school.close().await;
}

/// Nobody has analysed the table of events yet, and many wait for their numbers.
#[tokio::test]
async fn what_waits_for_its_number_is_not_read_once_for_each() {
    const WAITING: i64 = 5_000;
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let mut superuser = shard.connect("postgres").await;
    let waiting = format!(
        "INSERT INTO outbox_events (institution_id, id, type, aggregate, aggregate_id, aggregate_version, payload, touches, actor_id)
         SELECT '{institution}', gen_random_uuid(), 'THING_CHANGED', 'things', gen_random_uuid(), 1, '{{}}', '{{}}', gen_random_uuid()
         FROM generate_series(1, {WAITING})"
    );
    superuser.execute(AssertSqlSafe(waiting)).await.expect("events");
    // One connection: what it has read is counted by itself.
    let pool = shard.pool("lxp_app", 1);
    let registry = Registry::new(jobs::handlers(), jobs::KINDS).expect("handlers");
    number(&pool, &registry, institution, 500).await.expect("numbered");
    pool.execute("SELECT pg_stat_force_next_flush()").await.expect("flushed");
    let read: i64 = sqlx::query_scalar(
        "SELECT coalesce(idx_tup_fetch, 0) + seq_tup_read FROM pg_stat_user_tables WHERE relname = 'outbox_events'",
    )
    .fetch_one(&pool)
    .await
    .expect("a count");
    assert!((500..10 * WAITING).contains(&read), "{read} rows were read");
    pool.close().await;
    shard.drop_database().await;
}
