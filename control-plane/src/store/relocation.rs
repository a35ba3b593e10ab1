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
    /// Whether the ring proposes another shard.
    pub off_ring: bool,
    /// The version that publishes it.
    pub version: MapVersion,
    /// Why, for its history.
    pub reason: &'r str,
}

/// Moves an institution in the directory, if it is where it must be. Answers whether it was off the ring before. The
/// map's head is locked.
pub async fn relocate(
    connection: &mut PgConnection,
    change: &Relocation<'_>,
) -> Result<Option<bool>, Error> {
    let was = sqlx::query_scalar!(
        "UPDATE institutions i SET shard_id = $4, epoch = $5, off_ring = $6, map_version = $7
         FROM institutions before
         WHERE i.id = $1 AND before.id = i.id AND i.shard_id = $2 AND i.epoch = $3
         RETURNING before.off_ring",
        change.institution.as_uuid(),
        change.from.0.as_str(),
        change.from.1.0,
        change.to.0.as_str(),
        change.to.1.0,
        change.off_ring,
        change.version.0,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if was.is_some() {
        insert_placement(connection, change).await?;
    }
    Ok(was)
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
