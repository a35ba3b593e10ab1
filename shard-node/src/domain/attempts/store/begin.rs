//! Beginning an attempt.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::super::SubmissionStatus;
use super::Row;
use crate::domain::assessments::Status;
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// An assessment and what is different in it for one student.
#[derive(Debug, Clone)]
pub(in super::super) struct Sitting {
    pub(in super::super) class_id: Uuid,
    pub(in super::super) status: Status,
    pub(in super::super) has_paper: bool,
    pub(in super::super) revision: i32,
    pub(in super::super) opens_at: Option<DateTime<Utc>>,
    pub(in super::super) closes_at: Option<DateTime<Utc>>,
    pub(in super::super) time_limit_s: Option<i32>,
    pub(in super::super) extra_time_percent: i32,
    pub(in super::super) attempts_max: i32,
}

/// An assessment, held so that nobody closes it meanwhile, as one student may sit it.
pub(in super::super) async fn hold_sitting(
    tx: &mut TenantTx,
    assessment: Uuid,
    student: Option<Uuid>,
) -> Result<Option<Sitting>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Sitting,
        r#"SELECT a.class_id, a.status AS "status: Status", a.blueprint IS NOT NULL AS "has_paper!", a.revision,
                  coalesce(o.opens_at, a.opens_at) AS opens_at, coalesce(o.closes_at, a.closes_at) AS closes_at,
                  a.time_limit_s,
                  greatest(coalesce(o.extra_time_percent, 0),
                           coalesce((s.accommodations->>'extraTimePercent')::integer, 0)) AS "extra_time_percent!",
                  a.max_attempts + coalesce(o.extra_attempts, 0) AS "attempts_max!"
           FROM assessments a
           LEFT JOIN students s ON s.institution_id = $1 AND s.id = $3
           LEFT JOIN assessment_overrides o
               ON o.institution_id = $1 AND o.assessment_id = a.id AND o.student_id = $3
           WHERE a.institution_id = $1 AND a.id = $2 FOR SHARE OF a"#,
        institution,
        assessment,
        student
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// An enrolment, locked, and what its student may do.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Enrolled {
    pub(in super::super) id: Uuid,
    /// Go on with what is under way.
    pub(in super::super) goes_on: bool,
    /// Begin another attempt.
    pub(in super::super) begins: bool,
}

/// The student's enrolment in a class, locked; a live one before one that is over. Who has completed the class goes on,
/// and begins once the result was reopened.
pub(in super::super) async fn hold_enrollment(
    tx: &mut TenantTx,
    class: Uuid,
    student: Uuid,
) -> Result<Option<Enrolled>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Enrolled,
        r#"SELECT e.id, e.status <> 'SUSPENDED' AS "goes_on!",
                  e.status = 'ACTIVE' OR (e.status = 'COMPLETED' AND exists(
                      SELECT FROM class_results r
                      WHERE r.institution_id = $1 AND r.enrollment_id = e.id AND r.state = 'REOPENED')) AS "begins!"
           FROM enrollments e
           WHERE e.institution_id = $1 AND e.class_id = $2 AND e.student_id = $3
             AND e.status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED')
           ORDER BY e.status = 'COMPLETED', e.id DESC LIMIT 1 FOR NO KEY UPDATE OF e"#,
        institution,
        class,
        student
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// The student's attempt whose deadline was before an instant and that nobody has handed in yet, locked: whoever has it
/// in hand is waited for.
pub(in super::super) async fn lock_overdue_of(
    tx: &mut TenantTx,
    assessment: Uuid,
    student: Uuid,
    before: DateTime<Utc>,
) -> Result<Option<Row>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT id, assessment_id, class_id, student_id, attempt, items,
                  status AS "status: SubmissionStatus", started_at, deadline_at, answers, saved_at, submitted_at,
                  submitted_by, answers_hash, receipt, row_version
           FROM assessment_submissions
           WHERE institution_id = $1 AND assessment_id = $2 AND student_id = $3 AND status = 'IN_PROGRESS'
             AND deadline_at < $4
           FOR NO KEY UPDATE"#,
        institution,
        assessment,
        student,
        before
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// The student's attempt that is under way, and how many there were in all.
pub(in super::super) async fn in_progress(
    tx: &mut TenantTx,
    assessment: Uuid,
    student: Uuid,
) -> Result<(Option<Uuid>, i64, i32), Error> {
    let institution = tx.institution().as_uuid();
    let row = sqlx::query!(
        r#"SELECT (array_agg(id) FILTER (WHERE status = 'IN_PROGRESS'))[1] AS running,
                  count(*) AS "used!", coalesce(max(attempt), 0) AS "last!"
           FROM assessment_submissions
           WHERE institution_id = $1 AND assessment_id = $2 AND student_id = $3"#,
        institution,
        assessment,
        student
    )
    .fetch_one(tx.connection())
    .await?;
    Ok((row.running, row.used, row.last))
}

/// An attempt to insert, with its paper and key.
pub(in super::super) struct NewAttempt {
    pub(in super::super) id: Uuid,
    pub(in super::super) assessment: Uuid,
    pub(in super::super) class: Uuid,
    pub(in super::super) enrollment: Uuid,
    pub(in super::super) student: Uuid,
    pub(in super::super) attempt: i32,
    pub(in super::super) revision: i32,
    pub(in super::super) items: i32,
    pub(in super::super) started_at: DateTime<Utc>,
    pub(in super::super) deadline_at: Option<DateTime<Utc>>,
    pub(in super::super) paper: Value,
    pub(in super::super) key: Value,
}

/// Inserts one.
pub(in super::super) async fn insert(tx: &mut TenantTx, new: &NewAttempt) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO assessment_submissions
             (institution_id, id, assessment_id, class_id, enrollment_id, student_id, attempt, revision, items,
              started_at, deadline_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        institution,
        new.id,
        new.assessment,
        new.class,
        new.enrollment,
        new.student,
        new.attempt,
        new.revision,
        new.items,
        new.started_at,
        new.deadline_at
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "attempt")?;
    let done = sqlx::query!(
        "INSERT INTO assessment_variants (institution_id, id, submission_id, paper, key)
         VALUES ($1, $2, $3, $4, $5)",
        institution,
        Uuid::now_v7(),
        new.id,
        new.paper,
        new.key
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "variant")
}
