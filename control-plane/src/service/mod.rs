//! Use cases: one transaction each, decisions from `model`, statements from `store`, news to the feed.

pub mod chronicle;
pub mod health;
pub mod inspect;
pub mod institutions;
pub mod moves;
pub mod nodes;
pub mod ownership;
pub mod pins;
pub mod planning;
pub mod plans;
pub mod removal;
pub mod ring;
pub mod settle;
pub mod shards;

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::{Notify, Semaphore};

use crate::feed::Feed;
use crate::operation::lead;
use crate::shard_db::ShardDatabases;

/// How many movers connect to a shard at once.
const CONNECTING_AT_ONCE: usize = 4;

/// What every use case needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Platform {
    /// The control database.
    pub pool: PgPool,
    /// The shards' databases.
    pub shards: ShardDatabases,
    /// The published map.
    pub feed: Feed,
    /// Wakes the reconcilers before their second is over.
    pub wake: Arc<Notify>,
    /// How many institutions move at once.
    pub moves_at_once: usize,
    /// How many of those that plans begin touch one shard at once.
    pub moves_at_once_a_shard: usize,
    /// Movers that connect to a shard now: all at once, after a failover, none would be served in time.
    pub connecting: Arc<Semaphore>,
    /// How many shards are told something at once: each holds a connection to the control database meanwhile.
    settling: Arc<Semaphore>,
}

impl Platform {
    /// Puts them together; `max_connections` is what the control database's pool may open.
    pub fn new(pool: PgPool, feed: Feed, max_connections: u32) -> Self {
        let at_once = (max_connections / 2).max(1) as usize;
        Self {
            pool,
            shards: ShardDatabases::default(),
            feed,
            wake: Arc::default(),
            moves_at_once: lead::AT_ONCE.get(),
            moves_at_once_a_shard: lead::AT_ONCE_A_SHARD.get(),
            connecting: Arc::new(Semaphore::new(CONNECTING_AT_ONCE)),
            settling: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// After a new version: watchers hear of it at once, and reconcilers look at what it left to do.
    fn published(&self) {
        self.feed.poke();
        self.wake.notify_waiters();
    }
}
