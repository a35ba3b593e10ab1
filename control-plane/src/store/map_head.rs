//! The one row that every change of ring, directory or map locks first, and takes its version from.
//!
//! What must stay true: a version exists exactly when its transaction committed, with its row of history,
//! and becomes visible after all lower ones.

use shard_map::{Entries, MapVersion, Removal};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::journal::{self, Actor, Note};
use crate::error::Error;
use crate::model::ring_change::LISTED_MAX;

/// The channel on which new versions are told.
pub const CHANNEL: &str = "lxp_map";

/// The published version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The version of the map.
    pub version: MapVersion,
    /// The version of the last change of ring or directory.
    pub placement_version: MapVersion,
}

/// What a transaction changed in the map.
#[derive(Debug, Clone)]
pub struct Change {
    /// What was done, such as `shard.activated`.
    pub kind: &'static str,
    /// To what: an id.
    pub subject: String,
    /// Whether ring or directory changed.
    pub placement: bool,
    /// New or changed entries.
    pub set: Entries,
    /// Entries that are gone.
    pub remove: Removal,
}

/// A transaction that holds the head. Dropped without [`MapTx::publish`] it changes nothing.
#[derive(Debug)]
pub struct MapTx {
    tx: Transaction<'static, Postgres>,
    head: Head,
}

impl MapTx {
    /// Opens a transaction and locks the head.
    pub async fn open(pool: &PgPool) -> Result<Self, Error> {
        let mut tx = pool.begin().await?;
        let row = sqlx::query!("SELECT version, placement_version FROM map_head FOR UPDATE")
            .fetch_one(&mut *tx)
            .await?;
        let head = Head {
            version: MapVersion(row.version),
            placement_version: MapVersion(row.placement_version),
        };
        Ok(Self { tx, head })
    }

    /// The connection, for the statements of this transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// The version that this transaction makes if it publishes.
    pub fn version(&self) -> MapVersion {
        self.head.version.next()
    }

    /// Records the change and what is to be told of it, tells it, and commits.
    pub async fn publish(
        self,
        change: Change,
        actor: &Actor,
        notes: &[Note],
    ) -> Result<MapVersion, Error> {
        let version = self.version();
        let placement = if change.placement { version } else { self.head.placement_version };
        let (mut tx, mut change) = (self.tx, change);
        let left_out = leave_out(&mut change);
        sqlx::query!(
            "INSERT INTO map_history (version, placement_version, kind, subject, entries_set, entries_removed,
                 exceptions_left_out)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            version.0,
            placement.0,
            change.kind,
            change.subject,
            Json(&change.set) as _,
            Json(&change.remove) as _,
            left_out,
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "UPDATE map_head SET version = $1, placement_version = $2",
            version.0,
            placement.0
        )
        .execute(&mut *tx)
        .await?;
        journal::write(&mut tx, actor, notes).await?;
        sqlx::query!("SELECT pg_notify($1, $2)", CHANNEL, version.to_string())
            .execute(&mut *tx)
            .await?;
        // The server does not cut a COMMIT off: one that waits for a standby would look replicated.
        sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(version)
    }

    /// Commits what the map does not show, such as an address that it does not hold.
    pub async fn commit_unpublished(self, actor: &Actor, notes: &[Note]) -> Result<(), Error> {
        let mut tx = self.tx;
        journal::write(&mut tx, actor, notes).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Takes exceptions out of a change that has too many to be listed. Answers how many.
fn leave_out(change: &mut Change) -> i64 {
    let (set, remove) = (&mut change.set.exceptions, &mut change.remove.exceptions);
    let count = set.len() + remove.len();
    if count <= LISTED_MAX {
        return 0;
    }
    set.clear();
    remove.clear();
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The published version, as it is now.
pub async fn head(connection: &mut PgConnection) -> Result<Head, Error> {
    let row = sqlx::query!("SELECT version, placement_version FROM map_head")
        .fetch_one(connection)
        .await?;
    Ok(Head {
        version: MapVersion(row.version),
        placement_version: MapVersion(row.placement_version),
    })
}
