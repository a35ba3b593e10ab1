//! The leader begins the moves of applied plans: in order, so many at once, in the plan's hours.
//!
//! What must stay true: nothing is kept here. What waits stands in the database, so that whoever leads next goes on.
//! A move begins under the leader's term, and one that may not begin stops no other.

use chrono::Timelike as _;

use crate::error::Error;
use crate::service::Platform;
use crate::store::queue;

/// What is looked through for a move that has room: as many as a plan has.
const LOOKED_THROUGH: i64 = 1_000;

/// Begins what is due, as far as limits allow.
pub async fn begin_due(platform: &Platform, term: i64) -> Result<(), Error> {
    let mut connection = platform.pool.acquire().await?;
    let (mut all, mut of_each) = queue::busy(&mut connection).await?;
    if all >= platform.moves_at_once {
        return Ok(());
    }
    let waiting = queue::list(&mut connection, LOOKED_THROUGH).await?;
    drop(connection);
    let hour = service_kit::clock::now().hour();
    for next in waiting {
        let sides = [&next.from, &next.to];
        let has_room = sides.iter().all(|shard| {
            of_each.get(*shard).copied().unwrap_or(0) < platform.moves_at_once_a_shard
        });
        let is_time = next.window.is_none_or(|hours| hours.has(hour));
        if !has_room || !is_time {
            continue;
        }
        if platform.begin_waiting(term, &next).await? {
            all += 1;
            for shard in sides {
                *of_each.entry(shard.clone()).or_default() += 1;
            }
        }
        if all >= platform.moves_at_once {
            return Ok(());
        }
    }
    Ok(())
}
