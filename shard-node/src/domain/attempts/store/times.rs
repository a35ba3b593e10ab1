//! Deadlines of attempts that are under way.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::rules::Terms;
use crate::error::Error;
use crate::store::TenantTx;

/// An attempt that is under way, locked, and what it goes by now.
#[derive(Debug, Clone)]
pub(in super::super) struct Running {
    pub(in super::super) id: Uuid,
    pub(in super::super) started_at: DateTime<Utc>,
    pub(in super::super) deadline_at: Option<DateTime<Utc>>,
    /// Whether its assessment is still sat.
    pub(in super::super) is_open: bool,
    pub(in super::super) terms: Terms,
}

/// The attempts of an assessment, or of one student in it, that are under way.
pub(in super::super) async fn running(
    tx: &mut TenantTx,
    assessment: Uuid,
    student: Option<Uuid>,
) -> Result<Vec<Running>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        r#"SELECT t.id, t.started_at, t.deadline_at, a.status = 'PUBLISHED' AS "is_open!",
                  coalesce(o.opens_at, a.opens_at) AS opens_at,
                  coalesce(o.closes_at, a.closes_at) AS closes_at, a.time_limit_s,
                  greatest(coalesce(o.extra_time_percent, 0),
                           coalesce((s.accommodations->>'extraTimePercent')::integer, 0)) AS "extra_time_percent!",
                  a.max_attempts + coalesce(o.extra_attempts, 0) AS "attempts_max!"
           FROM assessment_submissions t
           JOIN assessments a ON a.institution_id = $1 AND a.id = t.assessment_id
           JOIN students s ON s.institution_id = $1 AND s.id = t.student_id
           LEFT JOIN assessment_overrides o
               ON o.institution_id = $1 AND o.assessment_id = a.id AND o.student_id = t.student_id
           WHERE t.institution_id = $1 AND t.assessment_id = $2 AND t.status = 'IN_PROGRESS'
             AND ($3::uuid IS NULL OR t.student_id = $3)
           ORDER BY t.id FOR NO KEY UPDATE OF t"#,
        institution,
        assessment,
        student
    )
    .fetch_all(tx.connection())
    .await?;
    let running = rows.into_iter().map(|row| Running {
        id: row.id,
        started_at: row.started_at,
        deadline_at: row.deadline_at,
        is_open: row.is_open,
        terms: Terms {
            opens_at: row.opens_at,
            closes_at: row.closes_at,
            time_limit_s: row.time_limit_s,
            extra_time_percent: row.extra_time_percent,
            attempts_max: row.attempts_max,
        },
    });
    Ok(running.collect())
}

/// Holds the assessments at which a student has an attempt that is under way, in the order of their ids.
pub(in super::super) async fn hold_sat_by(
    tx: &mut TenantTx,
    student: Uuid,
) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM assessments
         WHERE institution_id = $1 AND id IN (
             SELECT assessment_id FROM assessment_submissions
             WHERE institution_id = $1 AND student_id = $2 AND status = 'IN_PROGRESS')
         ORDER BY id FOR SHARE",
        institution,
        student
    )
    .fetch_all(tx.connection())
    .await?)
}

/// Sets the deadlines of locked attempts.
pub(in super::super) async fn set_deadlines(
    tx: &mut TenantTx,
    deadlines: &[(Uuid, Option<DateTime<Utc>>)],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let (ids, times): (Vec<Uuid>, Vec<Option<DateTime<Utc>>>) = deadlines.iter().copied().unzip();
    sqlx::query!(
        "UPDATE assessment_submissions s SET deadline_at = new.at
         FROM unnest($2::uuid[], $3::timestamptz[]) AS new (id, at)
         WHERE s.institution_id = $1 AND s.id = new.id AND s.submitted_at IS NULL",
        institution,
        &ids,
        &times as &[Option<DateTime<Utc>>]
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
