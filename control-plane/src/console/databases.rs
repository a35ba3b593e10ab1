//! What shards' databases say of themselves, asked anew while somebody looks.
//!
//! What must stay true: one round at a time, for all who look; a page waits a second for it and no longer, so a
//! database that hangs holds up nobody. How old an answer is stands beside it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use control_api::DatabaseInspection;
use futures::{StreamExt, stream};
use shard_map::ShardId;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::service::Platform;

/// What is younger is not asked for again.
const FRESH: Duration = Duration::from_secs(5);
const PAGE_WAITS: Duration = Duration::from_secs(1);
const SHARDS_AT_ONCE: usize = 8;

/// A shard's databases, or why they could not be asked.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) at: Instant,
    pub(super) databases: Result<Vec<DatabaseInspection>, String>,
}

type All = Arc<Mutex<BTreeMap<ShardId, Known>>>;

/// What is known of all that were asked for. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Databases {
    all: All,
    asking: Arc<Semaphore>,
}

impl Default for Databases {
    fn default() -> Self {
        Self { all: Arc::default(), asking: Arc::new(Semaphore::new(1)) }
    }
}

impl Databases {
    /// What is known of these shards.
    pub(super) async fn of(
        &self,
        platform: &Platform,
        ids: &[ShardId],
    ) -> BTreeMap<ShardId, Known> {
        let stale: Vec<_> = {
            let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            let is_fresh = |id: &ShardId| all.get(id).is_some_and(|it| it.at.elapsed() < FRESH);
            ids.iter().filter(|id| !is_fresh(id)).cloned().collect()
        };
        if !stale.is_empty()
            && let Ok(place) = self.asking.clone().try_acquire_owned()
        {
            let (platform, all) = (platform.clone(), self.all.clone());
            let asked = tokio::spawn(async move {
                ask(&platform, stale, &all).await;
                drop(place);
            });
            // Out of time it goes on, and the next page has what comes of it.
            let _ = timeout(PAGE_WAITS, asked).await;
        }
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a shard that is gone nothing is kept.
        all.retain(|_, known| known.at.elapsed() < Duration::from_mins(5));
        ids.iter().filter_map(|id| Some((id.clone(), all.get(id)?.clone()))).collect()
    }
}

async fn ask(platform: &Platform, ids: Vec<ShardId>, all: &All) {
    let asked = stream::iter(ids).map(async |id| {
        let databases = platform.databases(&id).await.map_err(|error| error.to_string());
        (id, Known { at: Instant::now(), databases })
    });
    let mut answers = Box::pin(asked.buffer_unordered(SHARDS_AT_ONCE));
    while let Some((id, known)) = answers.next().await {
        all.lock().unwrap_or_else(PoisonError::into_inner).insert(id, known);
    }
}
