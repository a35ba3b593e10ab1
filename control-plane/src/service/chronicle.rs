//! What happened, who did what, what each version of the map changed: with `after` the oldest first, without it the
//! newest first.

use control_api::{AuditEntry, Event, MapChange};
use shard_map::MapVersion;

use super::Platform;
use crate::error::Error;
use crate::store::{history, journal};

impl Platform {
    /// What happened.
    pub async fn events(&self, after: Option<i64>, limit: i64) -> Result<Vec<Event>, Error> {
        let mut connection = self.pool.acquire().await?;
        match after {
            Some(after) => journal::events_after(&mut connection, after, limit).await,
            None => journal::last_events(&mut connection, limit).await,
        }
    }

    /// Who did what.
    pub async fn audit(&self, after: Option<i64>, limit: i64) -> Result<Vec<AuditEntry>, Error> {
        let mut connection = self.pool.acquire().await?;
        match after {
            Some(after) => journal::audit_after(&mut connection, after, limit).await,
            None => journal::last_audit(&mut connection, limit).await,
        }
    }

    /// What each version of the map changed.
    pub async fn map_history(
        &self,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<MapChange>, Error> {
        let mut connection = self.pool.acquire().await?;
        match after {
            Some(after) => history::after(&mut connection, MapVersion(after), limit).await,
            None => history::last(&mut connection, limit).await,
        }
    }
}
