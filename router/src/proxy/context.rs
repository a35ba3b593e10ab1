//! What is known of one request while it is under way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;
use prometheus::IntGauge;
use shard_map::{InstitutionId, ShardId};

use super::admit::Target;
use super::retry::{Attempts, NotOwner};
use crate::config::{DEADLINE_SLACK, REQUEST_DEADLINE};
use crate::error::Refusal;
use crate::upstream::{InFlight, RetryBudget, Upstream};

/// One request.
#[derive(Debug)]
pub(crate) struct Context {
    /// When its head had been read.
    pub(crate) began: Instant,
    /// `X-Request-Id`.
    pub(crate) request_id: HeaderValue,
    /// `traceparent`.
    pub(crate) trace: HeaderValue,
    /// The label of its path in metrics.
    pub(crate) label: &'static str,
    /// Where it may go; none before it is admitted.
    pub(crate) target: Option<Target>,
    /// How long it may take, from `began`.
    pub(crate) deadline: Duration,
    /// What was tried so far.
    pub(crate) attempts: Attempts,
    /// The shard that a 421 pointed to.
    pub(crate) sent_on_to: Option<ShardId>,
    /// The shard of the attempt under way.
    pub(crate) shard: Option<ShardId>,
    /// The node of the attempt under way.
    pub(crate) node: Option<InFlight>,
    /// What its shard's requests may cost in retries; none before the first attempt.
    pub(crate) budget: Option<Arc<RetryBudget>>,
    /// When the whole of the request had gone out to the node of the attempt under way.
    pub(crate) sent_at: Option<Instant>,
    /// Nodes that could not be connected to, or refused it without effect.
    pub(crate) refused_by: Vec<Arc<Upstream>>,
    /// The node whose connection broke.
    pub(crate) broken: Option<Arc<Upstream>>,
    /// The body of a 421 as far as it has been read; the client sees nothing of it.
    pub(crate) masked: Option<Vec<u8>>,
    /// A 421 that is still to be acted on.
    pub(crate) not_owner: Option<NotOwner>,
    /// The router's own answer.
    pub(crate) refusal: Option<Refusal>,
    /// Bytes of the request's body in this attempt.
    pub(crate) body_bytes: u64,
    /// Whether it has a token; what has none may have a small body.
    pub(crate) is_verified: bool,
    /// Whether it may be sent again after its connection broke.
    pub(crate) resendable: bool,
    _in_flight: Counted,
}

/// Counts in a gauge until it is dropped.
#[derive(Debug)]
struct Counted(IntGauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Context {
    /// A request whose head has just been read.
    pub(crate) fn new(began: Instant, in_flight: &IntGauge) -> Self {
        in_flight.inc();
        Self {
            began,
            request_id: HeaderValue::from_static(""),
            trace: HeaderValue::from_static(""),
            label: "other",
            target: None,
            deadline: REQUEST_DEADLINE,
            attempts: Attempts::default(),
            sent_on_to: None,
            shard: None,
            node: None,
            budget: None,
            sent_at: None,
            refused_by: Vec::new(),
            broken: None,
            masked: None,
            not_owner: None,
            refusal: None,
            body_bytes: 0,
            is_verified: false,
            resendable: false,
            _in_flight: Counted(in_flight.clone()),
        }
    }

    /// The institution, where the request has one.
    pub(crate) fn institution(&self) -> Option<InstitutionId> {
        match self.target {
            Some(Target::Institution(institution)) => Some(institution),
            Some(Target::AnyNode) | None => None,
        }
    }

    /// Whether this node has refused it, or could not be connected to.
    pub(crate) fn refused(&self, node: &Upstream) -> bool {
        self.refused_by.iter().any(|other| other.is_same(node))
    }

    /// How much of its time is left.
    pub(crate) fn time_left(&self) -> Duration {
        self.deadline.saturating_sub(self.began.elapsed())
    }

    /// How long a node's answer is waited for.
    pub(crate) fn answer_deadline(&self) -> Duration {
        self.time_left() + DEADLINE_SLACK
    }
}
