//! What each version of the map changed.

use control_api::MapChange;
use shard_map::{Entries, MapVersion, Removal, ShardId};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Error;

/// Changes after a version, the oldest first, at most `limit`.
pub async fn after(
    connection: &mut PgConnection,
    version: MapVersion,
    limit: i64,
) -> Result<Vec<MapChange>, Error> {
    let rows = sqlx::query!(
        r#"SELECT version, placement_version, at, kind, subject, exceptions_left_out,
                  entries_set AS "entries_set: Json<Entries>",
                  entries_removed AS "entries_removed: Json<Removal>"
           FROM map_history WHERE version > $1 ORDER BY version LIMIT $2"#,
        version.0,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| MapChange {
            version: MapVersion(row.version),
            placement_version: MapVersion(row.placement_version),
            at: row.at,
            kind: row.kind,
            subject: row.subject,
            set: row.entries_set.0,
            remove: row.entries_removed.0,
            exceptions_left_out: row.exceptions_left_out,
        })
        .collect())
}

/// The last changes, the newest first.
pub async fn last(connection: &mut PgConnection, limit: i64) -> Result<Vec<MapChange>, Error> {
    let newest = super::map_head::head(connection).await?.version;
    let mut changes = after(connection, MapVersion(newest.0 - limit), limit).await?;
    changes.reverse();
    Ok(changes)
}

/// Whether a shard has stood in the ring since it was added last.
pub async fn has_joined(connection: &mut PgConnection, shard: &ShardId) -> Result<bool, Error> {
    let joined: Option<bool> = sqlx::query_scalar(
        "SELECT kind = 'shard.activated' FROM map_history
         WHERE subject = $1 AND kind IN ('shard.added', 'shard.activated')
         ORDER BY version DESC LIMIT 1",
    )
    .bind(shard.as_str())
    .fetch_optional(connection)
    .await?;
    Ok(joined == Some(true))
}
