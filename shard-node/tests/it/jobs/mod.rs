//! The queue against a real Postgres: a node in this process with handlers of the test's.

mod api;
mod attempts;
mod dedup;
mod drain;
mod fair;
mod frozen;
mod order;
mod ready;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shard_map::InstitutionId;
use shard_node::error::Error;
use shard_node::jobs::{Failure, Handler, Job, JobSettings, NewJob};
use shard_node::operation::Work;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{Client, Plan, Served};
use crate::support::directory::FakeDirectory;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A shard, an institution in it, and a node that works.
pub(super) struct Desk {
    pub(super) shard: Shard,
    pub(super) institution: InstitutionId,
    pub(super) served: Served,
    pub(super) admin: Client,
    /// As a superuser: sees all rows.
    pub(super) sql: PgPool,
}

impl Desk {
    /// Opens one with these handlers and the default settings.
    pub(super) async fn open(handlers: impl Fn() -> Vec<Handler> + Send + Sync + 'static) -> Self {
        Self::open_with(JobSettings::default(), handlers).await
    }

    /// Opens one.
    pub(super) async fn open_with(
        settings: JobSettings,
        handlers: impl Fn() -> Vec<Handler> + Send + Sync + 'static,
    ) -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let served = serve(&shard, settings, handlers).await;
        served.until_leased().await;
        let (admin, sql) = (served.admin(institution), shard.pool("postgres", 3));
        Self { shard, institution, served, admin, sql }
    }

    pub(super) async fn close(self) {
        drop(self.served);
        self.sql.close().await;
        self.shard.drop_database().await;
    }

    /// Queues jobs of the institution behind the node's back; answers their ids in the order in which they are due.
    pub(super) async fn insert(&self, kind: &str, count: i32) -> Vec<Uuid> {
        self.insert_with(self.institution, kind, count, "run_at, priority", "now(), 0").await
    }

    /// The same with columns of one's own.
    pub(super) async fn insert_with(
        &self,
        institution: InstitutionId,
        kind: &str,
        count: i32,
        columns: &str,
        values: &str,
    ) -> Vec<Uuid> {
        let insert = format!(
            "INSERT INTO jobs (institution_id, id, type, payload, attempts_max, {columns})
             SELECT '{institution}', gen_random_uuid(), '{kind}', json_build_object('n', n), 3, {values}
             FROM generate_series(1, {count}) n RETURNING id"
        );
        sqlx::query_scalar(AssertSqlSafe(insert)).fetch_all(&self.sql).await.expect("queued")
    }

    /// Whatever SQL.
    pub(super) async fn run(&self, sql: &str) {
        self.sql.execute(AssertSqlSafe(sql.to_owned())).await.expect("run");
    }

    /// Jobs of a kind by their states.
    pub(super) async fn states(&self, kind: &str) -> BTreeMap<String, i64> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, count(*) FROM jobs WHERE type = $1 GROUP BY state")
                .bind(kind)
                .fetch_all(&self.sql)
                .await
                .expect("states");
        rows.into_iter().collect()
    }

    /// Waits until all jobs of a kind are in a state, so many of them.
    pub(super) async fn until_all(&self, kind: &str, state: &str, count: i64) {
        let wanted = BTreeMap::from([(state.to_owned(), count)]);
        let what = format!("{count} of {kind} {state}");
        eventually(&what, async || self.states(kind).await == wanted).await;
    }

    /// One job, as JSON of its columns.
    pub(super) async fn job(&self, id: Uuid) -> Value {
        sqlx::query_scalar("SELECT to_jsonb(j) FROM jobs j WHERE id = $1")
            .bind(id)
            .fetch_one(&self.sql)
            .await
            .expect("a job")
    }

    /// How often each job had its effect.
    pub(super) async fn effects(&self) -> BTreeMap<String, i64> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT title, count(*) FROM courses GROUP BY title")
                .fetch_all(&self.sql)
                .await
                .expect("effects");
        rows.into_iter().collect()
    }

    /// Fails unless each of these jobs had its effect once, and no other had one.
    pub(super) async fn expect_once(&self, jobs: &[Uuid]) {
        let expected: BTreeMap<_, _> = jobs.iter().map(|id| (id.to_string(), 1)).collect();
        assert_eq!(self.effects().await, expected);
    }
}

/// A node that works at a shard.
pub(super) async fn serve(
    shard: &Shard,
    settings: JobSettings,
    handlers: impl Fn() -> Vec<Handler> + Send + Sync + 'static,
) -> Served {
    let mut plan = Plan::new(shard, FakeDirectory::start().await);
    plan.jobs = settings;
    plan.handlers = Box::new(handlers);
    plan.serve().await
}

/// Waits for something.
pub(super) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An effect that can be counted: a course by the name of its job.
pub(super) async fn mark(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let institution = work.caller.institution.as_uuid();
    sqlx::query("INSERT INTO courses (institution_id, id, code, title) VALUES ($1, $2, $3, $4)")
        .bind(institution)
        .bind(Uuid::now_v7())
        .bind(Uuid::now_v7().to_string())
        .bind(job.id.to_string())
        .execute(work.tx().connection())
        .await
        .map_err(Error::from)?;
    Ok(())
}

/// A handler whose effect is that mark.
pub(super) fn marks(kind: &'static str) -> Handler {
    Handler::effect(kind, |work, job| Box::pin(mark(work, job)))
}

/// A handler that does what its payload says: `{"enqueue": {kind, key?, payload?}}` in a transaction that leaves a
/// mark; with a gate it waits there before it commits.
pub(super) fn spawns(
    kind: &'static str,
    target: &'static str,
    gate: Option<Arc<Semaphore>>,
) -> Handler {
    Handler::effect(kind, move |work, job| {
        let gate = gate.clone();
        Box::pin(async move {
            mark(work, job).await?;
            let key = job.payload["key"].as_str().unwrap_or("k").to_owned();
            work.enqueue_now(NewJob::new(target, json!({"by": job.id})).unique(key)).await?;
            pass(gate.as_ref()).await;
            Ok(())
        })
    })
}

/// Waits at a gate for a permit, and keeps it.
pub(super) async fn pass(gate: Option<&Arc<Semaphore>>) {
    if let Some(gate) = gate {
        gate.acquire().await.expect("open").forget();
    }
}
