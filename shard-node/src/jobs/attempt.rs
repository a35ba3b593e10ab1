//! One attempt at one job: the handler, and what is written of it.
//!
//! What must stay true:
//! - An effect, its events, the jobs that it causes and the job's own end commit together, under the lease's fence.
//! - A job without a key is ended first: of a stale worker nothing is begun. One with a key is held first and ended last:
//!   who enqueues it meanwhile does not wait for it, and is not missed.
//! - A handler that panics or takes too long has failed at this attempt, and at no other.
//! - Caches are invalidated after the commit, also where its outcome is not known.
//! - What became of a failed attempt is written in a transaction of its own, under the same fence. Where that cannot be
//!   done, the lease runs out.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use shard_map::{Epoch, InstitutionId};
use sqlx::PgPool;
use tokio::time::timeout_at;

use super::handler::Body;
use super::metrics::Outcome;
use super::store::{self, Ended};
use super::{Failure, Handler, Job, JobContext};
use crate::error::Error;
use crate::node::Node;
use crate::operation::{Caller, Finished, Work};
use crate::store::TenantTx;

/// How long past the handler's time a COMMIT is waited for, and what is written of a failure.
const PATIENCE: Duration = Duration::from_secs(2);

/// One attempt.
pub(super) struct Attempt<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) pool: &'a PgPool,
    pub(super) institution: InstitutionId,
    pub(super) epoch: Epoch,
    pub(super) handler: &'a Handler,
    pub(super) job: &'a Job,
}

impl Attempt<'_> {
    /// Makes it, and writes what became of it.
    pub(super) async fn run(&self) {
        let began = Instant::now();
        let metrics = &self.node.jobs.metrics;
        metrics.begun(self.handler.kind);
        let outcome = match self.tried(began + self.handler.timeout).await {
            Ok(false) => Outcome::Done,
            Ok(true) => {
                self.node.jobs.wake(self.institution);
                Outcome::Again
            }
            Err(failure) => self.failed(&failure).await,
        };
        let took = began.elapsed();
        self.node.jobs.pace.note(self.handler.kind, took);
        metrics.ended(self.handler.kind, outcome, took);
    }

    /// Answers whether it is queued once more.
    async fn tried(&self, deadline: Instant) -> Result<bool, Failure> {
        match &self.handler.body {
            Body::Effect(effect) => {
                let written = self.guarded(deadline, self.write(effect, deadline)).await?;
                self.commit(written, deadline).await
            }
            Body::Outside(outside) => {
                let context = JobContext {
                    node: self.node.clone(),
                    institution: self.institution,
                    epoch: self.epoch,
                    deadline,
                    pool: self.pool.clone(),
                    id: self.job.id,
                    fence: self.job.fence,
                };
                // Called within: what panics before its first await has panicked, too.
                self.guarded(deadline, async { outside(&context, self.job).await }).await?;
                let mut tx = self.begin(Instant::now() + PATIENCE).await?;
                let again = self.end(&mut tx).await?;
                self.commit((Finished::of(tx), again), Instant::now()).await
            }
        }
    }

    /// What takes too long or panics has failed.
    async fn guarded<T>(
        &self,
        deadline: Instant,
        what: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        match timeout_at(deadline.into(), AssertUnwindSafe(what).catch_unwind()).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => {
                let said = said(&*panic);
                tracing::error!(job.id = %self.job.id, job.kind = self.handler.kind, error = said, "A job panicked");
                Err(Failure::retry(format!("panicked: {said}")))
            }
            Err(_) => Err(Failure::retry(format!("took longer than {:?}", self.handler.timeout))),
        }
    }

    /// Everything up to the commit; may be dropped at any moment.
    async fn write(
        &self,
        effect: &super::handler::Effect,
        deadline: Instant,
    ) -> Result<(Finished, bool), Failure> {
        let has_key = self.job.unique_key.is_some();
        let mut tx = self.begin(deadline).await?;
        let mut again = false;
        if has_key {
            store::hold(&mut tx, self.job.id, self.job.fence).await?;
        } else {
            again = self.end(&mut tx).await?;
        }
        let caller = Caller::platform(self.institution, self.epoch, deadline, self.job.id);
        let mut work = Work::new(caller, self.node.now(), tx, self.node.jobs.clone());
        if let Err(failure) = effect(&mut work, self.job).await {
            work.abandon().await;
            return Err(failure);
        }
        let mut finished = work.finish().await?;
        if has_key {
            again = self.end(&mut finished.tx).await?;
        }
        Ok((finished, again))
    }

    async fn begin(&self, deadline: Instant) -> Result<TenantTx, Error> {
        TenantTx::begin_within(self.pool, self.institution, deadline).await
    }

    async fn end(&self, tx: &mut TenantTx) -> Result<bool, Error> {
        store::end(tx, self.job, self.node.jobs.settings.keep_done()).await
    }

    async fn commit(
        &self,
        (finished, again): (Finished, bool),
        deadline: Instant,
    ) -> Result<bool, Failure> {
        let Finished { tx, touched, wakes, recorded } = finished;
        let committed = timeout_at((deadline + PATIENCE).into(), tx.commit()).await;
        // Where the outcome is not known, it may have been applied.
        if wakes {
            self.node.jobs.wake(self.institution);
        }
        if recorded {
            self.node.wakes.wake(self.institution);
        }
        if !touched.is_empty() {
            let (cache, pool) = (&self.node.cache, &self.node.pool);
            cache.invalidate(pool, self.institution, self.epoch, &touched).await;
        }
        match committed {
            Ok(Ok(())) => Ok(again),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Failure::retry("its COMMIT was not answered in time")),
        }
    }

    /// Of an attempt whose COMMIT was applied after all nothing is written: the job is no longer leased.
    async fn failed(&self, failure: &Failure) -> Outcome {
        let Job { id, fence, attempt, .. } = self.job;
        let written = async {
            let mut tx = self.begin(Instant::now() + PATIENCE).await?;
            let ended = store::fail(&mut tx, &[(*id, *fence)], failure).await?;
            tx.commit().await?;
            Ok::<_, Error>(ended.first().copied().unwrap_or(Ended::Lost))
        };
        let kind = self.handler.kind;
        match written.await {
            Ok(Ended::Retry) => {
                tracing::info!(job.id = %id, job.kind = kind, attempt, why = failure.why(), "A job is tried again");
                Outcome::Retry
            }
            Ok(Ended::Failed) => {
                tracing::warn!(job.id = %id, job.kind = kind, attempt, why = failure.why(), "A job has failed");
                Outcome::Failed
            }
            // Or its institution moved, and it with it.
            Ok(Ended::Lost) | Err(Error::NotOwner(_)) => Outcome::Lost,
            Err(error) => {
                tracing::warn!(job.id = %id, job.kind = kind, error = %error, "What became of a job could not be written");
                Outcome::Unknown
            }
        }
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("something that is no text")
}
