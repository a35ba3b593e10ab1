//! An institution's change of shard or epoch in the directory, by compare-and-set.

use shard_map::{Epoch, InstitutionId, MapVersion, ShardId};
use sqlx::PgConnection;

use super::one_row;
use crate::error::Error;

/// An institution's change of shard or epoch.
#[derive(Debug, Clone, Copy)]
pub struct Relocation<'r> {
    /// Which.
    pub institution: InstitutionId,
    /// Where it must be for that.
    pub from: (&'r ShardId, Epoch),
    /// Where it is from then on.
    pub to: (&'r ShardId, Epoch),
    /// The version that publishes it.
    pub version: MapVersion,
    /// Why, for its history.
    pub reason: &'r str,
}

/// Moves an institution in the directory, if it is where it must be. Answers whether it was. The map's head is locked.
pub async fn relocate(
    connection: &mut PgConnection,
    change: &Relocation<'_>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE institutions SET shard_id = $4, epoch = $5, map_version = $6
         WHERE id = $1 AND shard_id = $2 AND epoch = $3",
        change.institution.as_uuid(),
        change.from.0.as_str(),
        change.from.1.0,
        change.to.0.as_str(),
        change.to.1.0,
        change.version.0,
    )
    .execute(&mut *connection)
    .await?;
    let was_there = done.rows_affected() == 1;
    if was_there {
        insert_placement(connection, change).await?;
    }
    Ok(was_there)
}

/// Raises an institution's epoch where it is. Changes nothing if it is at another one.
pub async fn raise_epoch(
    connection: &mut PgConnection,
    change: &Relocation<'_>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE institutions SET epoch = $4, map_version = $5
         WHERE id = $1 AND shard_id = $2 AND epoch = $3",
        change.institution.as_uuid(),
        change.from.0.as_str(),
        change.from.1.0,
        change.to.1.0,
        change.version.0,
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 1 { insert_placement(connection, change).await } else { Ok(()) }
}

async fn insert_placement(
    connection: &mut PgConnection,
    change: &Relocation<'_>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "INSERT INTO placements (institution_id, epoch, shard_id, map_version, reason)
         VALUES ($1, $2, $3, $4, $5)",
        change.institution.as_uuid(),
        change.to.1.0,
        change.to.0.as_str(),
        change.version.0,
        change.reason,
    )
    .execute(connection)
    .await?;
    one_row("placement", done.rows_affected())
}
