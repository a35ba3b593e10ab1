//! Reading and saving an attempt.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::super::SubmissionStatus;
use super::Row;
use crate::error::Error;
use crate::store::TenantTx;

/// An attempt.
pub(in super::super) async fn find(tx: &mut TenantTx, id: Uuid) -> Result<Option<Row>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT id, assessment_id, class_id, student_id, attempt, items,
                  status AS "status: SubmissionStatus", started_at, deadline_at, answers, saved_at, submitted_at,
                  submitted_by, answers_hash, receipt, row_version
           FROM assessment_submissions WHERE institution_id = $1 AND id = $2"#,
        institution,
        id
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// An attempt that nobody else changes until the transaction ends.
pub(in super::super) async fn lock(tx: &mut TenantTx, id: Uuid) -> Result<Option<Row>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT id, assessment_id, class_id, student_id, attempt, items,
                  status AS "status: SubmissionStatus", started_at, deadline_at, answers, saved_at, submitted_at,
                  submitted_by, answers_hash, receipt, row_version
           FROM assessment_submissions WHERE institution_id = $1 AND id = $2 FOR NO KEY UPDATE"#,
        institution,
        id
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Whose attempt it is.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Sitter {
    /// The user that the student is.
    pub(in super::super) user_id: Uuid,
    /// Whether the student's enrolment in the class lets an attempt go on, as when one is begun.
    pub(in super::super) goes_on: bool,
}

/// The student of an attempt, and how that student is in the class now.
pub(in super::super) async fn sitter(
    tx: &mut TenantTx,
    class: Uuid,
    student: Uuid,
) -> Result<Sitter, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Sitter,
        r#"SELECT s.user_id, coalesce((
                      SELECT e.status <> 'SUSPENDED' FROM enrollments e
                      WHERE e.institution_id = $1 AND e.class_id = $2 AND e.student_id = $3
                        AND e.status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED')
                      ORDER BY e.status = 'COMPLETED', e.id DESC LIMIT 1), false) AS "goes_on!"
           FROM students s WHERE s.institution_id = $1 AND s.id = $3"#,
        institution,
        class,
        student
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Keeps answers in a locked attempt; gives them as they are kept, and the new version.
pub(in super::super) async fn save(
    tx: &mut TenantTx,
    id: Uuid,
    answers: &Value,
    at: DateTime<Utc>,
) -> Result<(Value, i64), Error> {
    let institution = tx.institution().as_uuid();
    let row = sqlx::query!(
        "UPDATE assessment_submissions SET answers = $3, saved_at = $4
         WHERE institution_id = $1 AND id = $2 AND submitted_at IS NULL
         RETURNING answers, row_version",
        institution,
        id,
        answers,
        at
    )
    .fetch_one(tx.connection())
    .await?;
    Ok((row.answers, row.row_version))
}

/// Answers as they would be kept.
pub(in super::super) async fn normalized(
    tx: &mut TenantTx,
    answers: &Value,
) -> Result<Value, Error> {
    Ok(sqlx::query_scalar!(r#"SELECT $1::jsonb AS "answers!""#, answers)
        .fetch_one(tx.connection())
        .await?)
}
