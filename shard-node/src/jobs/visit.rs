//! An institution's turn: tidies up where need be, leases the jobs of one line, does them one after another.
//!
//! What must stay true:
//! - Jobs are leased only where there is a place for them, and begin while enough of the lease is left for all that
//!   their handler may take. What cannot begin in time, or at all, is given back as it was.
//! - While a move closes nothing is leased, and what was leased and not begun is given back: what is fenced before that
//!   loses an attempt at the other shard, which is counted.
//! - The institution may be visited by another slot as soon as the lease is committed; its place on the board is given
//!   back however this ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use service_kit::postgres::ACQUIRE_TIMEOUT;
use shard_map::{Epoch, InstitutionId};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::attempt::Attempt;
use super::board::{Kind, Turn};
use super::metrics::{COUNTED, Seen};
use super::store::{self, Line, Taken};
use super::{Failure, Handler, Jobs};
use crate::error::Error;
use crate::node::Node;
use crate::store::TenantTx;
use crate::tenancy::Verdict;

/// How long what a visit asks may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// One turn of an institution.
pub(super) struct Visit {
    node: Arc<Node>,
    pool: PgPool,
    turn: Turn,
    stop: CancellationToken,
}

/// Jobs of one kind that were leased, and their place on the board.
struct Leased {
    handler: Arc<Handler>,
    jobs: Vec<Taken>,
    /// Until when they are this worker's, by its own clock: it was read before the database's.
    until: Instant,
    place: Place,
}

/// A place on the board; given back when it is dropped.
struct Place {
    jobs: Arc<Jobs>,
    institution: InstitutionId,
    kind: Kind,
    is_used: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.jobs.board.release(self.institution, self.kind, self.is_used);
    }
}

/// That an institution is visited; it ends when it is dropped.
struct Presence {
    jobs: Arc<Jobs>,
    turn: Turn,
    /// Whether something is left that can be taken now.
    more: bool,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.jobs.board.visited(self.turn.institution, self.more, self.turn.is_named);
    }
}

impl Visit {
    pub(super) fn new(node: Arc<Node>, pool: PgPool, turn: Turn, stop: CancellationToken) -> Self {
        Self { node, pool, turn, stop }
    }

    /// Does it all.
    pub(super) async fn run(&self) {
        let mut presence = Presence { jobs: self.node.jobs.clone(), turn: self.turn, more: false };
        let institution = self.turn.institution;
        let verdict = self.node.ownership.verdict(institution);
        let Verdict::Serve { epoch, cached: true } = verdict else { return };
        if !self.may_begin(epoch).await {
            return;
        }
        let leased = match self.lease(&mut presence.more).await {
            Ok(leased) => leased,
            // It moved: its jobs with it.
            Err(Error::NotOwner(_)) => return,
            Err(error) => {
                tracing::warn!(institution = %institution, error = %error, "Jobs could not be leased");
                return;
            }
        };
        drop(presence);
        if let Some(leased) = leased {
            self.work(epoch, leased).await;
        }
    }

    /// Whether the institution is still served at this epoch, by a database that is to be believed, and no move of it is
    /// about to end that.
    async fn may_begin(&self, epoch: Epoch) -> bool {
        let ownership = &self.node.ownership;
        ownership.lease.renewed(Instant::now() + ACQUIRE_TIMEOUT).await
            && ownership.verdict(self.turn.institution) == Verdict::Serve { epoch, cached: true }
    }

    /// One transaction: what ran out, what need not be kept, what is due.
    async fn lease(&self, more: &mut bool) -> Result<Option<Leased>, Error> {
        let jobs = &self.node.jobs;
        let began = Instant::now();
        let institution = self.turn.institution;
        let mut tx = TenantTx::begin_within(&self.pool, institution, began + PATIENCE).await?;
        if self.turn.is_named {
            *more |= self.end_lost(&mut tx).await?;
            *more |= store::sweep(&mut tx).await?;
        }
        let count = if self.turn.is_named { COUNTED } else { 1 };
        let lines = store::due_lines(&mut tx, count).await?;
        if self.turn.is_named || lines.is_empty() {
            jobs.metrics.saw(institution, self.seen(&lines), began);
        }
        let leased = self.take(&mut tx, &lines, began, more).await?;
        tx.commit().await?;
        Ok(leased)
    }

