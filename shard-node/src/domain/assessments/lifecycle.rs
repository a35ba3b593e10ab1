//! Publishing, closing and releasing.
//!
//! What must stay true:
//! - What is published was proved: every sample paper can be drawn, and its own key gets full marks.
//! - What is closed is sat by nobody: attempts that are under way end with it, grace and all, and are handed in by their own
//!   jobs. An assessment closes by itself when the last student's window has ended; that is a job, which moves with it.
//! - Whoever closes or releases has the assessment's row locked; whoever grades or begins holds it. So a grade is released
//!   by one of the two, and no attempt begins in what is closed.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use service_kit::Problem;
use uuid::Uuid;

use super::materials::{materials, proved};
use super::model::{Assessment, MaterialsStatus, ReleasePolicy};
use super::status::{Closed, Published, Status};
use super::{lock_taught, rules, store};
use crate::domain::attempts::rules::GRACE;
use crate::domain::grades::refresh_class_job;
use crate::domain::{attempts, grades};
use crate::error::Error;
use crate::jobs::{Failure, Handler, Job, NewJob};
use crate::operation::{Reply, Work};
use crate::resource::{self, ById};

/// Jobs of this kind close an assessment whose windows have all ended.
pub(crate) const KIND: &str = "CLOSE_ASSESSMENT";

/// A clock that is behind the database's by more than this is not waited for in a worker.
const SKEW_MS: i64 = 30_000;

/// The handler that closes.
pub(super) fn handler() -> Handler {
    Handler::effect(KIND, |work, job| Box::pin(run(work, job)))
}

/// Publishes a draft.
pub(super) async fn publish(work: &mut Work, input: ById) -> Result<Reply<Assessment>, Error> {
    let now = work.now;
    let it = lock_taught(work, input.id).await?;
    let Published { at } = it.status.publish(now).map_err(Problem::from)?;
    rules::expect_ready(&it)?;
    if it.materials_status == MaterialsStatus::Ready {
        let of = materials(work.tx(), it.id).await?;
        // Materials are proved already: it is seen once more that this build draws and grades them so. The transaction
        // idles meanwhile, for no longer than a proof's budget.
        let proof = proved(of.blueprint, of.pool).await?;
        proof.map_err(|failures| rules::not_ready(failures.join("; ")))?;
    }
    store::publish(work.tx(), it.id, at).await?;
    close_by_itself(work, it.id).await?;
    work.enqueue(refresh_class_job(it.class_id));
    done(work, it.id, "PUBLISHED").await
}

/// Closes a published one.
pub(super) async fn close(work: &mut Work, input: ById) -> Result<Reply<Assessment>, Error> {
    let now = work.now;
    let it = lock_taught(work, input.id).await?;
    let closed = it.status.close(now).map_err(Problem::from)?;
    end(work, &it, closed).await?;
    done(work, it.id, "CLOSED").await
}

async fn end(work: &mut Work, it: &Assessment, closed: Closed) -> Result<(), Error> {
    store::close(work.tx(), it.id, closed.at).await?;
    attempts::cut(work, it.id).await?;
    if it.release_policy != ReleasePolicy::Manual && it.released_at.is_none() {
        store::release(work.tx(), it.id, closed.at).await?;
        grades::release(work, it.id).await?;
    }
    Ok(())
}

/// Releases scores to students; once.
pub(super) async fn release(work: &mut Work, input: ById) -> Result<Reply<Assessment>, Error> {
    let now = work.now;
    let it = lock_taught(work, input.id).await?;
    if it.released_at.is_some() {
        return Ok(Reply::ok(it));
    }
    let is_early = it.release_policy == ReleasePolicy::AfterClose && it.status != Status::Closed;
    if it.status == Status::Draft || is_early {
        let title = "Scores are not released yet";
        let detail =
            "a published assessment is expected, or a closed one where the policy is AFTER_CLOSE";
        return Err(Problem::new(StatusCode::CONFLICT, "not-releasable", title)
            .detail(detail)
            .into());
    }
    store::release(work.tx(), it.id, now).await?;
    grades::release(work, it.id).await?;
    done(work, it.id, "RELEASED").await
}

/// Answers what has become of it, and records that.
async fn done(work: &mut Work, id: Uuid, verb: &str) -> Result<Reply<Assessment>, Error> {
    let it: Assessment = resource::load_required(work.tx(), id).await?;
    resource::record(work, verb, id, &it)?;
    Ok(Reply::ok(it))
}

/// Has a published assessment closed when the last window has ended.
pub(super) async fn close_by_itself(work: &mut Work, id: Uuid) -> Result<(), Error> {
    if let Some(end) = store::last_end(work.tx(), id).await? {
        work.enqueue(job(id, end));
    }
    Ok(())
}

fn job(assessment: Uuid, end: DateTime<Utc>) -> NewJob {
    NewJob::new(KIND, json!({"assessmentId": assessment}))
        .unique(assessment.to_string())
        .not_before(end + GRACE)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    assessment_id: Uuid,
}

async fn run(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let Payload { assessment_id } = job.decode()?;
    match close_if_over(work, assessment_id).await? {
        // This node's clock is behind the database's, by which the job was due.
        Some(left_ms) if left_ms < SKEW_MS => {
            let after = std::time::Duration::from_millis(left_ms.max(50).unsigned_abs());
            let why = "the assessment's windows are not over yet".to_owned();
            Err(Failure::Retry { why, after: Some(after) })
        }
        _ => Ok(()),
    }
}

/// Closes it if all windows have ended; else its job is queued again, and how long that is in milliseconds is answered.
async fn close_if_over(work: &mut Work, id: Uuid) -> Result<Option<i64>, Error> {
    let now = work.now;
    let it = match super::lock(work, id).await {
        Ok(it) => it,
        // It was deleted.
        Err(Error::Refused(problem)) if problem.status == 404 => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(end) = store::last_end(work.tx(), id).await? else { return Ok(None) };
    let Ok(closed) = it.status.close(now) else { return Ok(None) };
    if now < end + GRACE {
        let left_ms = (end + GRACE - now).num_milliseconds();
        if left_ms >= SKEW_MS {
            work.enqueue(job(id, end));
        }
        return Ok(Some(left_ms));
    }
    self::end(work, &it, closed).await?;
    done(work, id, "CLOSED").await?;
    Ok(None)
}
