//! The journal of moves.
//!
//! What must stay true: a phase is changed by compare-and-set alone, so that a commit and an abort cannot both win.

use chrono::{DateTime, Utc};
use control_api::{Move, MoveEpochs, Retry};
use shard_map::{Epoch, InstitutionId, MapVersion, MovePhase, ShardId};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{backoff_s, one_row, parse};
use crate::error::Error;

/// How many failed steps are kept.
const RETRIES_KEPT: i32 = 20;

/// A move, as far as the mover needs it beyond what is shown.
#[derive(Debug, Clone)]
pub struct MoveRow {
    /// What is shown of it.
    pub shown: Move,
    /// The epoch at which it began.
    pub epoch: Epoch,
    /// The migration that both sides had at the start.
    pub schema_version: Option<i64>,
    /// The source's primary at the start.
    pub source_identity: Option<String>,
    /// The target's primary at the start, or at the commit point.
    pub target_identity: Option<String>,
    /// The round that the commit point was reached with.
    pub last_round: Option<i64>,
    /// The version that the commit published.
    pub map_version: Option<MapVersion>,
    /// Fences that were given up.
    pub cutover_tries: i32,
    /// Failed steps in a row.
    pub tries: i32,
}

struct Raw {
    id: Uuid,
    plan_id: Option<Uuid>,
    institution_id: Uuid,
    from_shard: String,
    to_shard: String,
    epoch: i64,
    phase: String,
    requested_by: String,
    cancel_reason: Option<String>,
    schema_version: Option<i64>,
    source_identity: Option<String>,
    target_identity: Option<String>,
    last_round: Option<i64>,
    map_version: Option<i64>,
    row_total: i64,
    rows_copied: i64,
    keys_to_catch_up: i64,
    round: i64,
    pause_ms: Option<f64>,
    cutover_tries: i32,
    started_at: DateTime<Utc>,
    phase_started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    tries: i32,
    retries: Json<Vec<Retry>>,
}

impl TryFrom<Raw> for MoveRow {
    type Error = Error;

    fn try_from(raw: Raw) -> Result<Self, Error> {
        let phase = parse(&raw.phase)?;
        let epoch = Epoch(raw.epoch);
        let shown = Move {
            id: raw.id,
            plan: raw.plan_id,
            institution: InstitutionId::new(raw.institution_id),
            from: parse(&raw.from_shard)?,
            to: parse(&raw.to_shard)?,
            phase,
            epochs: MoveEpochs::after(epoch),
            rows: raw.row_total,
            rows_copied: raw.rows_copied,
            keys_to_catch_up: raw.keys_to_catch_up,
            round: raw.round,
            pause_ms: raw.pause_ms,
            requested_by: raw.requested_by,
            cancel_reason: raw.cancel_reason,
            started_at: raw.started_at,
            phase_started_at: raw.phase_started_at,
            finished_at: raw.finished_at,
            eta_seconds: eta_s(
                phase,
                raw.row_total,
                raw.rows_copied,
                service_kit::clock::now() - raw.phase_started_at,
            ),
            retries: raw.retries.0,
        };
        Ok(Self {
            shown,
            epoch,
            schema_version: raw.schema_version,
            source_identity: raw.source_identity,
            target_identity: raw.target_identity,
            last_round: raw.last_round,
            map_version: raw.map_version.map(MapVersion),
            cutover_tries: raw.cutover_tries,
            tries: raw.tries,
        })
    }
}

/// How long the copy will take at the pace so far.
fn eta_s(phase: MovePhase, rows: i64, copied: i64, took: chrono::TimeDelta) -> Option<i64> {
    let took_ms = took.num_milliseconds();
    if phase != MovePhase::Copying || copied <= 0 || took_ms <= 0 {
        return None;
    }
    let left = (rows - copied).max(0);
    left.checked_mul(took_ms).map(|product| product / copied / 1_000)
}

