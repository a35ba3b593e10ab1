//! Jobs move with their institution: leases and attempts as they are, and no effect twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::stage::Stage;
use crate::support::{eventually, sandbox};

const JOBS: i64 = 60;
const WORKERS: usize = 3;

/// One transaction of a worker: through the guard, one statement. None where the guard, a fence or a broken
/// connection refused it.
async fn ask(pool: &PgPool, stage: &Stage, statement: &str) -> Option<Vec<(Uuid, i64)>> {
    let mut connection = pool.acquire().await.expect("a connection");
    let institution = stage.institution;
    let enter = format!("BEGIN; SET LOCAL ROLE lxp_app; SELECT tenant_enter('{institution}')");
    let asked = async {
        connection.execute(AssertSqlSafe(enter)).await?;
        let statement = statement.replace("{institution}", &institution.to_string());
        let rows = sqlx::query_as(AssertSqlSafe(statement))
            .persistent(false)
            .fetch_all(&mut *connection)
            .await?;
        connection.execute("COMMIT").await?;
        Ok::<_, sqlx::Error>(rows)
    };
    let rows = asked.await.ok();
    if rows.is_none() && connection.execute("ROLLBACK").await.is_err() {
        connection.detach();
    }
    rows
}

const LEASE: &str = "UPDATE jobs SET state = 'RUNNING', attempts = attempts + 1, fence = fence + 1,
                         leased_until = clock_timestamp() + '700 ms'
     WHERE institution_id = '{institution}' AND id = (
         SELECT id FROM jobs WHERE institution_id = '{institution}'
             AND (state = 'QUEUED' OR state = 'RUNNING' AND leased_until < clock_timestamp())
         ORDER BY priority, id FOR UPDATE SKIP LOCKED LIMIT 1)
     RETURNING id, fence";

/// The effect and the job's end are one: under the lease that the worker has.
const FINISH: &str = "WITH ended AS (
         UPDATE jobs SET state = 'DONE', leased_until = NULL, finished_at = clock_timestamp()
         WHERE institution_id = '{institution}' AND id = '{job}' AND fence = {fence} AND state = 'RUNNING' RETURNING id, fence)
     INSERT INTO courses (institution_id, id, code, title)
     SELECT '{institution}', gen_random_uuid(), gen_random_uuid()::text, id::text FROM ended RETURNING id, 0::bigint";

/// Takes jobs where it can until all are done; of some the lease runs out. Answers how often it took each.
async fn work(stage: Arc<Stage>, home: &'static str) -> BTreeMap<Uuid, i64> {
    let (mut taken, mut turn) = (BTreeMap::new(), 0_u64);
    loop {
        turn += 1;
        let pool = stage.pool(home);
        let Some(leased) = ask(pool, &stage, LEASE).await else {
            if all_done(&stage).await {
                return taken;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let Some((job, fence)) = leased.first().copied() else {
            if all_done(&stage).await {
                return taken;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        *taken.entry(job).or_insert(0) += 1;
        // Every fifth takes longer than its lease.
        let takes_ms = if turn.is_multiple_of(5) { 900 } else { 120 };
        tokio::time::sleep(Duration::from_millis(takes_ms)).await;
        let finish =
            FINISH.replace("{job}", &job.to_string()).replace("{fence}", &fence.to_string());
        let _ = ask(pool, &stage, &finish).await;
    }
}

/// Rows of jobs at a shard, as text, by id.
async fn jobs(stage: &Stage, shard: &str) -> BTreeMap<Uuid, String> {
    let rows: Vec<(Uuid, String)> =
        sqlx::query_as("SELECT id, j::text FROM jobs j WHERE institution_id = $1")
            .bind(stage.institution.as_uuid())
            .fetch_all(&mut *stage.as_mover(shard).await)
            .await
            .expect("jobs");
    rows.into_iter().collect()
}

async fn all_done(stage: &Stage) -> bool {
    let (a, b) = (jobs(stage, "shard-a").await, jobs(stage, "shard-b").await);
    [a, b].iter().any(|all| {
        all.len() == usize::try_from(JOBS).expect("small")
            && all.values().all(|job| job.contains(",DONE,"))
    })
}

async fn enqueue(stage: &Stage) {
    sqlx::query(
        "INSERT INTO jobs (institution_id, id, type, payload, unique_key)
         SELECT $1, gen_random_uuid(), 'TEST', '{}', n::text FROM generate_series(1, $2) n",
    )
    .bind(stage.institution.as_uuid())
    .bind(JOBS)
    .execute(&mut *stage.as_mover("shard-a").await)
    .await
    .expect("queued");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_arrive_as_they_are() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        enqueue(&stage).await;
        for (number, change) in [
            "state = 'RUNNING', attempts = 3, fence = 7, leased_until = now() + interval '1 hour'",
            "state = 'RUNNING', attempts = 1, fence = 1, leased_until = now() - interval '1 hour'",
            "state = 'FAILED', attempts = 10, last_error = 'poison', finished_at = now()",
            "run_at = now() + interval '1 day', priority = 9",
        ]
        .iter()
        .enumerate()
        {
            let change = format!(
                "UPDATE jobs SET {change} WHERE institution_id = '{}' AND unique_key = '{}'",
                stage.institution,
                number + 1
            );
            let mut mover = stage.as_mover("shard-a").await;
            mover.execute(AssertSqlSafe(change)).await.expect("changed");
        }
        let before = jobs(&stage, "shard-a").await;
        let (_leading, _) = stage.lead();
        let id = stage.begin("shard-b").await;
        stage.expect_done(id, "shard-b", 3).await;
        assert_eq!(jobs(&stage, "shard-b").await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_has_its_effect_twice_however_often_its_institution_moves() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        enqueue(&stage).await;
        let (_leading, _) = stage.lead();
        let mut workers = JoinSet::new();
        for home in ["shard-a", "shard-b"] {
            for _ in 0..WORKERS {
                workers.spawn(work(stage.clone(), home));
            }
        }
        for (to, epoch) in [("shard-b", 3), ("shard-a", 5)] {
            let id = stage.begin(to).await;
            stage.expect_done(id, to, epoch).await;
        }
        eventually("all jobs are done", async || all_done(&stage).await).await;
        let mut taken: BTreeMap<Uuid, i64> = BTreeMap::new();
        while let Some(worker) = workers.join_next().await {
            for (job, times) in worker.expect("a worker") {
                *taken.entry(job).or_insert(0) += times;
            }
        }
        let effects: Vec<(String, i64)> = sqlx::query_as(
            "SELECT title, count(*) FROM courses WHERE institution_id = $1 GROUP BY title",
        )
        .bind(stage.institution.as_uuid())
        .fetch_all(&mut *stage.as_mover("shard-a").await)
        .await
        .expect("effects");
        assert_eq!(effects.len(), usize::try_from(JOBS).expect("small"));
        let twice: Vec<_> = effects.iter().filter(|(_, times)| *times != 1).collect();
        assert!(twice.is_empty(), "{twice:?}");
        let attempts: Vec<(Uuid, i64)> =
            sqlx::query_as("SELECT id, attempts::bigint FROM jobs WHERE institution_id = $1")
                .bind(stage.institution.as_uuid())
                .fetch_all(&mut *stage.as_mover("shard-a").await)
                .await
                .expect("attempts");
        assert_eq!(attempts.into_iter().collect::<BTreeMap<_, _>>(), taken);
    })
    .await;
}
