//! Attempts: a student sits an assessment, from the start to the receipt.
//!
//! What must stay true:
//! - Everything is judged on the server, by its clock: who sits, in which class, in which window, how often, until when.
//!   No grading type, subject, score or time is taken from a client.
//! - One attempt of a student in an assessment is under way at most; beginning again gives that one.
//! - An answer that was acknowledged is handed in: by its student, or by the sweep at the deadline from the last save.
//! - What is handed in is never changed again; receipt, progress, event and the grader's job are one transaction.
//! - An answer is taken from who is in the class: ACTIVE, or COMPLETED meanwhile. Who was suspended or has left saves and
//!   hands in nothing more; what was saved until then is handed in at the deadline. Another attempt is begun by who is
//!   ACTIVE, or whose result was reopened.
//! - Who hands answers in names what they take the place of (`If-Match`), as who saves them does.
//! - Locks are taken in one order on every path: assessment, attempts, enrolments, progress.
//!
//! Left to others: what it is worth, and who sees that (submissions).

mod answers;
mod finish;
mod model;
pub(crate) mod receipt;
pub(crate) mod rules;
mod start;
mod store;
mod submit;
mod sweep;
mod times;

use axum::http::Method;
use serde_json::Value;
use uuid::Uuid;

pub use model::{
    Attempt, SaveAnswers, SavedAnswers, StartAttempt, SubmissionStatus, SubmitAttempt, Submitted,
};
pub(crate) use sweep::KIND as ATTEMPT_ENDED;
pub(crate) use times::{cut, retime, retime_student};

use crate::error::{Error, not_found};
use crate::jobs::Handler;
use crate::operation::Operation;
use crate::policy::STUDENT;
use crate::resource::ById;
use crate::store::TenantTx;

const PATH: &str = "/v1/attempts";
const ITEM: &str = "/v1/attempts/{id}";
const ANSWERS: &str = "/v1/attempts/{id}/answers";

/// The operations of attempts.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::write::<StartAttempt, Attempt>(
            "assessment.startAttempt",
            "/v1/assessments/{assessmentId}/attempts",
            |work, input| Box::pin(start::start(work, input)),
        )
        .summary(
            "Begins an attempt of the student who asks: 201, 200 with the one that is under way",
        )
        .policy(STUDENT)
        .status(201)
        .keeps_no_answer(),
        Operation::read::<ById, Attempt>("assessment.getAttempt", ITEM, |reader, input| {
            Box::pin(answers::get(reader, input.id))
        })
        .summary("Gives an attempt with its paper and what was saved; a student's own")
        .policy(STUDENT),
        Operation::read::<ById, SavedAnswers>("assessment.getAnswers", ANSWERS, |reader, input| {
            Box::pin(answers::saved(reader, input.id))
        })
        .summary("Gives what was saved in an attempt; a student's own")
        .policy(STUDENT),
        Operation::write::<SaveAnswers, SavedAnswers>(
            "assessment.saveAnswers",
            ANSWERS,
            |work, input| Box::pin(answers::save(work, input)),
        )
        .summary("Keeps all answers of an attempt in the place of those before; the student's own")
        .method(Method::PUT)
        .policy(STUDENT)
        .needs_if_match()
        .keeps_no_answer(),
        Operation::write::<SubmitAttempt, Submitted>(
            "assessment.submitAssessment",
            "/v1/attempts/{id}:submit",
            |work, input| Box::pin(submit::submit(work, input)),
        )
        .summary(
            "Hands an attempt in, with final answers (If-Match is demanded then) or as it was saved; gives a receipt",
        )
        .policy(STUDENT),
    ]
}

/// The receipt that is kept of a submission; none while it is under way.
///
/// # Errors
/// The database's.
pub(crate) async fn receipt(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<receipt::Receipt>, Error> {
    let institution = tx.institution().as_uuid();
    match store::find(tx, id).await? {
        Some(row) if row.receipt.is_some() => submit::receipt_of(institution, &row).map(Some),
        _ => Ok(None),
    }
}

/// The answers that are kept of an attempt.
///
/// # Errors
/// 404 where there is none; the database's.
pub(crate) async fn answers_of(tx: &mut TenantTx, id: Uuid) -> Result<Value, Error> {
    let row = store::find(tx, id).await?.ok_or_else(|| not_found("attempt"))?;
    Ok(row.answers)
}

/// What is done in the background.
pub fn handlers() -> Vec<Handler> {
    vec![sweep::handler()]
}
