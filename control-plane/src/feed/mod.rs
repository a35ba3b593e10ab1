//! The published map in memory, and the news of it for those who wait.
//!
//! What must stay true:
//! - Memory follows the database and is never asked instead of it by a use case that changes something.
//! - News reaches every control plane: by NOTIFY, by a poll each half second, and by a reader who needs it now.
//! - With the control database away the last map is served on.

pub mod followers;
mod loader;
mod log;

pub use log::{Answer, Published};

use std::sync::Arc;
use std::time::Duration;

use shard_map::MapVersion;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use followers::Followers;

/// How long a reader waits for the database before memory has to do.
const REFRESH_DEADLINE: Duration = Duration::from_secs(1);
/// Readers that wait for one look at the database.
const REFRESHES_MAX: usize = 1_024;

/// The map, followed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Feed {
    published: watch::Receiver<Arc<Published>>,
    refresh: mpsc::Sender<oneshot::Sender<()>>,
    /// The routers that follow it here.
    pub followers: Followers,
}

impl Feed {
    /// Loads the map and follows it until `stop` is cancelled.
    pub async fn start(pool: PgPool, stop: CancellationToken) -> Result<Self, Error> {
        let loader = loader::Loader::load(&pool).await?;
        let (sender, published) = watch::channel(Arc::new(loader.published()));
        let (refresh, requests) = mpsc::channel(REFRESHES_MAX);
        tokio::spawn(loader::follow(pool, loader, sender, requests, stop));
        Ok(Self { published, refresh, followers: Followers::default() })
    }

    /// The map in memory.
    pub fn latest(&self) -> Arc<Published> {
        self.published.borrow().clone()
    }

    /// The map as the database has it now; the one in memory where the database does not answer in 1 s.
    pub async fn fresh(&self) -> Arc<Published> {
        let (done, looked) = oneshot::channel();
        let look = async {
            if self.refresh.send(done).await.is_ok() {
                // An error says that the follower has ended: the process stops.
                let _ = looked.await;
            }
        };
        if timeout(REFRESH_DEADLINE, look).await.is_err() {
            tracing::debug!("The map was not refreshed in time; the one in memory is served");
        }
        self.latest()
    }

    /// Says that there may be news, without waiting for it.
    pub fn poke(&self) {
        // A full queue means that the database is being looked at anyway.
        let (done, _) = oneshot::channel();
        let _ = self.refresh.try_send(done);
    }

    /// The map once it is newer than `after`, or where `after` was never published; none at the deadline or when `stop` is
    /// cancelled.
    pub async fn news(
        &self,
        after: MapVersion,
        deadline: Duration,
        stop: &CancellationToken,
    ) -> Option<Arc<Published>> {
        let mut here = self.latest();
        if after > here.version() {
            // Another control plane is ahead of this one, or the database was restored.
            here = self.fresh().await;
        }
        if after > here.version() {
            return Some(here);
        }
        let mut published = self.published.clone();
        let wait = published.wait_for(|map| map.version() > after);
        Some(stop.run_until_cancelled(timeout(deadline, wait)).await?.ok()?.ok()?.clone())
    }
}