/// One move.
pub async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Option<MoveRow>, Error> {
    sqlx::query_as!(
        Raw,
        r#"SELECT id, plan_id, institution_id, from_shard, to_shard, epoch, phase, requested_by, cancel_reason,
                  schema_version, source_identity, target_identity, last_round, map_version, row_total, rows_copied,
                  keys_to_catch_up, round, pause_ms, cutover_tries, started_at, phase_started_at, finished_at, tries,
                  retries AS "retries: Json<Vec<Retry>>"
           FROM moves WHERE id = $1"#,
        id,
    )
    .fetch_optional(connection)
    .await?
    .map(MoveRow::try_from)
    .transpose()
}

/// Moves, the newest first; of one institution, or those under way alone.
pub async fn list(
    connection: &mut PgConnection,
    institution: Option<InstitutionId>,
    active: bool,
    limit: i64,
) -> Result<Vec<Move>, Error> {
    sqlx::query_as!(
        Raw,
        r#"SELECT id, plan_id, institution_id, from_shard, to_shard, epoch, phase, requested_by, cancel_reason,
                  schema_version, source_identity, target_identity, last_round, map_version, row_total, rows_copied,
                  keys_to_catch_up, round, pause_ms, cutover_tries, started_at, phase_started_at, finished_at, tries,
                  retries AS "retries: Json<Vec<Retry>>"
           FROM moves
           WHERE ($1::uuid IS NULL OR institution_id = $1) AND (NOT $2 OR phase NOT IN ('done', 'aborted'))
           ORDER BY started_at DESC, id DESC LIMIT $3"#,
        institution.map(|id| id.as_uuid()),
        active,
        limit,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|raw| Ok(MoveRow::try_from(raw)?.shown))
    .collect()
}

/// A move that begins now.
#[derive(Debug)]
pub struct NewMove<'m> {
    /// Its id.
    pub id: Uuid,
    /// The plan that led to it.
    pub plan: Uuid,
    /// Which institution.
    pub institution: InstitutionId,
    /// Where it is, at this epoch.
    pub from: &'m ShardId,
    /// Where it is to be.
    pub to: &'m ShardId,
    /// The directory's epoch.
    pub epoch: Epoch,
    /// Rows as they were counted for the plan.
    pub rows: Option<i64>,
    /// The name of the token that asked for it.
    pub requested_by: &'m str,
}

/// Begins a move. Answers false where the institution has one already.
pub async fn insert(connection: &mut PgConnection, new: &NewMove<'_>) -> Result<bool, Error> {
    let done = sqlx::query!(
        "INSERT INTO moves (id, plan_id, institution_id, from_shard, to_shard, epoch, phase, requested_by, row_total)
         VALUES ($1, $2, $3, $4, $5, $6, 'preflight', $7, $8)
         ON CONFLICT (institution_id) WHERE phase NOT IN ('done', 'aborted') DO NOTHING",
        new.id,
        new.plan,
        new.institution.as_uuid(),
        new.from.as_str(),
        new.to.as_str(),
        new.epoch.0,
        new.requested_by,
        new.rows.unwrap_or(0),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Asks for a move to be given up. Answers false where it is committed or has ended.
pub async fn cancel(connection: &mut PgConnection, id: Uuid, why: &str) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE moves SET cancel_reason = coalesce(cancel_reason, $2), retry_at = clock_timestamp()
         WHERE id = $1 AND phase IN ('preflight', 'copying', 'verifying', 'closing', 'cutover', 'aborting')",
        id,
        why,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Why it was given up.
pub async fn note_cancelled(
    connection: &mut PgConnection,
    id: Uuid,
    why: &str,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE moves SET cancel_reason = coalesce(cancel_reason, $2) WHERE id = $1",
        id,
        why,
    )
    .execute(connection)
    .await?;
    one_row("move", done.rows_affected())
}

/// Moves under way whose next step is due, the longest waiting first. Of a paused plan none begins.
pub async fn due(connection: &mut PgConnection, limit: i64) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM moves m WHERE phase NOT IN ('done', 'aborted') AND retry_at <= clock_timestamp()
             AND NOT (phase = 'preflight' AND cancel_reason IS NULL
                 AND EXISTS (SELECT FROM plans p WHERE p.id = m.plan_id AND p.state = 'paused'))
         ORDER BY retry_at LIMIT $1",
        limit,
    )
    .fetch_all(connection)
    .await?)
}

