//! The shard map in use: a view that is replaced whole, read without a lock.
//!
//! What must stay true:
//! - A request sees one view; a retry reads it anew.
//! - The feed's word is last: it may also go back (the control plane was restored).
//! - Asking for a newer map in a request is bounded in time, and many askers make one call.

mod disk;
mod view;
mod watch;

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwapOption, Guard};
use control_api::ControlClient;
use shard_map::ShardMap;
use tokio::sync::Mutex;

use crate::config::MAP_REFRESH_DEADLINE;

pub(crate) use disk::MapFile;
pub(crate) use view::View;
pub(crate) use watch::{publish_each, write_each};

/// The map in use, and the way to a newer one.
#[derive(Debug)]
pub(crate) struct Maps {
    view: ArcSwapOption<View>,
    /// Held while a view is made of the one before: two at once would each make nodes of their own.
    publishing: std::sync::Mutex<()>,
    client: ControlClient,
    /// When the last successful fetch began. The lock makes one fetch of many.
    fetched: Mutex<Option<Instant>>,
}

/// A newer map could not be had; the reason is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no map from the control plane")]
pub(crate) struct NoFreshMap;

impl Maps {
    /// Without a map yet.
    pub(crate) fn new(client: ControlClient) -> Self {
        let view = ArcSwapOption::empty();
        Self { view, publishing: std::sync::Mutex::default(), client, fetched: Mutex::new(None) }
    }

    /// The view in use; none before the first map.
    pub(crate) fn load(&self) -> Guard<Option<Arc<View>>> {
        self.view.load()
    }

    /// Puts a map in use. The nodes that stay keep what is known of them.
    pub(crate) fn publish(&self, map: &Arc<ShardMap>) {
        self.publish_if(map, |_| true);
    }

    fn publish_if(&self, map: &Arc<ShardMap>, wanted: impl FnOnce(&View) -> bool) {
        let _alone = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.view.load();
        if before.as_deref().is_none_or(wanted) {
            let view = View::new(Arc::clone(map), before.as_deref(), Instant::now());
            self.view.store(Some(Arc::new(view)));
        }
    }

    /// Asks the control plane for its map and puts it in use if it is newer; waits for `at_most`, and never
    /// longer than [`MAP_REFRESH_DEADLINE`]. A fetch by somebody else that began after this call will do.
    pub(crate) async fn refresh(&self, at_most: Duration) -> Result<(), NoFreshMap> {
        let asked = Instant::now();
        let deadline = at_most.min(MAP_REFRESH_DEADLINE);
        let refreshed = tokio::time::timeout(deadline, self.fetch_since(asked)).await;
        refreshed.unwrap_or_else(|_| {
            tracing::warn!("The control plane did not answer in time with its map");
            Err(NoFreshMap)
        })
    }

    async fn fetch_since(&self, asked: Instant) -> Result<(), NoFreshMap> {
        let mut fetched = self.fetched.lock().await;
        if fetched.is_some_and(|began| began >= asked) {
            return Ok(());
        }
        let began = Instant::now();
        let snapshot = self.client.map_snapshot().await.map_err(|error| {
            tracing::warn!(error = %error, "The map could not be fetched for a request");
            NoFreshMap
        })?;
        let map = ShardMap::from_snapshot(snapshot).map_err(|error| {
            tracing::error!(error = %error, "The control plane's map is not sound");
            NoFreshMap
        })?;
        let map = Arc::new(map);
        self.publish_if(&map, |view| view.version() < map.version());
        *fetched = Some(began);
        Ok(())
    }
}
