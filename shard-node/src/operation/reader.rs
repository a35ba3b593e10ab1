//! What a read stands on: the caller, the caches, and a guarded transaction where the database must be asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use uuid::Uuid;

use super::Caller;
use crate::error::Error;
use crate::node::Node;
use crate::policy::{self, About};
use crate::replica::{Choice, Source};
use crate::store::{Seen, TenantTx};

/// The context of one read.
#[derive(Clone)]
pub struct Reader {
    /// The node's parts.
    pub node: Arc<Node>,
    /// Who asks.
    pub caller: Caller,
    /// The replica to ask; the primary where there is none.
    replica: Option<Choice>,
    /// Where the log was at the end, if the caller goes by that.
    seen: Option<Seen>,
    asked: Arc<AtomicBool>,
}

impl Reader {
    pub(super) fn new(node: Arc<Node>, caller: Caller, replica: Option<Choice>) -> Self {
        let seen = caller.session.map(|_| Seen::default());
        Self { node, caller, replica, seen, asked: Arc::default() }
    }

    /// Opens a guarded transaction, on the primary or on the replica that may answer.
    pub async fn begin(&self) -> Result<TenantTx, Error> {
        self.asked.store(true, Ordering::Relaxed);
        let Caller { institution, deadline, .. } = self.caller;
        let mut tx = if let Some(Choice { replica, at_least }) = &self.replica {
            // It runs within its share already.
            TenantTx::begin_on_replica(&replica.pool, institution, deadline, *at_least).await?
        } else {
            let share = self.node.queues.share(institution).await;
            TenantTx::begin_reading(&self.node.pool, institution, deadline, share).await?
        };
        if let Some(seen) = &self.seen {
            tx.report_to(seen.clone());
        }
        Ok(tx)
    }

    /// Refuses a caller who has none of the relations under which the operation is theirs.
    pub async fn expect(&self, tx: &mut TenantTx, about: About) -> Result<(), Error> {
        policy::expect(tx, &self.caller, about).await
    }

    /// The same for something of a class that a path names: 404 where there is no such class.
    pub async fn expect_class(&self, tx: &mut TenantTx, class: Uuid) -> Result<(), Error> {
        policy::expect_class(tx, &self.caller, class).await
    }

    /// What the read has seen.
    pub(super) fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref()
    }

    /// Who has answered.
    pub(super) fn source(&self) -> Source {
        match (self.asked.load(Ordering::Relaxed), &self.replica) {
            (false, _) => Source::Cache,
            (true, Some(_)) => Source::Replica,
            (true, None) => Source::Primary,
        }
    }
}
