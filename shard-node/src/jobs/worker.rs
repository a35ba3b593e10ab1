//! The workers of a node: who has a turn is visited, and what is leased there is done.
//!
//! What must stay true:
//! - It takes no input but hints: whoever commits a due job says so within the process, and `work_ready` names every
//!   second whoever else has something due. A hint that is lost costs a second.
//! - Without a lease it rests: the database may be one that was deposed, or an older copy. With the database away it asks
//!   once a second and no more.
//! - Once `stop` is cancelled nothing more is leased; what runs comes to its end in `Node::tasks`, and what was leased
//!   and not begun is given back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::store;
use super::visit::Visit;
use crate::node::Node;
use crate::tenancy::Verdict;

/// How often is asked who has something due.
const EVERY: Duration = Duration::from_secs(1);

/// Institutions that are named at once.
const INSTITUTIONS_AT_ONCE: i32 = 1_000;

/// Works until `stop`. Each job has a connection of `pool` for as long as it is in a transaction.
pub async fn work(node: Arc<Node>, pool: PgPool, stop: CancellationToken) {
    let at_once = usize::try_from(node.jobs.settings.at_once).unwrap_or(1);
    let slots = Arc::new(Semaphore::new(at_once));
    let mut asking = tokio::spawn(ask(node.clone(), pool.clone(), stop.clone()));
    loop {
        let slot = tokio::select! {
            () = stop.cancelled() => break,
            _ = &mut asking => break,
            slot = slots.clone().acquire_owned() => slot,
        };
        // It is never closed.
        let Ok(slot) = slot else { break };
        let turn = tokio::select! {
            () = stop.cancelled() => break,
            _ = &mut asking => break,
            turn = node.jobs.board.next() => turn,
        };
        let visit = Visit::new(node.clone(), pool.clone(), turn, stop.clone());
        node.tasks.spawn(async move {
            visit.run().await;
            drop(slot);
        });
    }
    tracing::info!("No more jobs are taken");
}

/// Asks every second who has something due.
async fn ask(node: Arc<Node>, pool: PgPool, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        node.jobs.metrics.publish(Instant::now());
        if !node.ownership.lease.holds() {
            continue;
        }
        match store::institutions_ready(&pool, INSTITUTIONS_AT_ONCE).await {
            Ok(ready) => {
                let served = |institution: &_| {
                    matches!(node.ownership.verdict(*institution), Verdict::Serve { .. })
                };
                for institution in ready.into_iter().filter(served) {
                    node.jobs.board.offer(institution, true);
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "Who has jobs due could not be asked, and will be again");
            }
        }
    }
}
