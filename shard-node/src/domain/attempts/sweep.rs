//! The sweep: what is under way when its deadline has passed is handed in, as it was saved last.
//!
//! What must stay true:
//! - Each attempt with a deadline has a job of its own, written with its start and due when the grace is over: it moves
//!   with its institution, and outlives whoever is killed.
//! - The first job that is due takes others of its assessment along, a batch at a time; theirs find nothing left to do. So
//!   a thousand that end together cost some twenty transactions, and no job waits for another.
//! - A job does not pass its own attempt by: where somebody saves in it just now, it waits for that.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::rules::{self, GRACE};
use super::{SubmissionStatus, finish, store};
use crate::error::Error;
use crate::jobs::{Failure, Handler, Job, NewJob};
use crate::operation::Work;

/// Jobs of this kind end an attempt.
pub(crate) const KIND: &str = "ATTEMPT_ENDED";

/// Attempts that are handed in by one job at most.
const BATCH: i64 = 50;

/// Before what else an institution has to do.
const PRIORITY: i16 = 20;

/// A clock that is behind the database's by more than this is not waited for in a worker.
const SKEW: Duration = Duration::from_secs(30);

/// The handler of the sweep.
pub(super) fn handler() -> Handler {
    Handler::effect(KIND, |work, job| Box::pin(sweep(work, job)))
}

/// The job that ends an attempt.
pub(super) fn job(attempt: Uuid, deadline: DateTime<Utc>) -> NewJob {
    NewJob::new(KIND, json!({"attemptId": attempt}))
        .unique(attempt.to_string())
        .not_before(deadline + GRACE)
        .priority(PRIORITY)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    attempt_id: Uuid,
}

async fn sweep(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let Payload { attempt_id } = job.decode()?;
    match end(work, attempt_id).await? {
        // This node's clock is behind the database's, by which the job was due.
        Some(left) if left < SKEW => {
            let why = "the attempt's deadline is not over yet".to_owned();
            Err(Failure::Retry { why, after: Some(left.max(Duration::from_millis(50))) })
        }
        _ => Ok(()),
    }
}

/// Ends an attempt, and others with it. Answers how long it lasts yet, where that is so: then its job is queued again.
async fn end(work: &mut Work, attempt: Uuid) -> Result<Option<Duration>, Error> {
    let now = work.now;
    let Some(own) = store::lock(work.tx(), attempt).await? else { return Ok(None) };
    let Some(deadline) = own.deadline_at.filter(|_| own.status == SubmissionStatus::InProgress)
    else {
        return Ok(None);
    };
    if !rules::is_over(Some(deadline), now) {
        let left = (deadline + GRACE - now).to_std().unwrap_or_default();
        if left >= SKEW {
            work.enqueue(self::job(attempt, deadline));
        }
        return Ok(Some(left));
    }
    let assessment = own.assessment_id;
    let before = now - GRACE;
    let mut rows = store::lock_overdue(work.tx(), assessment, attempt, before, BATCH - 1).await?;
    rows.push(own);
    finish::at_deadline(work, assessment, rows).await?;
    Ok(None)
}
