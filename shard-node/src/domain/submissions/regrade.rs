//! Grading anew, by questions that were corrected since: first what it would change, then the change.
//!
//! What must stay true: what a person gave stays. What would change is computed by the same function that changes it
//! ([`change`]), lateness included. The change is made by a job, so many submissions at a time, each by the newest
//! correction; a submission that is handed in meanwhile is graded by it, too. A dry run (`look`) locks nothing, and says
//! what is true of one moment.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::corrected::{self, Correction};
use super::grade::graded;
use super::items::Kept;
use super::look::look;
use super::model::Submission;
use super::settle::{hold, lateness, settle};
use super::store::{self, Facts, Sat};
use crate::domain::assessments::{self, Assessment, Status};
use crate::domain::grading::{GRADER_VERSION, Graded};
use crate::error::{Error, not_found, unknown_reference};
use crate::jobs::{Failure, Handler, Job, NewJob};
use crate::operation::{Reply, Work};
use crate::policy::About;
use crate::resource::{self, Resource as _, plain_decimal, plain_decimal_option};

/// Jobs of this kind apply a correction.
pub(crate) const KIND: &str = "REGRADE_ASSESSMENT";

/// Submissions that one job grades anew at most.
const BATCH: i64 = 25;

/// What to grade anew.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegradeAssessment {
    /// The assessment.
    #[garde(skip)]
    pub id: Uuid,
    /// Whether only to say what would change.
    #[garde(skip)]
    pub dry_run: bool,
    /// Questions of the assessment for which everybody gets full points, 100 at most.
    #[serde(default)]
    #[garde(length(max = 100))]
    pub full_credit: Vec<Uuid>,
    /// Of a dry run: `next` of the one before.
    #[garde(skip)]
    pub after: Option<Uuid>,
}

/// What grading anew changes, or would change.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegradeAnswer {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Submissions that a dry run has looked at: 200 at most.
    pub examined: usize,
    /// Those whose points would change.
    pub changes: Vec<RegradeChange>,
    /// Where the next dry run goes on; null where all were looked at.
    pub next: Option<Uuid>,
    /// The regrade, which says how far the change is; null in a dry run.
    pub regrade_id: Option<Uuid>,
    /// The job that makes the change; null in a dry run.
    pub job_id: Option<Uuid>,
}

/// What changes for a student.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegradeChange {
    /// The student.
    pub student_id: Uuid,
    /// The submission.
    pub submission_id: Uuid,
    /// Which attempt it is.
    pub attempt: i32,
    /// Points as they are, after lateness; null while it waits for a person.
    #[serde(serialize_with = "plain_decimal_option")]
    pub before: Option<Decimal>,
    /// Points as they will be.
    #[serde(serialize_with = "plain_decimal_option")]
    pub after: Option<Decimal>,
    /// The items whose points change.
    pub items: Vec<ItemChange>,
}

/// What changes in an item.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemChange {
    /// Its name in the paper.
    pub item: String,
    /// Points as they are.
    #[serde(serialize_with = "plain_decimal")]
    pub before: Decimal,
    /// Points as they will be.
    #[serde(serialize_with = "plain_decimal")]
    pub after: Decimal,
}

/// The handler of corrections.
pub(super) fn handler() -> Handler {
    Handler::effect(KIND, |work, job| Box::pin(run(work, job))).at_once(1)
}

/// Says what grading anew would change, or has it done.
pub(super) async fn regrade(
    work: &mut Work,
    input: RegradeAssessment,
) -> Result<Reply<RegradeAnswer>, Error> {
    let by = work.caller.subject;
    let it = if input.dry_run {
        load_taught(work, input.id).await?
    } else {
        assessments::lock_taught(work, input.id).await?
    };
    expect_submission(work, input.after, it.id).await?;
    if it.status == Status::Draft || it.revision == 0 {
        let title = "Nothing of it was graded";
        return Err(Problem::new(StatusCode::CONFLICT, "nothing-to-regrade", title)
            .detail("a published assessment with a blueprint is expected")
            .into());
    }
    let correction = corrected::by_newest_questions(work.tx(), it.id, &input.full_credit).await?;
    expect_questions(&correction, &input.full_credit)?;
    if input.dry_run {
        return Ok(Reply::ok(look(work, it.id, correction, input.after).await?));
    }
    let id = Uuid::now_v7();
    let questions = serde_json::to_value(&correction.pool)
        .map_err(|error| Error::Defect(format!("questions do not encode: {error}")))?;
    let kept = store::Correction { questions, full_credit: input.full_credit };
    store::insert_regrade(work.tx(), id, it.id, &kept, by).await?;
    let job = work.enqueue_now(job(id)).await?;
    let answer = RegradeAnswer {
        dry_run: false,
        examined: 0,
        changes: Vec::new(),
        next: None,
        regrade_id: Some(id),
        job_id: Some(job),
    };
    Ok(Reply::accepted(answer, format!("/v1/assessments/{}/regrades/{id}", it.id)))
}

