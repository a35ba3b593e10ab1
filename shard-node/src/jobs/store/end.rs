//! Ends leases: done, to be tried again, failed, given back.
//!
//! A job that is leased is told by `leased_until`, as a CHECK has it, and not by its state: the index of leases, which
//! has that state for its predicate, was empty when it was last looked at, and to the planner is the shortest way to any
//! row of it; each end would then walk all that is leased.

use std::time::Duration;

use uuid::Uuid;

use super::lease::interval;
use crate::error::Error;
use crate::jobs::{Failure, Job};
use crate::store::TenantTx;

/// Holds a leased job for the transaction: nobody takes its lease for having run out. Who enqueues it once more, or
/// cancels it, does not wait.
pub async fn hold(tx: &mut TenantTx, id: Uuid, fence: i64) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let held = sqlx::query_scalar!(
        "SELECT id FROM jobs
         WHERE institution_id = $1 AND id = $2 AND fence = $3 AND leased_until IS NOT NULL FOR KEY SHARE",
        institution,
        id,
        fence
    )
    .fetch_optional(tx.connection())
    .await?;
    held.map(|_| ()).ok_or(Error::LeaseLost)
}

/// It is done; or queued anew, where its key was enqueued once more meanwhile. Answers whether that is so.
pub async fn end(tx: &mut TenantTx, job: &Job, keep: Duration) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    let ended = sqlx::query_scalar!(
        r#"UPDATE jobs SET
             state = CASE WHEN again_at IS NULL THEN 'DONE' ELSE 'QUEUED' END,
             attempts = CASE WHEN again_at IS NULL THEN attempts ELSE 0 END,
             run_at = coalesce(again_at, run_at),
             leased_until = NULL,
             again_at = NULL,
             finished_at = CASE WHEN again_at IS NULL THEN clock_timestamp() END,
             keep_until = CASE WHEN again_at IS NULL THEN clock_timestamp() + $4 END
         WHERE institution_id = $1 AND id = $2 AND fence = $3 AND leased_until IS NOT NULL
         RETURNING state = 'QUEUED' AS "is_again!""#,
        institution,
        job.id,
        job.fence,
        interval(keep)
    )
    .fetch_optional(tx.connection())
    .await?;
    ended.ok_or(Error::LeaseLost)
}

/// What became of a job that was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is tried again later.
    Retry,
    /// It has failed, and is kept.
    Failed,
    /// It was another's already: nothing was written.
    Lost,
}

/// These, each under its fence, were not done: they are tried again, with backoff unless the failure says when; after
/// their last attempt they have failed. What was enqueued once more meanwhile starts anew, and does not rest for as long
/// as the failure says. Answers what became of each
/// that was still the worker's.
pub async fn fail(
    tx: &mut TenantTx,
    jobs: &[(Uuid, i64)],
    failure: &Failure,
) -> Result<Vec<Ended>, Error> {
    let institution = tx.institution().as_uuid();
    let (ids, fences): (Vec<_>, Vec<_>) = jobs.iter().copied().unzip();
    let (is_retry, after) = match failure {
        Failure::Retry { after, .. } => (true, after.map(interval)),
        Failure::Fail { .. } => (false, None),
    };
    let states = sqlx::query_scalar!(
        "UPDATE jobs j SET
             state = CASE WHEN $4 AND attempts < attempts_max OR again_at IS NOT NULL
                          THEN 'QUEUED' ELSE 'FAILED' END,
             attempts = CASE WHEN $4 AND attempts < attempts_max OR again_at IS NULL THEN attempts ELSE 0 END,
             run_at = CASE WHEN $4 AND attempts < attempts_max
                           THEN clock_timestamp() + coalesce(CASE WHEN again_at IS NULL THEN $5::interval END, job_backoff(attempts))
                           WHEN again_at IS NOT NULL
                           THEN greatest(again_at, clock_timestamp() + job_backoff(attempts))
                           ELSE run_at END,
             again_at = CASE WHEN $4 AND attempts < attempts_max THEN again_at END,
             finished_at = CASE WHEN $4 AND attempts < attempts_max OR again_at IS NOT NULL
                                THEN NULL ELSE clock_timestamp() END,
             leased_until = NULL,
             last_error = $6
         FROM unnest($2::uuid[], $3::bigint[]) AS failed (id, fence)
         WHERE j.institution_id = $1 AND j.id = failed.id AND j.fence = failed.fence AND j.leased_until IS NOT NULL
         RETURNING j.state",
        institution,
        &ids,
        &fences,
        is_retry,
        after,
        failure.why()
    )
    .fetch_all(tx.connection())
    .await?;
    let ended = |state: String| if state == "FAILED" { Ended::Failed } else { Ended::Retry };
    Ok(states.into_iter().map(ended).collect())
}

/// These, each under its fence, were not begun: they are queued as they were.
pub async fn give_back(tx: &mut TenantTx, jobs: &[(Uuid, i64)]) -> Result<u64, Error> {
    let institution = tx.institution().as_uuid();
    let (ids, fences): (Vec<_>, Vec<_>) = jobs.iter().copied().unzip();
    let done = sqlx::query!(
        "UPDATE jobs j SET state = 'QUEUED', attempts = attempts - 1, leased_until = NULL
         FROM unnest($2::uuid[], $3::bigint[]) AS back (id, fence)
         WHERE j.institution_id = $1 AND j.id = back.id AND j.fence = back.fence AND j.leased_until IS NOT NULL",
        institution,
        &ids,
        &fences
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}
