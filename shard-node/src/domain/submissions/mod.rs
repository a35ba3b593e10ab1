//! Submissions: what was handed in, what it is worth, who sees that, and the proof that it was handed in.
//!
//! What must stay true:
//! - A submission is graded once by its job, however often that runs; score, grade, notification and event are one
//!   transaction. What a person gave, no grader changes.
//! - The key leaves the server in one place (`read`), when nobody can answer by it any more and scores are released. No
//!   event, job, notification, log line or cache entry has any of it.
//! - A student sees their own submission alone, and of its points nothing before they are released.
//! - Locks are taken in one order on every path: assessment, attempts of a student, then what grades lock.
//!
//! Left to others: how answers are graded (grading), what grades come to (grades, gradebook).

mod corrected;
mod grade;
mod items;
mod lateness;
mod look;
mod model;
mod read;
mod regrade;
mod regrades;
mod review;
mod rules;
mod settle;
mod store;
mod views;

use axum::http::Method;
use service_kit::token::Role;

pub use items::{GivePoints, ItemScore, ScoreItems};
pub use model::{ReceiptVerdict, Submission, SubmissionDetail, VerifyReceipt};
pub use regrade::{ItemChange, RegradeAnswer, RegradeAssessment, RegradeChange};
pub use regrades::{Regrade, RegradeOfAssessment};

pub(crate) use grade::{KIND as GRADE_ASSESSMENT, grading};
pub(crate) use lateness::{KIND as SETTLE_LATENESS, settle_lateness};
pub(crate) use read::paper;
pub(crate) use regrade::KIND as REGRADE_ASSESSMENT;

use crate::domain::assessments::OfAssessment;
use crate::domain::attempts::receipt::Receipt;
use crate::jobs::Handler;
use crate::operation::Operation;
use crate::policy::{FAMILY, Policy, Relation, STUDENT, TEACHERS};
use crate::resource::{ById, ListQuery, Page, Within};

const PATH: &str = "/v1/submissions";
const ITEM: &str = "/v1/submissions/{id}";
/// The office, who teaches the class, and the student.
const LISTED: Policy = STUDENT.with(Role::Instructor, Relation::Teaches);
/// These, and who answers for the student.
const READ: Policy = FAMILY.with(Role::Instructor, Relation::Teaches);

/// The operations of submissions.
pub fn operations() -> Vec<Operation> {
    [reads(), writes(), regrades(), receipts()].into_iter().flatten().collect()
}

/// What is done in the background.
pub fn handlers() -> Vec<Handler> {
    vec![grade::handler(), lateness::handler(), regrade::handler()]
}

fn reads() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Submission>, Page<Submission>>(
            "assessment.listSubmissions",
            PATH,
            |reader, query| Box::pin(read::list(reader, query)),
        )
        .summary("Lists submissions: an instructor's classes', a student's own")
        .policy(LISTED),
        Operation::read::<ById, SubmissionDetail>(
            "assessment.getSubmission",
            ITEM,
            |reader, input| Box::pin(read::get(reader, input.id)),
        )
        .summary("Gives a submission with paper, answers and points; a student's own, as far as it is released")
        .policy(READ),
    ]
}

fn writes() -> Vec<Operation> {
    vec![
        Operation::write::<ScoreItems, SubmissionDetail>(
            "assessment.scoreItems",
            "/v1/submissions/{id}/items",
            |work, input| Box::pin(review::score(work, input)),
        )
        .summary("Gives points to items; when all have theirs, the submission is graded")
        .method(Method::PATCH)
        .policy(TEACHERS)
        .needs_if_match(),
        Operation::write::<ById, Submission>(
            "assessment.returnSubmission",
            "/v1/submissions/{id}:return",
            |work, input| Box::pin(review::give_back(work, input)),
        )
        .summary("Gives a graded submission back to its student, who sees its points from then on")
        .policy(TEACHERS)
        .needs_if_match(),
    ]
}

fn regrades() -> Vec<Operation> {
    vec![
        Operation::write::<RegradeAssessment, RegradeAnswer>(
            "assessment.regradeAssessment",
            "/v1/assessments/{id}:regrade",
            |work, input| Box::pin(regrade::regrade(work, input)),
        )
        .summary("Grades all submissions anew by the newest versions of their questions; or says what that would change")
        .policy(TEACHERS),
        Operation::read::<Within<Regrade, OfAssessment>, Page<Regrade>>(
            "assessment.listRegrades",
            "/v1/assessments/{assessmentId}/regrades",
            |reader, input| Box::pin(regrades::list(reader, input)),
        )
        .summary("Lists the regrades of an assessment, and how far they are")
        .policy(TEACHERS),
        Operation::read::<RegradeOfAssessment, Regrade>(
            "assessment.getRegrade",
            "/v1/assessments/{assessmentId}/regrades/{regradeId}",
            |reader, input| Box::pin(regrades::get(reader, input)),
        )
        .summary("Gives a regrade, and how far it is")
        .policy(TEACHERS),
    ]
}

fn receipts() -> Vec<Operation> {
    vec![
        Operation::read::<ById, Receipt>(
            "assessment.getReceipt",
            "/v1/submissions/{id}/receipt",
            |reader, input| Box::pin(read::receipt(reader, input)),
        )
        .summary("Gives the signed receipt of a submission")
        .policy(READ),
        Operation::write::<VerifyReceipt, ReceiptVerdict>(
            "assessment.verifyReceipt",
            "/v1/submissions/{id}/receipt:verify",
            |work, input| Box::pin(read::verify(work, input)),
        )
        .summary(
            "Says whether a receipt is the institution's own, and of the answers that are kept",
        )
        .policy(READ)
        .keeps_no_answer(),
    ]
}
