//! The unit of work of a write: one guarded transaction, and what it leaves for afterwards.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::Caller;
use crate::domain::webhooks::Addresses;
use crate::error::Error;
use crate::jobs::{Jobs, NewJob, store};
use crate::policy::{self, About};
use crate::store::{TenantTx, outbox};

/// Something that happened to an aggregate; goes to `outbox_events` with the change itself.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its type, such as `PROGRAM_CREATED`.
    pub kind: Cow<'static, str>,
    /// The table of the aggregate.
    pub aggregate: &'static str,
    /// The aggregate's id.
    pub aggregate_id: Uuid,
    /// The aggregate's row version after the change.
    pub aggregate_version: i64,
    /// What happened, for consumers.
    pub payload: Value,
    /// The cached entities that it makes stale.
    pub touches: &'static [&'static str],
}

/// The context of one write. Dropped without a commit, it leaves nothing.
pub struct Work {
    /// Who asks.
    pub caller: Caller,
    /// When the work began; the only time that services know.
    pub now: DateTime<Utc>,
    /// Where webhooks may lead.
    pub addresses: Addresses,
    tx: TenantTx,
    events: Vec<Event>,
    queued: Vec<NewJob>,
    jobs: Arc<Jobs>,
    /// Whether a job is due once it has committed.
    wakes: bool,
    /// Whether it commits even where it is refused.
    is_kept: bool,
}

/// What is left to do: to commit, and what comes after that.
pub(crate) struct Finished {
    /// Everything is written in it.
    pub(crate) tx: TenantTx,
    /// The entities whose caches are stale once it has committed.
    pub(crate) touched: BTreeSet<&'static str>,
    /// Whether workers are to be woken then.
    pub(crate) wakes: bool,
    /// Whether there are events to be numbered then.
    pub(crate) recorded: bool,
}

impl Finished {
    /// Of a transaction that leaves nothing else.
    pub(crate) fn of(tx: TenantTx) -> Self {
        Self { tx, touched: BTreeSet::new(), wakes: false, recorded: false }
    }
}

impl Work {
    pub(crate) fn new(caller: Caller, now: DateTime<Utc>, tx: TenantTx, jobs: Arc<Jobs>) -> Self {
        let (events, queued) = (Vec::new(), Vec::new());
        let addresses = Addresses::Public;
        Self { caller, now, addresses, tx, events, queued, jobs, wakes: false, is_kept: false }
    }

    /// Says where webhooks may lead; without it, to public addresses alone.
    pub(crate) fn with_addresses(mut self, addresses: Addresses) -> Self {
        self.addresses = addresses;
        self
    }

    /// The transaction, for a store.
    pub fn tx(&mut self) -> &mut TenantTx {
        &mut self.tx
    }

    /// Refuses a caller who has none of the relations under which the operation is theirs.
    ///
    /// # Errors
    /// 403, or 404 where what it is about is hidden.
    pub async fn expect(&mut self, about: About) -> Result<(), Error> {
        policy::expect(&mut self.tx, &self.caller, about).await
    }

    /// The same for something of a class that a path names: 404 where there is no such class.
    ///
    /// # Errors
    /// 404, or 403 to who has no relation to it.
    pub async fn expect_class(&mut self, class: Uuid) -> Result<(), Error> {
        policy::expect_class(&mut self.tx, &self.caller, class).await
    }

    /// What was written up to the refusal that follows stays, so that it counts: for operations that keep no answer.
    pub fn keep_although_refused(&mut self) {
        self.is_kept = true;
    }

    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Records an event; it is written with everything else when the work commits. Where jobs of its name have a
    /// handler, it becomes one.
    pub fn record(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Queues a job; it is written with everything else when the work commits.
    pub fn enqueue(&mut self, job: NewJob) {
        self.queued.push(job);
    }

    /// Queues a job at once, and answers its id: that of the live one, where its key is taken.
    ///
    /// # Errors
    /// When its kind has no handler, or the database refuses.
    pub async fn enqueue_now(&mut self, job: NewJob) -> Result<Uuid, Error> {
        self.wakes |= self.is_due(&job);
        let ids = store::enqueue(&mut self.tx, &self.jobs.registry, vec![job]).await?;
        ids.first().copied().ok_or_else(|| Error::Defect("a job was not queued".to_owned()))
    }

    /// Has workers look for due jobs once it has committed.
    pub(crate) fn wake(&mut self) {
        self.wakes = true;
    }

    /// What the node knows of jobs.
    pub(crate) fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    fn is_due(&self, job: &NewJob) -> bool {
        job.not_before.is_none_or(|at| at <= self.now)
    }

    /// Writes events and jobs.
    pub(crate) async fn finish(mut self) -> Result<Finished, Error> {
        let touched = self.events.iter().flat_map(|event| event.touches.iter().copied()).collect();
        let Caller { subject: actor, request_id, .. } = &self.caller;
        let cause = outbox::Cause { actor: *actor, request_id };
        let ids = outbox::append(&mut self.tx, &self.events, cause).await?;
        for (event, id) in self.events.iter().zip(ids) {
            if let Some(handler) = self.jobs.registry.get(&event.kind) {
                self.queued.push(NewJob::of_event(handler.kind, event, id));
            }
        }
        let due = self.queued.iter().any(|job| self.is_due(job));
        let wakes = self.wakes || due;
        store::enqueue(&mut self.tx, &self.jobs.registry, self.queued).await?;
        let recorded = !self.events.is_empty();
        Ok(Finished { tx: self.tx, touched, wakes, recorded })
    }

    pub(crate) async fn abandon(self) {
        // The pool proves the connection clean in any case; an error here changes nothing.
        let _ = self.tx.rollback().await;
    }
}
