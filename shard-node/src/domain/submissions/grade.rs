//! The grader's job: one submission, once.
//!
//! What must stay true: a submission that is SUBMITTED is graded, and is not SUBMITTED any more when that commits; so
//! however often its job runs, it is graded once. The key is read here and written nowhere.

use serde::Deserialize;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use super::corrected::{self, Correction};
use super::settle::settle;
use super::store::{self, Facts, Sat};
use crate::domain::attempts::SubmissionStatus;
use crate::domain::grading::{Answers, GRADER_VERSION, Graded, GradingPolicy, VariantKey, grade};
use crate::error::Error;
use crate::jobs::{Failure, Handler, Job, NewJob};
use crate::operation::Work;

/// Jobs of this kind grade a submission.
pub(crate) const KIND: &str = "GRADE_ASSESSMENT";

/// After the sweep, before mail.
const PRIORITY: i16 = 10;

/// The handler of the grader.
pub(super) fn handler() -> Handler {
    Handler::effect(KIND, |work, job| Box::pin(run(work, job)))
}

/// The job that grades a submission.
pub(crate) fn grading(submission: Uuid) -> NewJob {
    NewJob::new(KIND, json!({"submissionId": submission}))
        .unique(submission.to_string())
        .priority(PRIORITY)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    submission_id: Uuid,
}

async fn run(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let Payload { submission_id } = job.decode()?;
    Ok(grade_one(work, submission_id).await?)
}

async fn grade_one(work: &mut Work, id: Uuid) -> Result<(), Error> {
    let Some(facts) = store::hold_assessment(work.tx(), id).await? else { return Ok(()) };
    let mut attempts =
        store::lock_attempts(work.tx(), facts.assessment_id, &[facts.student_id]).await?;
    let is_waiting =
        |attempt: &&Sat| attempt.id == id && attempt.status == SubmissionStatus::Submitted;
    let Some(own) = attempts.iter().find(is_waiting).cloned() else { return Ok(()) };
    let correction = corrected::newest(work.tx(), facts.assessment_id).await?;
    let (key, graded) = graded(work, &facts, &own, correction.as_ref()).await?;
    store::write_graded(work.tx(), id, &key, &graded.items).await?;
    settle(work, &facts, &mut attempts, id, (graded.possible, Some(GRADER_VERSION))).await
}

/// What the grader makes of an attempt, by its key as it was corrected.
pub(super) async fn graded(
    work: &mut Work,
    facts: &Facts,
    own: &Sat,
    correction: Option<&Correction>,
) -> Result<(VariantKey, Graded), Error> {
    let key = corrected::key(work.tx(), facts, own, correction).await?;
    let grading = facts.grading.as_ref().map(|Json(it)| it.clone()).unwrap_or_default();
    let graded = by_key(own, &key, &grading, correction)?;
    Ok((key, graded))
}

/// The same by a key that is at hand. Pure.
pub(super) fn by_key(
    own: &Sat,
    key: &VariantKey,
    grading: &GradingPolicy,
    correction: Option<&Correction>,
) -> Result<Graded, Error> {
    let answers = answers(&own.answers)?;
    let mut graded = grade(key, &answers, grading);
    if let Some(correction) = correction {
        correction.credit(key, &mut graded);
    }
    Ok(graded)
}

fn answers(kept: &serde_json::Value) -> Result<Answers, Error> {
    Answers::deserialize(kept)
        .map_err(|error| Error::Defect(format!("answers that are kept do not decode: {error}")))
}
