//! What the target's planner knows of the rows that came.

use sqlx::{AssertSqlSafe, Executor as _};
use uuid::Uuid;

use super::stage::Stage;
use crate::support::sandbox;

/// More than one chunk of them.
const ROWS: i32 = 21_000;

/// Many rows that are gone, before a few of others: so few of them on so many pages that a planner takes those that come
/// for a handful.
const GONE: [&str; 3] = [
    "INSERT INTO courses (institution_id, id, code, title)
     SELECT '00000000-0000-0000-0000-000000000001', gen_random_uuid(), 'c' || n, 'gone' FROM generate_series(1, 20000) n",
    "INSERT INTO courses (institution_id, id, code, title)
     SELECT gen_random_uuid(), gen_random_uuid(), 'c', 'another' FROM generate_series(1, 40)",
    "DELETE FROM courses WHERE title = 'gone'",
];

/// A row of the institution's is asked for by its id.
async fn plan(stage: &Stage, shard: &str) -> String {
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "EXPLAIN SELECT * FROM courses WHERE institution_id = '{}' AND id = '{}'",
        stage.institution,
        Uuid::from_u128(10)
    )))
    .fetch_all(&mut *stage.as_mover(shard).await)
    .await
    .expect("a plan");
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_came_are_found_by_their_ids_at_once() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        stage.fill("shard-a", ROWS).await;
        // Nobody else comes to look.
        let quiet = "ALTER TABLE courses SET (autovacuum_enabled = off)";
        stage.pool("shard-b").execute(quiet).await.expect("quiet");
        for statement in GONE {
            stage.as_mover("shard-b").await.execute(statement).await.expect("gone");
        }
        stage.pool("shard-b").execute("VACUUM ANALYZE courses").await.expect("vacuumed");
        let (_leading, _) = stage.lead();
        let id = stage.begin("shard-b").await;
        stage.expect_done(id, "shard-b", 3).await;
        let plan = plan(&stage, "shard-b").await;
        assert!(plan.contains("courses_pkey"), "{plan}");
    })
    .await;
}
