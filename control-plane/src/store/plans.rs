//! Plans: what is to move and why, before it does.
//!
//! A plan that was applied is done when all its moves have ended: that is read off the moves, nobody writes it.

use std::collections::BTreeMap;

use control_api::{Plan, PlannedMove};
use shard_map::{Epoch, InstitutionId, MapVersion, PlanState};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{one_row, parse};
use crate::error::Error;

/// A move of a plan, with the epoch that it was planned at.
#[derive(Debug, Clone)]
pub struct PlannedRow {
    /// What is shown of it.
    pub shown: PlannedMove,
    /// The directory's epoch at that time: another one refuses the plan.
    pub epoch: Epoch,
}

/// Writes a plan as proposed.
pub async fn insert(
    connection: &mut PgConnection,
    id: Uuid,
    placement_version: MapVersion,
    created_by: &str,
    moves: &[PlannedRow],
) -> Result<(), Error> {
    let done = sqlx::query!(
        "INSERT INTO plans (id, kind, state, placement_version, created_by)
         VALUES ($1, 'move', 'proposed', $2, $3)",
        id,
        placement_version.0,
        created_by,
    )
    .execute(&mut *connection)
    .await?;
    one_row("plan", done.rows_affected())?;
    for (position, PlannedRow { shown, epoch }) in (0_i32..).zip(moves) {
        let done = sqlx::query!(
            "INSERT INTO plan_moves (plan_id, position, institution_id, from_shard, to_shard, epoch, reason,
                 row_count, byte_count)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            id,
            position,
            shown.institution.as_uuid(),
            shown.from.as_str(),
            shown.to.as_str(),
            epoch.0,
            shown.reason,
            shown.rows,
            shown.bytes,
        )
        .execute(&mut *connection)
        .await?;
        one_row("planned move", done.rows_affected())?;
    }
    Ok(())
}

/// One plan.
pub async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Option<Plan>, Error> {
    Ok(shown(connection, Some(id), 1).await?.pop())
}

/// Plans, the newest first.
pub async fn list(connection: &mut PgConnection, limit: i64) -> Result<Vec<Plan>, Error> {
    shown(connection, None, limit).await
}

/// Locks a plan to the end of the transaction. Answers false where there is none.
pub async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<bool, Error> {
    let found = sqlx::query_scalar!("SELECT id FROM plans WHERE id = $1 FOR UPDATE", id)
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

/// The moves of a plan, in order.
pub async fn planned(connection: &mut PgConnection, id: Uuid) -> Result<Vec<PlannedRow>, Error> {
    Ok(moves_of(connection, &[id]).await?.remove(&id).unwrap_or_default())
}

/// Writes how far a plan is. The plan is locked.
pub async fn set_state(
    connection: &mut PgConnection,
    id: Uuid,
    state: PlanState,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE plans SET state = $2,
             applied_at = CASE WHEN $2 = 'running' THEN coalesce(applied_at, clock_timestamp()) ELSE applied_at END,
             finished_at = CASE WHEN $2 = 'cancelled' THEN clock_timestamp() END
         WHERE id = $1",
        id,
        state.as_str(),
    )
    .execute(connection)
    .await?;
    one_row("plan", done.rows_affected())
}

async fn shown(
    connection: &mut PgConnection,
    only: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Plan>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, kind, placement_version, created_by, created_at, applied_at,
                  CASE WHEN state IN ('running', 'paused') AND NOT EXISTS (
                      SELECT FROM moves m WHERE m.plan_id = p.id AND m.phase NOT IN ('done', 'aborted')
                  ) THEN 'done' ELSE state END AS "state!"
           FROM plans p WHERE $1::uuid IS NULL OR id = $1
           ORDER BY created_at DESC, id DESC LIMIT $2"#,
        only,
        limit,
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut moves = moves_of(connection, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let planned = moves.remove(&row.id).unwrap_or_default();
            Ok(Plan {
                id: row.id,
                kind: parse(&row.kind)?,
                placement_version: MapVersion(row.placement_version),
                state: parse(&row.state)?,
                moves: planned.into_iter().map(|row| row.shown).collect(),
                created_by: row.created_by,
                created_at: row.created_at,
                applied_at: row.applied_at,
            })
        })
        .collect()
}

/// The moves of these plans, in order.
async fn moves_of(
    connection: &mut PgConnection,
    plans: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<PlannedRow>>, Error> {
    let rows = sqlx::query!(
        r#"SELECT p.plan_id, p.institution_id, p.from_shard, p.to_shard, p.epoch, p.reason, p.row_count,
                  p.byte_count, m.id AS "move_id?"
           FROM plan_moves p
           LEFT JOIN moves m ON m.plan_id = p.plan_id AND m.institution_id = p.institution_id
           WHERE p.plan_id = ANY($1) ORDER BY p.plan_id, p.position"#,
        plans,
    )
    .fetch_all(connection)
    .await?;
    let mut all: BTreeMap<Uuid, Vec<PlannedRow>> = BTreeMap::new();
    for row in rows {
        let shown = PlannedMove {
            institution: InstitutionId::new(row.institution_id),
            from: parse(&row.from_shard)?,
            to: parse(&row.to_shard)?,
            reason: row.reason,
            rows: row.row_count,
            bytes: row.byte_count,
            move_id: row.move_id,
        };
        all.entry(row.plan_id).or_default().push(PlannedRow { shown, epoch: Epoch(row.epoch) });
    }
    Ok(all)
}