/// How many moves are under way.
pub async fn active(connection: &mut PgConnection) -> Result<i64, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM moves WHERE phase NOT IN ('done', 'aborted')"#
    )
    .fetch_one(connection)
    .await?)
}

/// From one phase to the next. Answers false where it is in another one.
pub async fn advance(
    connection: &mut PgConnection,
    id: Uuid,
    from: MovePhase,
    to: MovePhase,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE moves SET phase = $3, phase_started_at = clock_timestamp(), tries = 0, retry_at = clock_timestamp(),
             finished_at = CASE WHEN $3 IN ('done', 'aborted') THEN clock_timestamp() END
         WHERE id = $1 AND phase = $2",
        id,
        from.as_str(),
        to.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What both sides are at the start.
pub async fn note_sides(
    connection: &mut PgConnection,
    id: Uuid,
    schema_version: i64,
    (source, target): (&str, &str),
    rows: i64,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE moves SET schema_version = $2, source_identity = $3, target_identity = $4, row_total = $5 WHERE id = $1",
        id,
        schema_version,
        source,
        target,
        rows,
    )
    .execute(connection)
    .await?;
    one_row("move", done.rows_affected())
}

/// How far the copy is.
pub async fn note_round(
    connection: &mut PgConnection,
    id: Uuid,
    round: i64,
    rows_copied: i64,
    keys_to_catch_up: i64,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE moves SET round = $2, rows_copied = $3, keys_to_catch_up = $4, tries = 0 WHERE id = $1",
        id,
        round,
        rows_copied,
        keys_to_catch_up,
    )
    .execute(connection)
    .await?;
    one_row("move", done.rows_affected())
}

/// What activation is to demand, and the version of the commit.
pub async fn note_commit(
    connection: &mut PgConnection,
    id: Uuid,
    last_round: i64,
    target: &str,
    version: MapVersion,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE moves SET last_round = $2, target_identity = $3, map_version = $4 WHERE id = $1",
        id,
        last_round,
        target,
        version.0,
    )
    .execute(connection)
    .await?;
    one_row("move", done.rows_affected())
}

/// How long writes were held back.
pub async fn note_pause(connection: &mut PgConnection, id: Uuid, ms: f64) -> Result<(), Error> {
    let done = sqlx::query!("UPDATE moves SET pause_ms = $2 WHERE id = $1", id, ms)
        .execute(connection)
        .await?;
    one_row("move", done.rows_affected())
}

/// A fence was given up.
pub async fn note_cutover_try(connection: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    let done = sqlx::query!("UPDATE moves SET cutover_tries = cutover_tries + 1 WHERE id = $1", id)
        .execute(connection)
        .await?;
    one_row("move", done.rows_affected())
}

/// A step failed: why, and when the next try is.
pub async fn failed(
    connection: &mut PgConnection,
    id: Uuid,
    tries: i32,
    why: &str,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE moves SET tries = $2, retry_at = clock_timestamp() + make_interval(secs => $4),
             retries = (SELECT coalesce(jsonb_agg(kept.entry ORDER BY kept.number), '[]') FROM (
                 SELECT entry, number
                 FROM jsonb_array_elements(retries || jsonb_build_array(jsonb_build_object('at', clock_timestamp(), 'why', $3::text)))
                      WITH ORDINALITY AS all_of (entry, number)
                 ORDER BY number DESC LIMIT $5) kept)
         WHERE id = $1",
        id,
        tries,
        why,
        backoff_s(tries).min(8.0) / 4.0,
        i64::from(RETRIES_KEPT),
    )
    .execute(connection)
    .await?;
    one_row("move", done.rows_affected())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn eta_goes_by_the_pace_of_the_copy() {
        let eta = |phase, copied, s| eta_s(phase, 1_000, copied, TimeDelta::seconds(s));
        assert_eq!(eta(MovePhase::Copying, 250, 10), Some(30));
        assert_eq!(eta(MovePhase::Copying, 2_000, 10), Some(0));
        assert_eq!(eta(MovePhase::Copying, 0, 10), None);
        assert_eq!(eta(MovePhase::Closing, 250, 10), None);
    }
}
