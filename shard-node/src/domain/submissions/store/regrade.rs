//! Corrections, and the submissions that are graded by them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::Sat;
use crate::domain::attempts::SubmissionStatus;
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// A correction as it is kept.
#[derive(Debug, Clone)]
pub(in super::super) struct Correction {
    pub(in super::super) questions: Value,
    pub(in super::super) full_credit: Vec<Uuid>,
}

/// The newest one of an assessment.
pub(in super::super) async fn correction(
    tx: &mut TenantTx,
    assessment: Uuid,
) -> Result<Option<Correction>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Correction,
        "SELECT questions, full_credit FROM assessment_regrades
         WHERE institution_id = $1 AND assessment_id = $2 ORDER BY number DESC LIMIT 1",
        institution,
        assessment
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// The newest versions of questions, with what they say.
pub(in super::super) async fn newest_versions(
    tx: &mut TenantTx,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, (i32, Value)>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        "SELECT q.id, v.version, v.content FROM questions q
         JOIN question_versions v ON v.institution_id = $1 AND v.question_id = q.id AND v.version = q.version
         WHERE q.institution_id = $1 AND q.id = ANY($2)",
        institution,
        ids
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, (row.version, row.content))).collect())
}

/// Keeps a correction of an assessment that is locked.
pub(in super::super) async fn insert_regrade(
    tx: &mut TenantTx,
    id: Uuid,
    assessment: Uuid,
    correction: &Correction,
    by: Uuid,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO assessment_regrades (institution_id, id, assessment_id, number, questions, full_credit, asked_by)
         SELECT $1, $2, $3, 1 + coalesce(max(number), 0), $4, $5, $6 FROM assessment_regrades
         WHERE institution_id = $1 AND assessment_id = $3",
        institution,
        id,
        assessment,
        correction.questions,
        &correction.full_credit,
        by
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "regrade")
}

/// A correction that is being applied, locked.
#[derive(Debug, Clone)]
pub(in super::super) struct Regrade {
    pub(in super::super) assessment_id: Uuid,
    pub(in super::super) done_up_to: Option<Uuid>,
    pub(in super::super) is_newest: bool,
    pub(in super::super) is_finished: bool,
}

/// Locks one.
pub(in super::super) async fn lock_regrade(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<Regrade>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Regrade,
        r#"SELECT r.assessment_id, r.done_up_to, r.finished_at IS NOT NULL AS "is_finished!",
                  NOT EXISTS (SELECT FROM assessment_regrades n WHERE n.institution_id = $1
                              AND n.assessment_id = r.assessment_id AND n.number > r.number) AS "is_newest!"
           FROM assessment_regrades r WHERE r.institution_id = $1 AND r.id = $2 FOR NO KEY UPDATE OF r"#,
        institution,
        id
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// The next submissions that the grader has graded, after one, with their students, in the order of their ids.
pub(in super::super) async fn next_graded(
    tx: &mut TenantTx,
    assessment: Uuid,
    after: Option<Uuid>,
    at_most: i64,
) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        "SELECT id, student_id FROM assessment_submissions
         WHERE institution_id = $1 AND assessment_id = $2 AND id > $3 AND grader_version IS NOT NULL
           AND status IN ('IN_REVIEW', 'GRADED', 'RETURNED')
         ORDER BY id LIMIT $4",
        institution,
        assessment,
        after.unwrap_or_default(),
        at_most
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.student_id)).collect())
}

/// The next submissions that have a score, after one, of one student or of all, with their students, in the order of
/// their ids.
pub(in super::super) async fn next_settled(
    tx: &mut TenantTx,
    assessment: Uuid,
    student: Option<Uuid>,
    after: Option<Uuid>,
    at_most: i64,
) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        "SELECT id, student_id FROM assessment_submissions
         WHERE institution_id = $1 AND assessment_id = $2 AND ($3::uuid IS NULL OR student_id = $3) AND id > $4
           AND status IN ('GRADED', 'RETURNED')
         ORDER BY id LIMIT $5",
        institution,
        assessment,
        student,
        after.unwrap_or_default(),
        at_most
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.student_id)).collect())
}

/// A submission that the grader has graded, with its paper, read alone.
#[derive(Debug, Clone)]
pub(in super::super) struct LookedAt {
    pub(in super::super) sat: Sat,
    /// When it was due for its student.
    pub(in super::super) due_at: Option<DateTime<Utc>>,
    pub(in super::super) paper: Value,
    pub(in super::super) key: Value,
}

/// Those that [`next_graded`] would name, with what grading them anew needs.
pub(in super::super) async fn look_at_graded(
    tx: &mut TenantTx,
    assessment: Uuid,
    after: Option<Uuid>,
    at_most: i64,
) -> Result<Vec<LookedAt>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        r#"SELECT t.id, t.student_id, t.attempt, t.revision, t.items, t.status AS "status: SubmissionStatus",
                  t.deadline_at, t.submitted_at, t.answers, t.raw_score, t.possible, t.score, t.late_deduction,
                  t.graded_at, t.row_version, v.paper, v.key,
                  coalesce((SELECT o.due_at FROM assessment_overrides o
                            WHERE o.institution_id = $1 AND o.assessment_id = a.id AND o.student_id = t.student_id),
                           a.due_at) AS due_at
           FROM assessment_submissions t
           JOIN assessments a ON a.institution_id = $1 AND a.id = t.assessment_id
           JOIN assessment_variants v ON v.institution_id = $1 AND v.submission_id = t.id
           WHERE t.institution_id = $1 AND t.assessment_id = $2 AND t.id > $3 AND t.grader_version IS NOT NULL
             AND t.status IN ('IN_REVIEW', 'GRADED', 'RETURNED')
           ORDER BY t.id LIMIT $4"#,
        institution,
        assessment,
        after.unwrap_or_default(),
        at_most
    )
    .fetch_all(tx.connection())
    .await?;
    let looked_at = rows.into_iter().map(|row| LookedAt {
        sat: Sat {
            id: row.id,
            student_id: row.student_id,
            attempt: row.attempt,
            revision: row.revision,
            items: row.items,
            status: row.status,
            deadline_at: row.deadline_at,
            submitted_at: row.submitted_at,
            answers: row.answers,
            raw_score: row.raw_score,
            possible: row.possible,
            score: row.score,
            late_deduction: row.late_deduction,
            graded_at: row.graded_at,
            row_version: row.row_version,
        },
        due_at: row.due_at,
        paper: row.paper,
        key: row.key,
    });
    Ok(looked_at.collect())
}

/// Notes how far a correction is applied.
pub(in super::super) async fn note_regrade(
    tx: &mut TenantTx,
    id: Uuid,
    up_to: Uuid,
    examined: i32,
    changed: i32,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE assessment_regrades SET done_up_to = $3, examined = examined + $4, changed = changed + $5
         WHERE institution_id = $1 AND id = $2",
        institution,
        id,
        up_to,
        examined,
        changed
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "regrade")
}

/// Notes that a correction is applied.
pub(in super::super) async fn finish_regrade(tx: &mut TenantTx, id: Uuid) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE assessment_regrades SET finished_at = now() WHERE institution_id = $1 AND id = $2",
        institution,
        id
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "regrade")
}
