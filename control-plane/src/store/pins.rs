//! Pins: where people want institutions to live, whatever the ring says.
//!
//! What must stay true: a pin names an active shard. Whoever sets one, or takes a shard out of the ring, holds the
//! map's head.

use shard_map::{InstitutionId, ShardId};
use sqlx::PgConnection;

use super::{one_row, parse};
use crate::error::Error;

/// Pins an institution, or lets go of it.
pub async fn set(
    connection: &mut PgConnection,
    id: InstitutionId,
    shard: Option<&ShardId>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE institutions SET pinned_to = $2 WHERE id = $1",
        id.as_uuid(),
        shard.map(ShardId::as_str),
    )
    .execute(connection)
    .await?;
    one_row("institution", done.rows_affected())
}

/// Who is pinned to a shard, by slug.
pub async fn on(
    connection: &mut PgConnection,
    shard: &ShardId,
) -> Result<Vec<(InstitutionId, String)>, Error> {
    let rows = sqlx::query!(
        "SELECT id, slug FROM institutions WHERE pinned_to = $1 ORDER BY slug",
        shard.as_str(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (InstitutionId::new(row.id), row.slug)).collect())
}

/// Everybody who is pinned: where they live, and where they are wanted.
pub async fn all(
    connection: &mut PgConnection,
) -> Result<Vec<(InstitutionId, ShardId, ShardId)>, Error> {
    sqlx::query!(
        r#"SELECT id, shard_id, pinned_to AS "pinned_to!" FROM institutions WHERE pinned_to IS NOT NULL"#
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| {
        Ok((InstitutionId::new(row.id), parse(&row.shard_id)?, parse(&row.pinned_to)?))
    })
    .collect()
}
