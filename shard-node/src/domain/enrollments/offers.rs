//! The end of an offer that nobody took: a job for each, due when the offer ends.
//!
//! What must stay true: it locks as every path does, class before enrolment, and judges what it finds then: an offer
//! that was taken or let go meanwhile is none of its business. So of acceptance and expiry exactly one wins.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::promote::{Change, change, promote_waitlist};
use super::rules::is_over;
use super::store;
use super::{Status, Transition};
use crate::error::Error;
use crate::jobs::{Failure, Handler, Job, NewJob};
use crate::operation::Work;
use service_kit::Problem;

const KIND: &str = "OFFER_EXPIRED";

/// The handlers of enrolments.
pub fn handlers() -> Vec<Handler> {
    vec![Handler::effect(KIND, |work, job| Box::pin(expire(work, job)))]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    enrollment_id: Uuid,
}

/// The job that ends an offer.
pub(super) fn expiry(enrollment: Uuid, at: DateTime<Utc>) -> NewJob {
    NewJob::new(KIND, json!({"enrollmentId": enrollment}))
        .unique(enrollment.to_string())
        .not_before(at)
}

async fn expire(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let Payload { enrollment_id } = job.decode()?;
    match end(work, enrollment_id).await? {
        // This node's clock is behind the database's, by which the job was due.
        Ended::NotDue(left) => {
            let why = "the offer has not ended yet".to_owned();
            Err(Failure::Retry { why, after: Some(left) })
        }
        Ended::Done => Ok(()),
    }
}

enum Ended {
    Done,
    NotDue(std::time::Duration),
}

async fn end(work: &mut Work, enrollment: Uuid) -> Result<Ended, Error> {
    let now = work.now;
    let Some(class) = store::class_of(work.tx(), enrollment).await? else { return Ok(Ended::Done) };
    let Some(class) = store::lock_class(work.tx(), class, now).await? else {
        return Ok(Ended::Done);
    };
    let Some(locked) = store::lock(work.tx(), enrollment).await? else { return Ok(Ended::Done) };
    let Some(expires_at) = locked.offer_expires_at.filter(|_| locked.status == Status::Offered)
    else {
        return Ok(Ended::Done);
    };
    if !is_over(expires_at, now) {
        return Ok(Ended::NotDue((expires_at - now).to_std().unwrap_or_default()));
    }
    let to = locked.status.apply(Transition::Expire).map_err(Problem::from)?;
    change(
        work,
        &class,
        &locked,
        Change { to, day: class.today, reason: None, overrode: Vec::new() },
    )
    .await?;
    store::free_seat(work.tx(), class.id).await?;
    promote_waitlist(work, class.id).await?;
    Ok(Ended::Done)
}
