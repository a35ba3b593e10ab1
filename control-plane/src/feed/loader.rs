//! Follows the map in the database: reads what is new since the version in memory, and publishes it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use control_api::MapChange;
use shard_map::{Entries, MapError, Removal, ShardMap};
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
/// For looking at everybody in the directory: a second or two for a million of them, where nobody else is busy.
const LOAD_DEADLINE: Duration = Duration::from_mins(1);
const PAGE: i64 = 500;

/// The map of one version, and the changes that led there.
pub(super) struct Loader {
    map: Arc<ShardMap>,
    log: VecDeque<Arc<LogEntry>>,
}

impl Loader {
    /// Reads everything, in one snapshot of the database; exceptions follow from directory and ring.
    pub(super) async fn load(pool: &PgPool) -> Result<Self, Error> {
        let mut connection = pool.acquire().await?;
        let mut tx =
            connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let Head { version, placement_version } = map_head::head(&mut tx).await?;
        let shards = shards::for_map(&mut tx).await?;
        let nodes = nodes::all(&mut tx).await?.into_iter().map(|row| row.for_map());
        let bare = ShardMap::new(version, placement_version, shards, nodes, [])
            .map_err(|error| corrupt(&error))?;
        let mut off_ring = Entries::default();
        directory::each_home(&mut tx, |page| {
            let ring = bare.ring();
            let off =
                page.into_iter().filter(|home| ring.exception(home.id, &home.shard).is_some());
            off_ring.exceptions.extend(off.map(|home| (home.id, home.shard)));
        })
        .await?;
        let recent = history::last(&mut tx, PAGE).await?;
        tx.rollback().await?;
        let map = bare.after(version, placement_version, &off_ring, &Removal::default());
        // What comes before a change that is not listed leads nowhere.
        let listed = recent.into_iter().take_while(|change| change.exceptions_left_out == 0);
        let mut log: VecDeque<_> = listed.map(|change| Arc::new(entry(change))).collect();
        log.make_contiguous().reverse();
        Ok(Self { map: Arc::new(map.map_err(|error| corrupt(&error))?), log })
    }

    /// The map of this version.
    pub(super) fn published(&self) -> Published {
        Published::new(Arc::clone(&self.map), self.log.clone())
    }

    fn head(&self) -> Head {
        Head { version: self.map.version(), placement_version: self.map.placement_version() }
    }

    /// Reads what is new, or all of it. Answers whether anything was.
    async fn catch_up(&mut self, pool: &PgPool) -> Result<bool, Error> {
        let late = || Error::Database(sqlx::Error::PoolTimedOut);
        let read = timeout(CATCH_UP_DEADLINE, self.read_new(pool)).await;
        if let Some(is_new) = read.unwrap_or_else(|_| Err(late()))? {
            return Ok(is_new);
        }
        *self = timeout(LOAD_DEADLINE, Self::load(pool)).await.unwrap_or_else(|_| Err(late()))?;
        Ok(true)
    }

    /// Reads what history says. Answers whether that was anything; none where it leads nowhere.
    async fn read_new(&mut self, pool: &PgPool) -> Result<Option<bool>, Error> {
        let mut connection = pool.acquire().await?;
        let head = map_head::head(&mut connection).await?;
        let here = self.head();
        if head == here {
            return Ok(Some(false));
        }
        if head.version > here.version && self.read_on(&mut connection, head).await? {
            return Ok(Some(true));
        }
        tracing::warn!(
            map.before = here.version.0,
            map.version = head.version.0,
            "The map's history has a gap, went back or is too large; loading the map whole"
        );
        Ok(None)
    }

    /// Applies the recorded changes up to `head`. Answers false where one is missing, or does not say all.
    async fn read_on(&mut self, connection: &mut PgConnection, head: Head) -> Result<bool, Error> {
        while self.map.version() < head.version {
            let changes = history::after(connection, self.map.version(), PAGE).await?;
            if changes.first().is_none_or(|first| first.version != self.map.version().next()) {
                return Ok(false);
            }
            for change in changes {
                if change.exceptions_left_out > 0 || !self.apply(change) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn apply(&mut self, change: MapChange) -> bool {
        let MapChange { version, placement_version, set, remove, .. } = &change;
        let Ok(map) = self.map.after(*version, *placement_version, set, remove) else {
            return false;
        };
        self.map = Arc::new(map);
        self.log.push_back(Arc::new(entry(change)));
        if self.log.len() > LOG_MAX {
            self.log.pop_front();
        }
        true
    }
}

fn entry(change: MapChange) -> LogEntry {
    LogEntry { version: change.version, set: change.set, remove: change.remove }
}

fn corrupt(error: &MapError) -> Error {
    Error::Corrupt(error.to_string())
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
    let caught_up = loader.catch_up(pool).await;
    // What was applied before an error is published all the same.
    let behind = sender.borrow().version() != loader.map.version();
    if behind || matches!(caught_up, Ok(true)) {
        sender.send_replace(Arc::new(loader.published()));
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
