//! Handing in, and what that changes.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::SubmissionStatus;
use super::{Ending, Row};
use crate::error::Error;
use crate::store::TenantTx;

/// Hands in locked attempts that are under way; answers them with their new versions.
pub(in super::super) async fn hand_in(
    tx: &mut TenantTx,
    endings: &[Ending],
    by: &str,
) -> Result<Vec<(Uuid, i64)>, Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = endings.iter().map(|ending| ending.id).collect();
    let times: Vec<DateTime<Utc>> = endings.iter().map(|ending| ending.at).collect();
    let hashes: Vec<Vec<u8>> = endings.iter().map(|ending| ending.hash.to_vec()).collect();
    let receipts: Vec<Vec<u8>> = endings.iter().map(|ending| ending.receipt.to_vec()).collect();
    let rows = sqlx::query!(
        "UPDATE assessment_submissions s
         SET status = 'SUBMITTED', submitted_at = ending.at, submitted_by = $6, answers_hash = ending.hash,
             receipt = ending.receipt
         FROM unnest($2::uuid[], $3::timestamptz[], $4::bytea[], $5::bytea[]) AS ending (id, at, hash, receipt)
         WHERE s.institution_id = $1 AND s.id = ending.id AND s.submitted_at IS NULL
         RETURNING s.id, s.row_version",
        institution,
        &ids,
        &times,
        &hashes,
        &receipts,
        by
    )
    .fetch_all(tx.connection())
    .await?;
    if rows.len() != endings.len() {
        let what = format!("{} of {} locked attempts were handed in", rows.len(), endings.len());
        return Err(Error::Defect(what));
    }
    Ok(rows.into_iter().map(|row| (row.id, row.row_version)).collect())
}

/// Attempts of an assessment whose deadline was before an instant, locked; those that somebody else has in hand are
/// passed by: each has a job of its own.
pub(in super::super) async fn lock_overdue(
    tx: &mut TenantTx,
    assessment: Uuid,
    but: Uuid,
    before: DateTime<Utc>,
    at_most: i64,
) -> Result<Vec<Row>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT id, assessment_id, class_id, student_id, attempt, items,
                  status AS "status: SubmissionStatus", started_at, deadline_at, answers, saved_at, submitted_at,
                  submitted_by, answers_hash, receipt, row_version
           FROM assessment_submissions
           WHERE institution_id = $1 AND assessment_id = $2 AND status = 'IN_PROGRESS' AND deadline_at < $4
             AND id <> $3
           ORDER BY deadline_at, id LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED"#,
        institution,
        assessment,
        but,
        before,
        at_most
    )
    .fetch_all(tx.connection())
    .await?)
}