    /// The first line for which there is a place.
    async fn take(
        &self,
        tx: &mut TenantTx,
        lines: &[Line],
        began: Instant,
        more: &mut bool,
    ) -> Result<Option<Leased>, Error> {
        let jobs = &self.node.jobs;
        let institution = self.turn.institution;
        for (at, line) in lines.iter().enumerate() {
            let Some(handler) = jobs.registry.get(&line.kind) else { continue };
            if !jobs.board.reserve(institution, handler.place()) {
                continue;
            }
            let kind = handler.place();
            let mut place = Place { jobs: jobs.clone(), institution, kind, is_used: false };
            // One that works outside may take long: what waits for it is better off with another worker.
            let batch = if handler.is_outside() { 1 } else { jobs.settings.batch };
            let lease = jobs.settings.lease();
            let at_most = jobs.pace.batch(handler.kind, lease, batch);
            let taken = store::take(tx, line, at_most, lease).await?;
            if !taken.is_empty() {
                *more |= at + 1 < lines.len() || taken.len() as u64 == u64::from(at_most);
                place.is_used = true;
                let until = began + lease;
                return Ok(Some(Leased { handler: handler.clone(), jobs: taken, until, place }));
            }
        }
        Ok(None)
    }

    /// What ran out while its worker was away was an attempt. Answers whether there may be more of it.
    async fn end_lost(&self, tx: &mut TenantTx) -> Result<bool, Error> {
        let lost = store::lost(tx).await?;
        let more = lost.len() == store::LOST_AT_ONCE;
        if lost.is_empty() {
            return Ok(false);
        }
        let failure =
            Failure::retry("its lease ran out: the worker ended, was frozen or took too long");
        let jobs: Vec<_> = lost.iter().map(|(id, fence, _)| (*id, *fence)).collect();
        store::fail(tx, &jobs, &failure).await?;
        for (id, _, kind) in lost {
            tracing::warn!(job.id = %id, job.kind = kind, "A job's lease ran out");
        }
        Ok(more)
    }

    fn seen(&self, lines: &[Line]) -> Vec<Seen> {
        let known = |line: &Line| {
            let kind = self.node.jobs.registry.get(&line.kind)?.kind;
            Some(Seen { kind, jobs: line.jobs, age_s: line.age_s })
        };
        lines.iter().filter_map(known).collect()
    }

    /// One after another, until nothing is left or the rest cannot begin.
    async fn work(&self, epoch: Epoch, leased: Leased) {
        let Leased { handler, jobs, until, place: _place } = leased;
        for taken in &jobs {
            self.node.jobs.metrics.leased(handler.kind, taken.waited_s);
        }
        for (at, Taken { job, .. }) in jobs.iter().enumerate() {
            let has_time = Instant::now() + handler.timeout <= until;
            if self.stop.is_cancelled() || !has_time || !self.may_begin(epoch).await {
                self.give_back(handler.kind, &jobs[at..]).await;
                return;
            }
            let attempt = Attempt {
                node: &self.node,
                pool: &self.pool,
                institution: self.turn.institution,
                epoch,
                handler: &handler,
                job,
            };
            attempt.run().await;
        }
    }

    /// They were not begun. Where that cannot be written, their leases run out.
    async fn give_back(&self, kind: &'static str, jobs: &[Taken]) {
        let jobs: Vec<_> = jobs.iter().map(|taken| (taken.job.id, taken.job.fence)).collect();
        let given = async {
            let deadline = Instant::now() + PATIENCE;
            let mut tx =
                TenantTx::begin_within(&self.pool, self.turn.institution, deadline).await?;
            let rows = store::give_back(&mut tx, &jobs).await?;
            tx.commit().await?;
            Ok::<_, Error>(rows)
        };
        match given.await {
            Ok(_) => self.node.jobs.wake(self.turn.institution),
            Err(Error::NotOwner(_)) => {
                self.node.jobs.metrics.fenced(kind, jobs.len());
                tracing::info!(
                    job.kind = kind,
                    jobs = jobs.len(),
                    "Leased jobs went with their institution, and lose an attempt"
                );
            }
            Err(error) => {
                tracing::warn!(error = %error, jobs = jobs.len(), "Leased jobs could not be given back");
            }
        }
    }
}
