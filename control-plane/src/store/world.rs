//! What the planner goes by, as one snapshot.

use std::collections::HashMap;

use shard_map::{Epoch, InstitutionId};
use sqlx::PgConnection;

use super::parse;
use crate::error::Error;
use crate::plan::{Resident, Shard, World};

/// Shards and institutions; beside them the epoch of each institution. The transaction sees one state of both.
pub async fn read(
    connection: &mut PgConnection,
) -> Result<(World, HashMap<InstitutionId, Epoch>), Error> {
    let shards = sqlx::query!(
        r#"SELECT id, state, weight, capacity,
                  (SELECT coalesce(avg(load), 0) FROM nodes n WHERE n.shard_id = s.id AND n.state = 'up') AS "load!"
           FROM shards s"#
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .map(|row| {
        Ok(Shard {
            id: parse(&row.id)?,
            state: parse(&row.state)?,
            weight: u32::try_from(row.weight).unwrap_or(0),
            capacity: row.capacity.and_then(|most| u64::try_from(most).ok()),
            load: row.load,
        })
    })
    .collect::<Result<_, Error>>()?;
    // A move that is given up ends where it began: until then nobody knows better.
    let rows = sqlx::query!(
        r#"SELECT i.id AS "id!", i.shard_id AS "shard_id!", i.epoch AS "epoch!", i.pinned_to AS "pinned_to?",
                  i.status = 'creating' OR coalesce(m.phase = 'aborting', false) AS "is_fixed!",
                  coalesce(CASE WHEN m.phase <> 'aborting' THEN m.to_shard END, w.to_shard) AS "going?"
           FROM institutions i
           LEFT JOIN moves m ON m.institution_id = i.id AND m.phase NOT IN ('done', 'aborted')
           LEFT JOIN plan_moves w ON w.institution_id = i.id AND w.is_waiting"#
    )
    .fetch_all(connection)
    .await?;
    let mut residents = Vec::with_capacity(rows.len());
    let mut epochs = HashMap::with_capacity(rows.len());
    for row in rows {
        let id = InstitutionId::new(row.id);
        epochs.insert(id, Epoch(row.epoch));
        residents.push(Resident {
            id,
            shard: parse(&row.shard_id)?,
            pin: row.pinned_to.as_deref().map(parse).transpose()?,
            going: row.going.as_deref().map(parse).transpose()?,
            is_fixed: row.is_fixed,
        });
    }
    Ok((World { shards, residents }, epochs))
}
