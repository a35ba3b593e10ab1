//! Use cases of schedules.

use serde_json::json;
use uuid::Uuid;

use super::cadence::{latest_firing, next_firing};
use super::model::{Due, JobSchedule, PatchJobSchedule, Started};
use super::{KINDS, store};
use crate::error::{Error, not_found};
use crate::jobs::NewJob;
use crate::operation::{Reply, Work};
use crate::resource::{self, Resource as _};

/// Switches one on or off. What was past while it was off stays past.
pub(super) async fn update(
    work: &mut Work,
    patch: PatchJobSchedule,
) -> Result<Reply<JobSchedule>, Error> {
    let schedule = resource::lock::<JobSchedule>(work, patch.id).await?;
    let enabled = patch.enabled.unwrap_or(schedule.enabled);
    let now = work.now;
    let locked = read(work, patch.id).await?;
    if enabled != locked.enabled {
        let zone = store::zone(work.tx()).await?;
        let latest = latest_firing(locked.cadence, zone, now).date;
        let passed_on = locked.passed_on.map_or(latest, |passed_on| passed_on.max(latest));
        let next = next_firing(locked.cadence, zone, passed_on);
        store::pass(work.tx(), locked.id, enabled, passed_on, next.at).await?;
    }
    resource::updated(work, patch.id).await
}

/// Queues its job for the date that fired last, or would have.
pub(super) async fn run(work: &mut Work, id: Uuid) -> Result<Reply<Started>, Error> {
    let now = work.now;
    let locked = read(work, id).await?;
    let zone = store::zone(work.tx()).await?;
    let date = latest_firing(locked.cadence, zone, now).date;
    // A key of its own: a job that waits out its delay would not be now.
    let job = job(&locked.kind, Due { date })?.unique(format!("run:{date}"));
    let job_id = work.enqueue_now(job).await?;
    let place = format!("/v1/jobs/{job_id}");
    Ok(Reply::accepted(Started { job_id, date }, place))
}

async fn read(work: &mut Work, id: Uuid) -> Result<store::Locked, Error> {
    store::read(work.tx(), id).await?.ok_or_else(|| not_found(JobSchedule::NOUN))
}

/// The job of a schedule of a kind.
pub(super) fn job(kind: &str, due: Due) -> Result<NewJob, Error> {
    let kind = KINDS.into_iter().find(|known| *known == kind);
    let kind =
        kind.ok_or_else(|| Error::Defect("a schedule of a kind without a job".to_owned()))?;
    Ok(NewJob::new(kind, json!(due)))
}
