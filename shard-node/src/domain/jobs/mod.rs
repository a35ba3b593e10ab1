//! Jobs as those who run an institution see them: what waits, what failed and why; to try again, or to give up.
//!
//! What must stay true:
//! - What a job is about (its payload) is not shown: it may have personal data in it.
//! - A job that runs and is cancelled leaves nothing: its end finds that it is no longer its own.
//!
//! Left to `crate::jobs`: everything else about them.

mod model;
mod store;

use serde_json::json;
use service_kit::token::{Role, Roles};
use uuid::Uuid;

pub use model::{IllegalTransition, Job, Retried, RetryFailed, State};

use crate::error::Error;
use crate::operation::{Event, Operation, Reply, Work, roles};
use crate::resource::{self, ById, ListQuery, Page, Resource};

const PATH: &str = "/v1/jobs";
const ADMIN: Roles = roles(&[Role::Admin]);

/// The operations of jobs.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Job>, Page<Job>>("admin.listJobs", PATH, |reader, query| {
            Box::pin(resource::list(reader, query))
        })
        .summary("Lists jobs, the oldest first; `state=FAILED` those that wait for somebody")
        .roles(ADMIN),
        Operation::read::<ById, Job>("admin.getJob", "/v1/jobs/{id}", |reader, input| {
            Box::pin(resource::find(reader, input.id))
        })
        .summary("Gives a job: how it stands, and what went wrong")
        .roles(ADMIN),
        Operation::write::<ById, Job>("admin.retryJob", "/v1/jobs/{id}:retry", |work, input| {
            Box::pin(retry(work, input.id))
        })
        .summary("Queues a job anew that has failed or was cancelled, with all of its attempts")
        .roles(ADMIN),
        Operation::write::<ById, Job>("admin.cancelJob", "/v1/jobs/{id}:cancel", |work, input| {
            Box::pin(cancel(work, input.id))
        })
        .summary("Cancels a job that is queued or runs; of one that runs nothing stays")
        .roles(ADMIN),
        Operation::write::<RetryFailed, Retried>(
            "admin.retryFailedJobs",
            "/v1/jobs:retryFailed",
            |work, input| Box::pin(retry_failed(work, input)),
        )
        .summary("Queues up to 1,000 failed jobs anew; of those with one key the last, unless one is live")
        .roles(ADMIN),
    ]
}

async fn retry(work: &mut Work, id: Uuid) -> Result<Reply<Job>, Error> {
    let job = resource::lock::<Job>(work, id).await?;
    job.state()?.retry()?;
    store::retry(work.tx(), id).await?;
    work.wake();
    changed(work, id, "RETRIED").await
}

async fn cancel(work: &mut Work, id: Uuid) -> Result<Reply<Job>, Error> {
    let job = resource::lock::<Job>(work, id).await?;
    job.state()?.cancel()?;
    let keep = work.jobs().settings.keep_cancelled();
    store::cancel(work.tx(), id, keep).await?;
    changed(work, id, "CANCELLED").await
}

async fn changed(work: &mut Work, id: Uuid, verb: &str) -> Result<Reply<Job>, Error> {
    let job = resource::load_required::<Job>(work.tx(), id).await?;
    resource::record(work, verb, id, &job)?;
    Ok(Reply::ok(job))
}

async fn retry_failed(work: &mut Work, input: RetryFailed) -> Result<Reply<Retried>, Error> {
    let retried = store::retry_failed(work.tx(), input.kind.as_deref()).await?;
    if retried.retried > 0 {
        work.wake();
        work.record(Event {
            kind: "JOBS_RETRIED".into(),
            aggregate: Job::ENTITY,
            // It is about many: an aggregate of its own.
            aggregate_id: Uuid::now_v7(),
            aggregate_version: 1,
            payload: json!({"type": input.kind, "retried": retried.retried}),
            touches: Job::TOUCHES,
        });
    }
    Ok(Reply::ok(retried))
}
