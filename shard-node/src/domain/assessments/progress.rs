//! How far the students of a class are, once another assessment counts: computed anew by a job, so many at a time.
//!
//! What must stay true: each enrolment's rows are computed whole, from what was handed in; the job may run twice or late.

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::store;
use crate::domain::attempts;
use crate::error::Error;
use crate::jobs::{Failure, Handler, Job, NewJob};
use crate::operation::Work;

/// Jobs of this kind compute the progress of a class.
pub(crate) const KIND: &str = "UPDATE_CLASS_PROGRESS";

/// Enrolments of one job at most.
const BATCH: i64 = 200;

/// The handler of progress.
pub(super) fn handler() -> Handler {
    Handler::effect(KIND, |work, job| Box::pin(run(work, job)))
}

/// The job that computes a class's.
pub(super) fn job(class: Uuid) -> NewJob {
    step(class, None)
}

fn step(class: Uuid, after: Option<Uuid>) -> NewJob {
    let first = after.unwrap_or_default();
    NewJob::new(KIND, json!({"classId": class, "after": after})).unique(format!("{class}:{first}"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    class_id: Uuid,
    after: Option<Uuid>,
}

async fn run(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let payload: Payload = job.decode()?;
    Ok(update(work, payload).await?)
}

async fn update(work: &mut Work, payload: Payload) -> Result<(), Error> {
    let Payload { class_id, after } = payload;
    let next = store::enrollments_of_class(work.tx(), class_id, after, BATCH).await?;
    attempts::refresh_progress(work.tx(), &next).await?;
    if let Some(last) = next.last().filter(|_| i64::try_from(next.len()) == Ok(BATCH)) {
        work.enqueue(step(class_id, Some(*last)));
    }
    Ok(())
}
