//! Follows the feed: puts each map in use, then on disk.

use std::sync::Arc;
use std::time::Duration;

use service_kit::admin::Readiness;
use shard_map::ShardMap;
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;

use super::{MapFile, Maps};
use crate::metrics::RouterMetrics;

/// The file is written at most this often: a burst of changes is one write.
const WRITE_AT_MOST_EVERY: Duration = Duration::from_secs(1);

type Feed = Receiver<Option<Arc<ShardMap>>>;

/// Puts maps in use until `stop`. The router is ready from the first one on.
pub(crate) async fn publish_each(
    maps: Arc<Maps>,
    mut feed: Feed,
    metrics: RouterMetrics,
    readiness: Readiness,
    stop: CancellationToken,
) {
    loop {
        let newest = feed.borrow_and_update().clone();
        if let Some(map) = newest {
            maps.publish(&map);
            metrics.map_version.set(map.version().0);
            readiness.set(true);
        }
        if !matches!(stop.run_until_cancelled(feed.changed()).await, Some(Ok(()))) {
            return;
        }
    }
}

/// Keeps the newest map on disk until `stop`, and then writes what is not there yet.
pub(crate) async fn write_each(
    mut feed: Feed,
    file: MapFile,
    mut on_disk: Option<Arc<ShardMap>>,
    stop: CancellationToken,
) {
    loop {
        let newest = feed.borrow_and_update().clone();
        if let Some(map) = newest.filter(|map| !is_same(on_disk.as_ref(), map)) {
            write(file.clone(), Arc::clone(&map)).await;
            on_disk = Some(map);
            // Cut short by `stop`; what came meanwhile is written in the next turn.
            let pause = tokio::time::sleep(WRITE_AT_MOST_EVERY);
            let _ = stop.run_until_cancelled(pause).await;
        }
        let newer = feed.has_changed().unwrap_or(false);
        if stop.is_cancelled() && !newer {
            return;
        }
        if !newer && !matches!(stop.run_until_cancelled(feed.changed()).await, Some(Ok(()))) {
            return;
        }
        feed.mark_changed();
    }
}

fn is_same(on_disk: Option<&Arc<ShardMap>>, map: &Arc<ShardMap>) -> bool {
    on_disk.is_some_and(|there| Arc::ptr_eq(there, map))
}

async fn write(file: MapFile, map: Arc<ShardMap>) {
    let version = map.version();
    let target = file.clone();
    match tokio::task::spawn_blocking(move || target.write(&map)).await {
        Ok(Ok(())) => tracing::debug!(map.version = version.0, "The map is on disk"),
        Ok(Err(error)) => tracing::error!(
            error = %error,
            map.file = %file.path(),
            "The map cannot be kept on disk; after a restart the control plane is needed"
        ),
        Err(error) => tracing::error!(error = %error, "Writing the map was aborted"),
    }
}
