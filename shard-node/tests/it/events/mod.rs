//! Numbers of events: gapless, in the order of each thing's versions, across nodes, batches and moves; and how they are
//! followed. Against a real Postgres.

mod log;
mod moves;
mod numbers;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shard_map::InstitutionId;
use shard_node::events::{Numbered, number};
use shard_node::jobs::{self, Registry};
use sqlx::postgres::{PgConnection, PgPool};
use uuid::Uuid;

use crate::support::Shard;
use crate::support::school::School;

const SOON: Duration = Duration::from_secs(20);

fn registry() -> Registry {
    Registry::new(jobs::handlers(), jobs::KINDS).expect("handlers")
}

impl School {
    /// Waits until every event has a number.
    pub(crate) async fn until_numbered(&self) {
        let began = Instant::now();
        while self.count("SELECT count(*) FROM outbox_events WHERE seq IS NULL").await > 0 {
            assert!(began.elapsed() < SOON, "events are left without a number");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn events(&self, query: &str) -> Value {
        self.admin.get(&format!("/v1/events{query}")).await.expect(200).body
    }
}

/// A shard with an institution whose events nobody numbers but the test.
struct Quiet {
    shard: Shard,
    institution: InstitutionId,
    pool: PgPool,
    superuser: PgConnection,
}

impl Quiet {
    async fn open() -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let (pool, superuser) = (shard.pool("lxp_app", 4), shard.connect("postgres").await);
        Self { shard, institution, pool, superuser }
    }

    /// An event without a number, written so many seconds after the first.
    async fn write(&mut self, thing: u128, version: i64, at_s: i32) {
        sqlx::query(
            "INSERT INTO outbox_events (institution_id, id, type, aggregate, aggregate_id, aggregate_version,
                 payload, touches, created_at, actor_id, request_id)
             VALUES ($1, $2, 'THING_CHANGED', 'things', $3, $4, $5, '{}',
                 '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => $6), $7, 'r-1')",
        )
        .bind(self.institution.as_uuid())
        .bind(Uuid::now_v7())
        .bind(Uuid::from_u128(thing))
        .bind(version)
        .bind(json!({"thing": thing.to_string(), "version": version}))
        .bind(f64::from(at_s))
        .bind(Uuid::nil())
        .execute(&mut self.superuser)
        .await
        .expect("written");
    }

    async fn number(&self, batch: i64) -> Numbered {
        number(&self.pool, &registry(), self.institution, batch).await.expect("numbered")
    }

    /// (thing, version) in the order of their numbers.
    async fn order(&mut self) -> Vec<(u128, i64)> {
        let rows: Vec<(Uuid, i64)> = sqlx::query_as(
            "SELECT aggregate_id, aggregate_version FROM outbox_events
             WHERE institution_id = $1 AND seq IS NOT NULL ORDER BY seq",
        )
        .bind(self.institution.as_uuid())
        .fetch_all(&mut self.superuser)
        .await
        .expect("events");
        rows.into_iter().map(|(id, version)| (id.as_u128(), version)).collect()
    }

    async fn close(self) {
        self.pool.close().await;
        drop(self.superuser);
        self.shard.drop_database().await;
    }
}
