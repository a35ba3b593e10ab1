//! Plans: what is to move and why, before it does.
//!
//! A plan that was applied is done when all its moves have ended and none waits: that is read off the moves, nobody
//! writes it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use control_api::{Hours, Plan, PlannedMove, Progress};
use shard_map::{Epoch, InstitutionId, MapVersion, MovePhase, PlanKind, PlanState, ShardId};
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
    /// Whether it waits for its turn.
    pub is_waiting: bool,
}

/// A plan before it is written.
#[derive(Debug)]
pub struct NewRow<'p> {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub kind: PlanKind,
    /// The shard that is drained.
    pub shard: Option<&'p ShardId>,
    /// When its moves may begin.
    pub window: Option<Hours>,
    /// The placement that it was made for.
    pub placement_version: MapVersion,
    /// The name of the token that asked for it.
    pub created_by: &'p str,
    /// What else is to be known of it.
    pub notes: &'p [String],
    /// What moves, in order.
    pub moves: &'p [PlannedRow],
}

/// Writes a plan as proposed.
pub async fn insert(connection: &mut PgConnection, new: &NewRow<'_>) -> Result<(), Error> {
    let done = sqlx::query!(
        "INSERT INTO plans (id, kind, state, placement_version, created_by, shard_id, window_from, window_to, notes)
         VALUES ($1, $2, 'proposed', $3, $4, $5, $6, $7, $8)",
        new.id,
        new.kind.as_str(),
        new.placement_version.0,
        new.created_by,
        new.shard.map(ShardId::as_str),
        new.window.map(|hours| i16::from(hours.from)),
        new.window.map(|hours| i16::from(hours.to)),
        new.notes,
    )
    .execute(&mut *connection)
    .await?;
    one_row("plan", done.rows_affected())?;
    let all = || new.moves.iter().map(|row| &row.shown);
    let done = sqlx::query!(
        "INSERT INTO plan_moves (plan_id, position, institution_id, from_shard, to_shard, epoch, reason,
             row_count, byte_count)
         SELECT $1, (number - 1)::integer, institution_id, from_shard, to_shard, epoch, reason, row_count, byte_count
         FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[])
             WITH ORDINALITY
             AS all_of (institution_id, from_shard, to_shard, epoch, reason, row_count, byte_count, number)",
        new.id,
        &all().map(|it| it.institution.as_uuid()).collect::<Vec<_>>(),
        &all().map(|it| it.from.to_string()).collect::<Vec<_>>(),
        &all().map(|it| it.to.to_string()).collect::<Vec<_>>(),
        &new.moves.iter().map(|row| row.epoch.0).collect::<Vec<_>>(),
        &all().map(|it| it.reason.clone()).collect::<Vec<_>>(),
        &all().map(|it| it.rows).collect::<Vec<_>>() as &[Option<i64>],
        &all().map(|it| it.bytes).collect::<Vec<_>>() as &[Option<i64>],
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == new.moves.len() as u64 {
        Ok(())
    } else {
        Err(Error::Corrupt(format!("{} planned moves", done.rows_affected())))
    }
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
        r#"SELECT id, kind, placement_version, created_by, created_at, applied_at, shard_id, window_from, window_to,
                  notes,
                  (SELECT min(m.started_at) FROM moves m WHERE m.plan_id = p.id) AS began_at,
                  CASE WHEN state IN ('running', 'paused') AND NOT EXISTS (
                      SELECT FROM moves m WHERE m.plan_id = p.id AND m.phase NOT IN ('done', 'aborted')
                  ) AND NOT EXISTS (
                      SELECT FROM plan_moves w WHERE w.plan_id = p.id AND w.is_waiting
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
            let state = parse(&row.state)?;
            let progress = progress(&planned);
            let now = service_kit::clock::now();
            let is_open = matches!(state, PlanState::Running | PlanState::Paused);
            let eta_seconds =
                row.began_at.filter(|_| is_open).and_then(|began| eta_s(progress, began, now));
            Ok(Plan {
                id: row.id,
                kind: parse(&row.kind)?,
                placement_version: MapVersion(row.placement_version),
                state,
                shard: row.shard_id.as_deref().map(parse).transpose()?,
                window: hours(row.window_from, row.window_to),
                notes: row.notes,
                progress,
                eta_seconds,
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
                  p.byte_count, p.is_waiting, p.skipped, m.id AS "move_id?", m.phase AS "phase?"
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
            phase: row.phase.as_deref().map(parse).transpose()?,
            skipped: row.skipped,
        };
        let (epoch, is_waiting) = (Epoch(row.epoch), row.is_waiting);
        all.entry(row.plan_id).or_default().push(PlannedRow { shown, epoch, is_waiting });
    }
    Ok(all)
}

/// A window as it is stored.
pub(super) fn hours(from: Option<i16>, to: Option<i16>) -> Option<Hours> {
    let hour = |hour: i16| u8::try_from(hour).ok();
    Some(Hours { from: hour(from?)?, to: hour(to?)? })
}

fn progress(planned: &[PlannedRow]) -> Progress {
    let mut progress = Progress::default();
    for row in planned {
        match (row.shown.phase, &row.shown.skipped) {
            (Some(MovePhase::Done), _) => progress.done += 1,
            (Some(MovePhase::Aborted), _) => progress.aborted += 1,
            (Some(_), _) => progress.moving += 1,
            (None, Some(_)) => progress.skipped += 1,
            (None, None) => progress.waiting += i64::from(row.is_waiting),
        }
    }
    progress
}

/// How long the rest will take at the pace so far.
fn eta_s(progress: Progress, began_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<i64> {
    let ended = progress.done + progress.aborted;
    let took_ms = (now - began_at).num_milliseconds();
    if ended <= 0 || took_ms <= 0 {
        return None;
    }
    let left = progress.waiting + progress.moving;
    left.checked_mul(took_ms).map(|product| product / ended / 1_000)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn eta_goes_by_the_pace_of_the_moves_that_have_ended() {
        let now = service_kit::clock::now();
        let eta = |done, waiting, s| {
            let progress = Progress { done, waiting, moving: 2, ..Progress::default() };
            eta_s(progress, now - TimeDelta::seconds(s), now)
        };
        assert_eq!(eta(4, 6, 20), Some(40));
        assert_eq!(eta(0, 6, 20), None);
        assert_eq!(eta(4, 6, 0), None);
    }
}
