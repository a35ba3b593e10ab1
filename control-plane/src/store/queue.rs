//! Moves of applied plans that wait for their turn.
//!
//! What must stay true: an institution waits in one plan at most (an index says so), and none waits of a plan that is
//! over.

use std::collections::BTreeMap;

use control_api::Hours;
use shard_map::{InstitutionId, ShardId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::plans::hours;
use super::{one_row, parse};
use crate::error::Error;

/// A move that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The plan.
    pub plan: Uuid,
    /// When its moves may begin.
    pub window: Option<Hours>,
    /// Which institution.
    pub institution: InstitutionId,
    /// Where it was when it was planned.
    pub from: ShardId,
    /// Where it is to be.
    pub to: ShardId,
    /// Who applied it.
    pub applied_by: String,
}

/// Lets the moves of a plan wait for their turn. Where one of them waits in another plan an index refuses.
pub async fn enter(connection: &mut PgConnection, plan: Uuid) -> Result<(), Error> {
    sqlx::query!("UPDATE plan_moves SET is_waiting = true WHERE plan_id = $1", plan)
        .execute(connection)
        .await?;
    Ok(())
}

/// What waits in plans that run, in the order in which it is to begin.
pub async fn list(connection: &mut PgConnection, limit: i64) -> Result<Vec<Waiting>, Error> {
    sqlx::query!(
        "SELECT p.id, p.window_from, p.window_to, p.created_by, w.institution_id, w.from_shard, w.to_shard
         FROM plan_moves w JOIN plans p ON p.id = w.plan_id
         WHERE w.is_waiting AND p.state = 'running'
         ORDER BY p.applied_at, p.id, w.position LIMIT $1",
        limit,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| {
        Ok(Waiting {
            plan: row.id,
            window: hours(row.window_from, row.window_to),
            institution: InstitutionId::new(row.institution_id),
            from: parse(&row.from_shard)?,
            to: parse(&row.to_shard)?,
            applied_by: row.created_by,
        })
    })
    .collect()
}

/// How many moves are under way, on each shard.
pub async fn busy(
    connection: &mut PgConnection,
) -> Result<(usize, BTreeMap<ShardId, usize>), Error> {
    let rows = sqlx::query!(
        "SELECT from_shard, to_shard FROM moves WHERE phase NOT IN ('done', 'aborted')"
    )
    .fetch_all(connection)
    .await?;
    let mut of_each: BTreeMap<ShardId, usize> = BTreeMap::new();
    for row in &rows {
        *of_each.entry(parse(&row.from_shard)?).or_default() += 1;
        *of_each.entry(parse(&row.to_shard)?).or_default() += 1;
    }
    Ok((rows.len(), of_each))
}

/// One does not wait any more: it begins, or it is left out for a reason. Answers false where it did not wait.
pub async fn leave(
    connection: &mut PgConnection,
    plan: Uuid,
    institution: InstitutionId,
    skipped: Option<&str>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE plan_moves SET is_waiting = false, skipped = $3
         WHERE plan_id = $1 AND institution_id = $2 AND is_waiting",
        plan,
        institution.as_uuid(),
        skipped,
    )
    .execute(connection)
    .await?;
    match done.rows_affected() {
        0 => Ok(false),
        rows => one_row("planned move", rows).map(|()| true),
    }
}

/// Nothing of a plan waits any more. Answers how many did.
pub async fn clear(connection: &mut PgConnection, plan: Uuid, why: &str) -> Result<u64, Error> {
    let done = sqlx::query!(
        "UPDATE plan_moves SET is_waiting = false, skipped = $2 WHERE plan_id = $1 AND is_waiting",
        plan,
        why,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// What is on its way to or from a shard: institutions there, moves under way, moves that wait.
pub async fn touching(
    connection: &mut PgConnection,
    shard: &ShardId,
) -> Result<(i64, i64, i64), Error> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM institutions WHERE shard_id = $1) AS "owned!",
                  (SELECT count(*) FROM moves WHERE phase NOT IN ('done', 'aborted') AND $1 IN (from_shard, to_shard))
                      AS "moving!",
                  (SELECT count(*) FROM plan_moves WHERE is_waiting AND $1 IN (from_shard, to_shard)) AS "waiting!""#,
        shard.as_str(),
    )
    .fetch_one(connection)
    .await?;
    Ok((row.owned, row.moving, row.waiting))
}

/// Institutions of a plan that are not any more as they were planned, and how, at most so many.
pub async fn changed(
    connection: &mut PgConnection,
    plan: Uuid,
    only: Option<InstitutionId>,
    limit: i64,
) -> Result<Vec<(InstitutionId, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT i.id, p.from_shard, p.epoch AS planned_epoch, i.shard_id, i.epoch, i.pinned_to, p.to_shard,
                  t.state AS "target?", m.id AS "moving?", w.plan_id AS "waiting?"
           FROM plan_moves p
           JOIN institutions i ON i.id = p.institution_id
           LEFT JOIN shards t ON t.id = p.to_shard
           LEFT JOIN moves m ON m.institution_id = i.id AND m.phase NOT IN ('done', 'aborted')
           LEFT JOIN plan_moves w ON w.institution_id = i.id AND w.is_waiting AND w.plan_id <> p.plan_id
           WHERE p.plan_id = $1 AND ($2::uuid IS NULL OR i.id = $2)
             AND (i.shard_id <> p.from_shard OR i.epoch <> p.epoch OR i.pinned_to <> p.to_shard
                 OR t.state IS DISTINCT FROM 'active' OR m.id IS NOT NULL OR w.plan_id IS NOT NULL)
           ORDER BY p.position LIMIT $3"#,
        plan,
        only.map(|id| id.as_uuid()),
        limit,
    )
    .fetch_all(connection)
    .await?;
    let changed = rows.into_iter().map(|row| {
        let how = if (&row.shard_id, row.epoch) != (&row.from_shard, row.planned_epoch) {
            format!(
                "was on {} at epoch {} when this was planned, and is on {} at epoch {} now",
                row.from_shard, row.planned_epoch, row.shard_id, row.epoch
            )
        } else if let Some(id) = row.moving {
            format!("is being moved (move {id})")
        } else if let Some(id) = row.waiting {
            format!("is to be moved by plan {id}")
        } else if row.target.as_deref() != Some("active") {
            format!("was to go to {}, which takes no institutions now", row.to_shard)
        } else {
            format!("is pinned to {} now", row.pinned_to.unwrap_or_default())
        };
        (InstitutionId::new(row.id), how)
    });
    Ok(changed.collect())
}
