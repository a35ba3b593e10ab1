//! Reconcilers: each reads what is wanted and what is, and does one difference. Safe with several control planes.
//!
//! What must stay true: none takes input, every step can be done twice, and an error is told and tried again.

pub mod nodes;
mod shards;

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::Error;
use crate::service::Platform;

/// How often shards and institutions are looked at when nobody pokes.
const EVERY: Duration = Duration::from_secs(1);
/// Institutions that are settled in one look.
const SETTLE_MAX: i64 = 64;
const SETTLE_AT_ONCE: usize = 4;

/// Starts all reconcilers; they end soon after `stop` is cancelled.
pub fn start(platform: &Platform, tasks: &TaskTracker, stop: &CancellationToken) {
    tasks.spawn(stop.clone().run_until_cancelled_owned(nodes::judge(platform.clone())));
    match nodes::prober() {
        Ok(http) => {
            tasks.spawn(
                stop.clone().run_until_cancelled_owned(nodes::probe(platform.clone(), http)),
            );
        }
        Err(error) => {
            tracing::error!(error = %error, "Nodes are not probed; heartbeats judge alone");
        }
    }
    tasks.spawn(stop.clone().run_until_cancelled_owned(settle_institutions(platform.clone())));
    tasks.spawn(shards::run(platform.clone(), stop.clone()));
}

async fn settle_institutions(platform: Platform) {
    let mut trouble = Trouble::new("institutions");
    loop {
        trouble.note(settle_due(&platform).await);
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = platform.wake.notified() => {}
        }
    }
}

/// Settles the institutions that are due now.
pub async fn settle_due(platform: &Platform) -> Result<(), Error> {
    let mut connection = platform.pool.acquire().await?;
    let due = crate::store::directory::due(&mut connection, SETTLE_MAX).await?;
    drop(connection);
    stream::iter(due)
        .map(|id| platform.settle(id))
        .buffer_unordered(SETTLE_AT_ONCE)
        .fold(Ok(()), |all, one| async move { all.and(one.map(|_| ())) })
        .await
}

/// Says once that something fails, and once that it works again.
struct Trouble {
    what: &'static str,
    there: bool,
}

impl Trouble {
    const fn new(what: &'static str) -> Self {
        Self { what, there: false }
    }

    fn note(&mut self, done: Result<(), Error>) {
        match done {
            Ok(()) if self.there => {
                self.there = false;
                tracing::info!(reconciler = self.what, "A reconciler works again");
            }
            Ok(()) => {}
            Err(error) if self.there => {
                tracing::debug!(reconciler = self.what, error = %error, "A reconciler still fails");
            }
            Err(error) => {
                self.there = true;
                tracing::warn!(reconciler = self.what, error = %error, "A reconciler failed; it goes on");
            }
        }
    }
}
