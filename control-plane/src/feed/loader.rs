//! Follows the map in the database: reads what is new since the version in memory, and publishes it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use shard_map::{InstitutionId, MapNode, MapShard, NodeId, ShardId, ShardMap};
use sqlx::postgres::PgListener;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::log::{LOG_MAX, LogEntry, Published};
use crate::error::Error;
use crate::store::map_head::{self, CHANNEL, Head};
use crate::store::{directory, history, nodes, shards};

const POLL: Duration = Duration::from_millis(500);
const LISTEN_DEADLINE: Duration = Duration::from_secs(2);
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(10);
const PAGE: i64 = 500;

/// The map's parts as of one version, and the changes that led there.
pub(super) struct Loader {
    head: Head,
    shards: BTreeMap<ShardId, MapShard>,
    nodes: BTreeMap<NodeId, MapNode>,
    exceptions: HashMap<InstitutionId, ShardId>,
    log: VecDeque<Arc<LogEntry>>,
}

impl Loader {
    /// Reads everything, in one snapshot of the database.
    pub(super) async fn load(pool: &PgPool) -> Result<Self, Error> {
        let mut connection = pool.acquire().await?;
        let mut tx =
            connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let head = map_head::head(&mut tx).await?;
        let shards = shards::all(&mut tx).await?.into_iter().map(|row| row.for_map());
        let shards = shards.map(|shard| (shard.id.clone(), shard)).collect();
        let nodes = nodes::all(&mut tx).await?.into_iter().map(|row| row.for_map());
        let nodes = nodes.map(|node| (node.id.clone(), node)).collect();
        let exceptions = directory::exceptions(&mut tx).await?.into_iter().collect();
        let mut recent = history::last(&mut tx, PAGE).await?;
        recent.reverse();
        let log = recent.into_iter().map(|change| {
            let (version, set, remove) = (change.version, change.set, change.remove);
            Arc::new(LogEntry { version, set, remove })
        });
        let log = log.collect();
        tx.rollback().await?;
        Ok(Self { head, shards, nodes, exceptions, log })
    }

    /// The map of this version.
    pub(super) fn published(&self) -> Result<Published, Error> {
        let map = ShardMap::new(
            self.head.version,
            self.head.placement_version,
            self.shards.values().cloned(),
            self.nodes.values().cloned(),
            self.exceptions.iter().map(|(id, shard)| (*id, shard.clone())),
        );
        let map = map.map_err(|error| Error::Corrupt(error.to_string()))?;
        Ok(Published::new(map, self.log.clone()))
    }

    /// Reads what is new. Answers whether anything was.
    async fn catch_up(&mut self, pool: &PgPool) -> Result<bool, Error> {
        let mut connection = pool.acquire().await?;
        let head = map_head::head(&mut connection).await?;
        if head == self.head {
            return Ok(false);
        }
        if head.version > self.head.version && self.read_on(&mut connection, head).await? {
            return Ok(true);
        }
        drop(connection);
        tracing::warn!(
            map.before = self.head.version.0,
            map.version = head.version.0,
            "The map's history has a gap or went back; loading it whole"
        );
        *self = Self::load(pool).await?;
        Ok(true)
    }

    /// Applies the recorded changes up to `head`. Answers false where one is missing.
    async fn read_on(&mut self, connection: &mut PgConnection, head: Head) -> Result<bool, Error> {
        while self.head.version < head.version {
            let changes = history::after(connection, self.head.version, PAGE).await?;
            if changes.first().is_none_or(|first| first.version != self.head.version.next()) {
                return Ok(false);
            }
            for change in changes {
                let (version, placement_version) = (change.version, change.placement_version);
                self.apply(LogEntry { version, set: change.set, remove: change.remove });
                self.head = Head { version, placement_version };
            }
        }
        Ok(true)
    }

    fn apply(&mut self, entry: LogEntry) {
        let LogEntry { set, remove, .. } = &entry;
        self.shards.extend(set.shards.iter().map(|shard| (shard.id.clone(), shard.clone())));
        self.nodes.extend(set.nodes.iter().map(|node| (node.id.clone(), node.clone())));
        self.exceptions.extend(set.exceptions.iter().cloned());
        self.shards.retain(|id, _| !remove.shards.contains(id));
        self.nodes.retain(|id, _| !remove.nodes.contains(id));
        for institution in &remove.exceptions {
            self.exceptions.remove(institution);
        }
        self.log.push_back(Arc::new(entry));
        if self.log.len() > LOG_MAX {
            self.log.pop_front();
        }
    }
}

/// Publishes each newer map until `stop` is cancelled.
pub(super) async fn follow(
    pool: PgPool,
    mut loader: Loader,
    sender: watch::Sender<Arc<Published>>,
    mut requests: mpsc::Receiver<oneshot::Sender<()>>,
    stop: CancellationToken,
) {
    let mut listener = None;
    let mut away = false;
    loop {
        let mut waiting = Vec::new();
        tokio::select! {
            () = stop.cancelled() => return,
            request = requests.recv() => waiting.extend(request),
            () = news(&pool, &mut listener) => {}
        }
        while let Ok(request) = requests.try_recv() {
            waiting.push(request);
        }
        match step(&pool, &mut loader, &sender).await {
            Ok(()) if away => {
                tracing::info!("The map is followed again");
                away = false;
            }
            Ok(()) => {}
            Err(error) if !away => {
                tracing::warn!(error = %error, "The map cannot be followed; the last one is served");
                away = true;
            }
            Err(error) => tracing::debug!(error = %error, "The map still cannot be followed"),
        }
        for request in waiting {
            // Whoever asked may have gone.
            let _ = request.send(());
        }
    }
}

async fn step(
    pool: &PgPool,
    loader: &mut Loader,
    sender: &watch::Sender<Arc<Published>>,
) -> Result<(), Error> {
    let caught_up = timeout(CATCH_UP_DEADLINE, loader.catch_up(pool)).await;
    let caught_up = caught_up.unwrap_or(Err(Error::Database(sqlx::Error::PoolTimedOut)));
    // What was applied before an error is published all the same.
    let behind = sender.borrow().version() != loader.head.version;
    if behind || matches!(caught_up, Ok(true)) {
        sender.send_replace(Arc::new(loader.published()?));
    }
    caught_up.map(|_| ())
}

/// Waits until the database says that there is news, for half a second at most.
async fn news(pool: &PgPool, listener: &mut Option<PgListener>) {
    if listener.is_none() {
        *listener = timeout(LISTEN_DEADLINE, listen(pool)).await.ok().and_then(Result::ok);
    }
    let Some(heard) = listener else {
        tokio::time::sleep(POLL).await;
        return;
    };
    match timeout(POLL, heard.try_recv()).await {
        Err(_) | Ok(Ok(Some(_))) => {}
        Ok(Ok(None) | Err(_)) => {
            *listener = None;
            // A server that is away is not asked in a tight loop.
            tokio::time::sleep(POLL / 5).await;
        }
    }
}

async fn listen(pool: &PgPool) -> sqlx::Result<PgListener> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
