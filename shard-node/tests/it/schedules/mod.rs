//! Schedules against a real Postgres, with a clock that the tests hold: three nodes over clock changes, downtime, other
//! zones, and what an admin does with them.

mod api;
mod midnights;
mod migration;
mod rounds;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use shard_map::InstitutionId;
use shard_node::schedules::Scheduler;
use sqlx::Row as _;

use crate::support::Shard;
use crate::support::api::Served;

/// A clock that stands until a test sets it.
#[derive(Clone, Default)]
struct Held(Arc<AtomicI64>);

impl Held {
    fn at(text: &str) -> Self {
        let clock = Self::default();
        clock.set(instant(text));
        clock
    }

    fn set(&self, now: DateTime<Utc>) {
        self.0.store(now.timestamp(), Ordering::SeqCst);
    }
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// The scheduler of a node, without delays, whose clock is ahead of the held one.
fn scheduler(shard: &Shard, served: &Served, clock: &Held, ahead: TimeDelta) -> Scheduler {
    let held = clock.0.clone();
    Scheduler::new(served.node.clone(), shard.pool("lxp_app", 2))
        .expect("a scheduler")
        .with_clock(Arc::new(move || {
            DateTime::from_timestamp(held.load(Ordering::SeqCst), 0).expect("an instant") + ahead
        }))
        .with_jitter(Duration::ZERO)
}

/// What schedules queued of a kind: its date, and when it may run.
async fn queued(
    shard: &Shard,
    institution: InstitutionId,
    kind: &str,
) -> Vec<(NaiveDate, DateTime<Utc>)> {
    let mut watcher = shard.connect("postgres").await;
    let rows = sqlx::query(
        "SELECT (payload->>'date')::date AS date, run_at FROM jobs
         WHERE institution_id = $1 AND type = $2 ORDER BY created_at, id",
    )
    .bind(institution.as_uuid())
    .bind(kind)
    .fetch_all(&mut watcher)
    .await
    .expect("jobs");
    rows.iter().map(|row| (row.get("date"), row.get("run_at"))).collect()
}

async fn dates(shard: &Shard, institution: InstitutionId, kind: &str) -> Vec<String> {
    let queued = queued(shard, institution, kind).await;
    queued.into_iter().map(|(date, _)| date.to_string()).collect()
}
