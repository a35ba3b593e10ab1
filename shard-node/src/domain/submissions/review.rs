//! What a person does with a submission: gives points, gives it back.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use rust_decimal::Decimal;
use service_kit::Problem;
use service_kit::problem::FieldProblem;

use super::items::{GivePoints, ScoreItems};
use super::model::{Submission, SubmissionDetail};
use super::settle::{record, settle};
use super::store::{self, Facts, Sat};
use super::{corrected, read};
use crate::domain::attempts::SubmissionStatus;
use crate::domain::grading::VariantKey;
use crate::error::{Error, not_found};
use crate::operation::{Reply, Work, invalid};
use crate::policy::About;
use crate::resource::{self, ById};

/// Gives points. What a person gives stays, whatever the grader makes of it later.
pub(super) async fn score(
    work: &mut Work,
    input: ScoreItems,
) -> Result<Reply<SubmissionDetail>, Error> {
    let by = work.caller.subject;
    let (facts, mut attempts, own) = lock(work, input.id).await?;
    if own.status == SubmissionStatus::InProgress {
        return Err(illegal(own.status, &["SUBMITTED"]).into());
    }
    let correction = corrected::newest(work.tx(), facts.assessment_id).await?;
    let key = corrected::key(work.tx(), &facts, &own, correction.as_ref()).await?;
    check(&key, &input.items)?;
    store::give_points(work.tx(), own.id, &key, &input.items, by).await?;
    let possible: Decimal = key.items.iter().map(|item| item.points).sum();
    settle(work, &facts, &mut attempts, own.id, (possible, None)).await?;
    Ok(Reply::ok(read::detail(work.tx(), own.id, false).await?))
}

/// Gives a graded submission back: its student sees the points from then on.
pub(super) async fn give_back(work: &mut Work, input: ById) -> Result<Reply<Submission>, Error> {
    let now = work.now;
    let (facts, mut attempts, own) = lock(work, input.id).await?;
    if own.status != SubmissionStatus::Graded {
        return Err(illegal(own.status, &["GRADED"]).into());
    }
    store::returned(work.tx(), own.id, now).await?;
    for attempt in attempts.iter_mut().filter(|attempt| attempt.id == own.id) {
        attempt.status = SubmissionStatus::Returned;
    }
    record(work, &facts, &attempts).await?;
    Ok(Reply::ok(resource::load_required(work.tx(), own.id).await?))
}

/// Locks a submission of a class of the caller's, and the student's others.
async fn lock(work: &mut Work, id: uuid::Uuid) -> Result<(Facts, Vec<Sat>, Sat), Error> {
    let missing = || not_found("submission");
    let facts = store::hold_assessment(work.tx(), id).await?.ok_or_else(missing)?;
    work.expect(About::class(facts.class_id).hidden("submission")).await?;
    let attempts =
        store::lock_attempts(work.tx(), facts.assessment_id, &[facts.student_id]).await?;
    let own = attempts.iter().find(|attempt| attempt.id == id).cloned().ok_or_else(missing)?;
    work.caller.expect_version(own.row_version)?;
    Ok((facts, attempts, own))
}

/// Each item once, each of the paper, each with no more than it is worth.
fn check(key: &VariantKey, given: &[GivePoints]) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    for (at, given) in given.iter().enumerate() {
        let refuse = |member: &str, detail: String| {
            let pointer = format!("/items/{at}/{member}");
            Err(invalid().field(FieldProblem::new(pointer, "invalid", detail)))
        };
        let Some(item) = key.items.iter().find(|item| item.item == given.item) else {
            let known = format!("an item of the paper is expected: i1 to i{}", key.items.len());
            return refuse("item", known);
        };
        if !seen.insert(&given.item) {
            return refuse("item", "each item once is expected".to_owned());
        }
        if given.points > item.points {
            return refuse("points", format!("0 to {} is expected", item.points.normalize()));
        }
    }
    Ok(())
}

fn illegal(from: SubmissionStatus, allowed: &[&str]) -> Problem {
    let title = "Not from where the submission stands";
    Problem::new(StatusCode::CONFLICT, "illegal-transition", title)
        .with("from", from.as_str())
        .with("allowed", allowed)
}
