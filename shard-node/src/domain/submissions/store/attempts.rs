//! A student's attempts at an assessment, and what they come to.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::attempts::SubmissionStatus;
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// An attempt; locked, where it is not said to be read alone.
#[derive(Debug, Clone)]
pub(in super::super) struct Sat {
    pub(in super::super) id: Uuid,
    pub(in super::super) student_id: Uuid,
    pub(in super::super) attempt: i32,
    pub(in super::super) revision: i32,
    pub(in super::super) items: i32,
    pub(in super::super) status: SubmissionStatus,
    pub(in super::super) deadline_at: Option<DateTime<Utc>>,
    pub(in super::super) submitted_at: Option<DateTime<Utc>>,
    pub(in super::super) answers: Value,
    /// Points of its items, before lateness, and those that there were to get.
    pub(in super::super) raw_score: Option<Decimal>,
    pub(in super::super) possible: Option<Decimal>,
    pub(in super::super) score: Option<Decimal>,
    pub(in super::super) late_deduction: Option<Decimal>,
    pub(in super::super) graded_at: Option<DateTime<Utc>>,
    pub(in super::super) row_version: i64,
}

/// All attempts of students at an assessment, locked in the order of their ids: of two of them that are graded at once the
/// second sees what the first has come to. Those of one student are in their order. They are found by the key of each
/// student: a list counts as ten to the planner, and to statistics of before an exam all attempts at it are fewer.
pub(in super::super) async fn lock_attempts(
    tx: &mut TenantTx,
    assessment: Uuid,
    students: &[Uuid],
) -> Result<Vec<Sat>, Error> {
    let institution = tx.institution().as_uuid();
    let mut attempts = sqlx::query_as!(
        Sat,
        r#"SELECT t.id, t.student_id, t.attempt, t.revision, t.items, t.status AS "status: SubmissionStatus",
                  t.deadline_at, t.submitted_at, t.answers, t.raw_score, t.possible, t.score, t.late_deduction,
                  t.graded_at, t.row_version
           FROM (SELECT DISTINCT o.id FROM unnest($3::uuid[]) AS asked (student)
                 CROSS JOIN LATERAL (SELECT id FROM assessment_submissions
                                     WHERE institution_id = $1 AND assessment_id = $2 AND student_id = asked.student
                                     OFFSET 0) o
                 ORDER BY o.id) wanted
           CROSS JOIN LATERAL (SELECT * FROM assessment_submissions
                               WHERE institution_id = $1 AND id = wanted.id FOR NO KEY UPDATE) t"#,
        institution,
        assessment,
        students
    )
    .fetch_all(tx.connection())
    .await?;
    attempts.sort_by_key(|sat| sat.attempt);
    Ok(attempts)
}

/// What a locked attempt comes to.
#[derive(Debug, Clone)]
pub(in super::super) struct Settled<'s> {
    pub(in super::super) status: SubmissionStatus,
    pub(in super::super) raw: Decimal,
    pub(in super::super) possible: Decimal,
    pub(in super::super) late_deduction: Option<Decimal>,
    pub(in super::super) score: Option<Decimal>,
    pub(in super::super) grader_version: Option<&'s str>,
    pub(in super::super) graded_at: Option<DateTime<Utc>>,
}

/// Writes what a locked attempt comes to.
pub(in super::super) async fn settle(
    tx: &mut TenantTx,
    id: Uuid,
    settled: &Settled<'_>,
) -> Result<i64, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "UPDATE assessment_submissions
         SET status = $3, raw_score = $4, possible = $5, late_deduction = $6, score = $7,
             grader_version = coalesce($8, grader_version), graded_at = $9
         WHERE institution_id = $1 AND id = $2 AND status <> 'IN_PROGRESS'
         RETURNING row_version",
        institution,
        id,
        settled.status as SubmissionStatus,
        settled.raw,
        settled.possible,
        settled.late_deduction,
        settled.score,
        settled.grader_version,
        settled.graded_at
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Marks a locked attempt as given back.
pub(in super::super) async fn returned(
    tx: &mut TenantTx,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE assessment_submissions SET status = 'RETURNED', returned_at = $3
         WHERE institution_id = $1 AND id = $2 AND status = 'GRADED'",
        institution,
        id,
        at
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "graded submission")
}
