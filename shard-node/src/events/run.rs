//! When numbers are given: soon after a commit of this node, else within a second or so.
//!
//! It is no part of the relay: that needs Redis and rests without it, this does not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use shard_map::InstitutionId;
use sqlx::PgPool;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::sequencer::{BATCH, Numbered, number};
use crate::error::Error;
use crate::node::Node;
use crate::tenancy::Verdict;

/// How often `work_ready` is asked for those of whom no wake told.
const EVERY: Duration = Duration::from_secs(1);

/// From a wake to its round: commits of that while are one batch.
const GATHER: Duration = Duration::from_millis(50);

/// Ids that `work_ready` gives at once.
const INSTITUTIONS_A_ROUND: i32 = 1_000;

/// Batches of one institution in one round at most: its neighbours come to their turn.
const BATCHES_A_ROUND: u32 = 10;

/// Institutions at once.
const AT_ONCE: usize = 2;

/// Runs rounds until `stop`.
pub async fn run(node: Arc<Node>, pool: PgPool, stop: CancellationToken) {
    let mut next = Instant::now();
    loop {
        let found = tokio::select! {
            () = stop.cancelled() => return,
            () = sleep_until(next) => {
                next = Instant::now() + EVERY;
                found(&node, &pool).await
            }
            () = node.wakes.news() => {
                sleep(GATHER).await;
                BTreeSet::new()
            }
        };
        let due = node.wakes.take().into_iter().chain(found).collect();
        if node.ownership.lease.holds() {
            round(&node, &pool, due).await;
        }
    }
}

/// Whoever has something due by the database's word.
async fn found(node: &Node, pool: &PgPool) -> BTreeSet<InstitutionId> {
    if !node.ownership.lease.holds() {
        return BTreeSet::new();
    }
    let ready = sqlx::query_scalar!(
        r#"SELECT institution_id AS "institution_id!" FROM work_ready($1, 'events')"#,
        INSTITUTIONS_A_ROUND
    )
    .fetch_all(pool)
    .await;
    match ready {
        Ok(ready) => ready.into_iter().map(InstitutionId::new).collect(),
        Err(error) => {
            tracing::warn!(error = %error, "Who has events to number is not known");
            BTreeSet::new()
        }
    }
}

/// Numbers what these have, some batches each; who is not done is woken again.
pub async fn round(node: &Node, pool: &PgPool, institutions: BTreeSet<InstitutionId>) {
    stream::iter(institutions)
        .for_each_concurrent(AT_ONCE, |institution| async move {
            match number_some(node, pool, institution).await {
                // Who is served elsewhere is numbered there.
                Ok(true) | Err(Error::NotOwner(_)) => {}
                Ok(false) => node.wakes.wake(institution),
                Err(error) => {
                    tracing::warn!(institution = %institution, error = %error, "Events were not numbered");
                }
            }
        })
        .await;
}

/// Whether nothing is left that this node should go on with.
async fn number_some(
    node: &Node,
    pool: &PgPool,
    institution: InstitutionId,
) -> Result<bool, Error> {
    for _ in 0..BATCHES_A_ROUND {
        // A suspended institution is not served, but what it did is numbered.
        let verdict = node.ownership.verdict(institution);
        if !matches!(verdict, Verdict::Serve { .. } | Verdict::Suspended) {
            return Ok(true);
        }
        match number(pool, &node.jobs.registry, institution, BATCH).await? {
            Numbered::Busy => return Ok(true),
            Numbered::Some { events, deliveries } => {
                if deliveries > 0 {
                    node.jobs.wake(institution);
                }
                if i64::try_from(events).is_ok_and(|events| events < BATCH) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}
