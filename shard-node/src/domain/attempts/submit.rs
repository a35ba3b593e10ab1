//! Handing in: on the server's time, once, with a receipt.

use axum::http::StatusCode;
use service_kit::Problem;
use uuid::Uuid;

use super::model::{SubmitAttempt, Submitted};
use super::receipt::{self, HandedIn, Receipt};
use super::store::{self, Row};
use super::{SubmissionStatus, answers, finish, rules};
use crate::error::{Error, not_found};
use crate::operation::{Reply, Work};

/// Hands an attempt in. Handed in again it gives the same receipt, unless that would be of other answers. Final answers
/// take the place of what was acknowledged, and so name it.
pub(super) async fn submit(
    work: &mut Work,
    input: SubmitAttempt,
) -> Result<Reply<Submitted>, Error> {
    let now = work.now;
    let (mut row, sitter) = answers::lock_own(work, input.id).await?;
    if row.status != SubmissionStatus::InProgress {
        return again(work, row, input).await;
    }
    if rules::is_over(row.deadline_at, now) {
        return Err(rules::closed(row.deadline_at).into());
    }
    rules::expect_enrolled(sitter.goes_on)?;
    if input.answers.is_some() {
        work.caller.expect_if_match()?;
    }
    work.caller.expect_version(row.row_version)?;
    if let Some(given) = input.answers {
        rules::check_answers(&given, row.items)?;
        let given = answers::object(given);
        (row.answers, row.row_version) = store::save(work.tx(), row.id, &given, now).await?;
    }
    finish::by_student(work, row).await?;
    let row = store::find(work.tx(), input.id).await?.ok_or_else(|| not_found("attempt"))?;
    Ok(Reply::ok(submitted(work.caller.institution.as_uuid(), row)?))
}

async fn again(work: &mut Work, row: Row, input: SubmitAttempt) -> Result<Reply<Submitted>, Error> {
    if let Some(given) = input.answers {
        let given = store::normalized(work.tx(), &answers::object(given)).await?;
        if row.answers_hash.as_deref() != Some(&receipt::hash(&given)[..]) {
            return Err(other_answers(&row).into());
        }
    }
    Ok(Reply::ok(submitted(work.caller.institution.as_uuid(), row)?))
}

fn other_answers(row: &Row) -> Problem {
    let at = row.submitted_at.unwrap_or_default();
    let detail =
        format!("it was handed in at {at} with other answers than these; they were not taken");
    Problem::new(StatusCode::CONFLICT, "closed", "The attempt was handed in already").detail(detail)
}

fn submitted(institution: Uuid, row: Row) -> Result<Submitted, Error> {
    let receipt = receipt_of(institution, &row)?;
    let submitted_by = row.submitted_by.unwrap_or_default();
    let Row { id, status, row_version, .. } = row;
    Ok(Submitted { id, status, submitted_by, receipt, row_version })
}

/// The receipt that is kept of an attempt that was handed in.
pub(super) fn receipt_of(institution: Uuid, row: &Row) -> Result<Receipt, Error> {
    let kept = row.submitted_at.zip(row.receipt.as_ref()).zip(row.answers_hash.as_ref());
    let ((at, signature), hash) =
        kept.ok_or_else(|| Error::Defect("an attempt without a receipt".to_owned()))?;
    let hash = hash.as_slice().try_into();
    let hash = hash.map_err(|_| Error::Defect("a hash of another length".to_owned()))?;
    let handed_in = HandedIn {
        institution,
        submission: row.id,
        assessment: row.assessment_id,
        student: row.student_id,
        attempt: row.attempt,
        at,
        hash,
    };
    Ok(handed_in.receipt(signature))
}
