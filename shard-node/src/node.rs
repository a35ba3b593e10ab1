//! The parts of a running node, wired once in `main` and shared by every request.

use std::sync::Arc;

use service_kit::clock;
use service_kit::metrics::Metrics;
use service_kit::token::TokenVerifier;
use sqlx::PgPool;
use tokio_util::task::TaskTracker;

use crate::cache::Cache;
use crate::domain::api_clients::TokenIssuer;
use crate::domain::endpoint_metrics::Meter;
use crate::domain::webhooks::Sender;
use crate::events::Wakes;
use crate::jobs::Jobs;
use crate::limits::Limits;
use crate::mail::Mailer;
use crate::operation::Queues;
use crate::replica::Replicas;
use crate::tenancy::{Ownership, Park};

/// The parts of a node.
pub struct Node {
    /// Connections to the primary, as `lxp_app`.
    pub pool: PgPool,
    /// Replicas that may answer reads.
    pub replicas: Arc<Replicas>,
    /// Which institutions are served here.
    pub ownership: Arc<Ownership>,
    /// Where requests wait for the end of a move.
    pub park: Arc<Park>,
    /// Both levels of cache.
    pub cache: Cache,
    /// How much callers may ask, and how much may be under way at once.
    pub limits: Limits,
    /// How mail leaves; none where it does not.
    pub mail: Option<Mailer>,
    /// How tokens are verified.
    pub tokens: TokenVerifier,
    /// What signs tokens of api clients; none where they come from elsewhere.
    pub issuer: Option<TokenIssuer>,
    /// How each institution's operations were answered.
    pub meter: Meter,
    /// Metrics.
    pub metrics: Metrics,
    /// Who has events to be numbered.
    pub wakes: Wakes,
    /// How webhooks are sent.
    pub webhooks: Sender,
    /// Where writers of one hot thing wait.
    pub queues: Queues,
    /// What is done in the background.
    pub jobs: Arc<Jobs>,
    /// Operations that run now; a stop waits for them.
    pub tasks: TaskTracker,
}

impl Node {
    /// The wall clock, for services to hand to rules.
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        clock::now()
    }

    /// How busy the node is: requests under way for each connection to the primary. Those that are parked keep nothing
    /// busy.
    pub fn load(&self, connections: u32) -> f64 {
        let in_flight = self.metrics.in_flight.get() - self.park.parked();
        let in_flight = u32::try_from(in_flight.max(0)).unwrap_or(u32::MAX);
        f64::from(in_flight) / f64::from(connections.max(1))
    }
}
