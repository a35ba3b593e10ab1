//! The unit of work of a write: one guarded transaction, and what it leaves for afterwards.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::Caller;
use crate::error::Error;
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
    tx: TenantTx,
    events: Vec<Event>,
}

impl Work {
    pub(super) fn new(caller: Caller, now: DateTime<Utc>, tx: TenantTx) -> Self {
        Self { caller, now, tx, events: Vec::new() }
    }

    /// The transaction, for a store.
    pub fn tx(&mut self) -> &mut TenantTx {
        &mut self.tx
    }

    /// Records an event; it is written with everything else when the work commits.
    pub fn record(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Writes the events and gives back the transaction with the entities whose caches are stale once it
    /// has committed.
    pub(super) async fn finish(mut self) -> Result<(TenantTx, BTreeSet<&'static str>), Error> {
        let touched = self.events.iter().flat_map(|event| event.touches.iter().copied()).collect();
        outbox::append(&mut self.tx, &self.events).await?;
        Ok((self.tx, touched))
    }

    pub(super) async fn abandon(self) {
        // The pool proves the connection clean in any case; an error here changes nothing.
        let _ = self.tx.rollback().await;
    }
}