/// An assessment of a class that the caller teaches, for who only looks.
async fn load_taught(work: &mut Work, id: Uuid) -> Result<Assessment, Error> {
    let it: Assessment = resource::load_required(work.tx(), id).await?;
    work.expect(About::class(it.class_id).hidden(Assessment::NOUN)).await?;
    work.caller.expect_version(it.row_version)?;
    Ok(it)
}

/// 404 where a dry run is to go on after what is no submission of the assessment.
async fn expect_submission(
    work: &mut Work,
    after: Option<Uuid>,
    assessment: Uuid,
) -> Result<(), Error> {
    let Some(after) = after else { return Ok(()) };
    let found: Option<Submission> = resource::load(work.tx(), after).await?;
    match found {
        Some(found) if found.assessment_id == assessment => Ok(()),
        _ => Err(unknown_reference("/after", "submission of the assessment").into()),
    }
}

/// 404 where points are to be given for what the assessment never asked.
fn expect_questions(correction: &Correction, named: &[Uuid]) -> Result<(), Problem> {
    let asked: BTreeSet<Uuid> =
        correction.pool.questions.iter().map(|question| question.id).collect();
    match named.iter().position(|question| !asked.contains(question)) {
        Some(at) => {
            Err(unknown_reference(format!("/fullCredit/{at}"), "question of the assessment"))
        }
        None => Ok(()),
    }
}

/// What the grader's new points, and lateness as it is counted now, change; none where they change nothing.
pub(super) fn change(
    facts: &Facts,
    own: &Sat,
    kept: &[Kept],
    graded: &Graded,
) -> Result<Option<RegradeChange>, Error> {
    let (mut items, mut raw, mut waits) = (Vec::new(), Decimal::ZERO, false);
    for new in &graded.items {
        let old = kept.iter().find(|kept| kept.item == new.item);
        if let Some(old) = old.filter(|old| old.given_by == "PERSON") {
            raw += old.points;
            continue;
        }
        raw += new.points;
        waits |= new.state.as_str() == "REVIEW";
        let before = old.map_or(Decimal::ZERO, |old| old.points);
        if before != new.points {
            items.push(ItemChange { item: new.item.clone(), before, after: new.points });
        }
    }
    let late = lateness(facts, own, raw, graded.possible)?;
    let after = (!waits).then(|| (raw - late).max(Decimal::ZERO));
    let changed = !items.is_empty() || own.score != after;
    Ok(changed.then_some(RegradeChange {
        student_id: facts.student_id,
        submission_id: own.id,
        attempt: own.attempt,
        before: own.score,
        after,
        items,
    }))
}

fn job(regrade: Uuid) -> NewJob {
    NewJob::new(KIND, json!({"regradeId": regrade})).unique(regrade.to_string())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    regrade_id: Uuid,
}

async fn run(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let Payload { regrade_id } = job.decode()?;
    Ok(apply(work, regrade_id).await?)
}

/// Grades the next submissions anew, and queues itself while there are more.
async fn apply(work: &mut Work, id: Uuid) -> Result<(), Error> {
    let Some(regrade) = store::lock_regrade(work.tx(), id).await? else { return Ok(()) };
    if regrade.is_finished {
        return Ok(());
    }
    // A newer one goes over all of them.
    if !regrade.is_newest {
        return store::finish_regrade(work.tx(), id).await;
    }
    let assessment = regrade.assessment_id;
    let correction =
        corrected::newest(work.tx(), assessment).await?.ok_or_else(|| not_found("regrade"))?;
    let next = store::next_graded(work.tx(), assessment, regrade.done_up_to, BATCH).await?;
    let mut sat = hold(work, &next).await?;
    let (mut examined, mut changed) = (0, 0);
    for (submission, student) in &next {
        let Some(facts) = store::hold_assessment(work.tx(), *submission).await? else { continue };
        let Some(attempts) = sat.get_mut(student) else { continue };
        let Some(own) = attempts.iter().find(|it| it.id == *submission).cloned() else { continue };
        let (key, graded) = graded(work, &facts, &own, Some(&correction)).await?;
        let kept = store::kept(work.tx(), own.id).await?;
        let differs = change(&facts, &own, &kept, &graded)?.is_some();
        let written = store::write_graded(work.tx(), own.id, &key, &graded.items).await?;
        examined += 1;
        changed += i32::from(differs);
        if differs || written > 0 {
            let by = (graded.possible, Some(GRADER_VERSION));
            settle(work, &facts, attempts, own.id, by).await?;
        }
    }
    let Some((last, _)) = next.last() else {
        return store::finish_regrade(work.tx(), id).await;
    };
    store::note_regrade(work.tx(), id, *last, examined, changed).await?;
    work.enqueue(job(id));
    Ok(())
}
