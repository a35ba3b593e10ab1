//! What lateness takes, worked out anew where a due date or an assessment's late policy has changed since.
//!
//! What must stay true: points of items stay as they are, and a grade that a person gave, or that is of a final result,
//! stays, too. A job does it, so many submissions at a time; done twice it changes nothing. A late policy that is changed
//! itself leaves what was graded by it as it is, until that is graded anew.

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::settle::{hold, lateness, settle};
use super::store;
use crate::error::Error;
use crate::jobs::{Failure, Handler, Job, NewJob};
use crate::operation::Work;

/// Jobs of this kind work lateness out anew.
pub(crate) const KIND: &str = "SETTLE_LATENESS";

/// Submissions that one job looks at, at most.
const BATCH: i64 = 50;

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    assessment_id: Uuid,
    /// All of them where absent.
    student_id: Option<Uuid>,
    after: Option<Uuid>,
}

/// The handler that does it.
pub(super) fn handler() -> Handler {
    Handler::effect(KIND, |work, job| Box::pin(run(work, job))).at_once(1)
}

/// The job that works it out anew, for one student or for all. Each change has its own, which begins at the beginning.
pub(crate) fn settle_lateness(assessment: Uuid, student: Option<Uuid>) -> NewJob {
    job(Payload { assessment_id: assessment, student_id: student, after: None })
}

fn job(payload: Payload) -> NewJob {
    let Payload { assessment_id, student_id, after } = payload;
    let payload = json!({"assessmentId": assessment_id, "studentId": student_id, "after": after});
    NewJob::new(KIND, payload)
}

async fn run(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let payload: Payload = job.decode()?;
    Ok(apply(work, payload).await?)
}

/// Works it out for the next submissions, and queues itself while there are more.
async fn apply(work: &mut Work, payload: Payload) -> Result<(), Error> {
    let Payload { assessment_id, student_id, after } = payload;
    let next = store::next_settled(work.tx(), assessment_id, student_id, after, BATCH).await?;
    let mut sat = hold(work, &next).await?;
    for (submission, student) in &next {
        let Some(facts) = store::hold_assessment(work.tx(), *submission).await? else { continue };
        let Some(attempts) = sat.get_mut(student) else { continue };
        let Some(own) = attempts.iter().find(|it| it.id == *submission).cloned() else { continue };
        let points = own.raw_score.zip(own.possible).zip(own.late_deduction);
        let Some(((raw, possible), taken)) = points else { continue };
        if lateness(&facts, &own, raw, possible)? != taken {
            settle(work, &facts, attempts, own.id, (possible, None)).await?;
        }
    }
    let is_full = i64::try_from(next.len()) == Ok(BATCH);
    if let Some((last, _)) = next.last().filter(|_| is_full) {
        work.enqueue(job(Payload { assessment_id, student_id, after: Some(*last) }));
    }
    Ok(())
}
