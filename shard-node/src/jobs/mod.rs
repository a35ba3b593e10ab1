//! Background work of institutions: queued with the change that causes it, done by workers in the nodes.
//!
//! `handler` says what is done with a kind of job, `registry` which kinds there are. In `worker` a node looks for what is
//! due, `board` says whose turn it is, `visit` leases, `attempt` does one job; `store` has every statement.
//!
//! What must stay true:
//! - A job is a row of its institution, written in the transaction that causes it: both are there, or neither is.
//! - A job's end and its effect are one transaction, which carries the fencing token of the lease: of a worker that was
//!   frozen past its lease nothing stays. So each effect is in the database once.
//! - Of a kind and key there is one live job. Who enqueues it once more holds its row until they commit: it does not
//!   begin before, or, where it runs already, runs once more. No change is passed over.
//! - An attempt is counted when it is leased, so that a job that kills its worker ends, too.

mod attempt;
mod board;
mod handler;
mod metrics;
mod pace;
mod registry;
mod settings;
pub mod store;
mod visit;
mod worker;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shard_map::InstitutionId;
use uuid::Uuid;

pub use handler::{Failure, Handler, Job, JobContext};
pub use registry::{KINDS, Registry, RegistryError, handlers};
pub use settings::{JobSettings, Mode};
pub use worker::work;

use board::Board;
use metrics::JobMetrics;
use pace::Pace;

use crate::operation::Event;

/// A job to be queued with the change that causes it.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub(crate) kind: &'static str,
    pub(crate) payload: Value,
    pub(crate) unique_key: Option<String>,
    pub(crate) priority: i16,
    pub(crate) not_before: Option<DateTime<Utc>>,
}

impl NewJob {
    /// A job of a kind, such as `STUDENT_ENROLLED`, that has a handler.
    pub fn new(kind: &'static str, payload: Value) -> Self {
        Self { kind, payload, unique_key: None, priority: 0, not_before: None }
    }

    /// One live job of this kind has this key: where there is one already, it does this, too. The last payload counts,
    /// the earliest time and the highest priority.
    #[must_use]
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// Higher first, among the jobs of its institution; 0 unless it is said.
    #[must_use]
    pub fn priority(mut self, priority: i16) -> Self {
        self.priority = priority;
        self
    }

    /// It is not begun before this.
    #[must_use]
    pub fn not_before(mut self, at: DateTime<Utc>) -> Self {
        self.not_before = Some(at);
        self
    }

    /// The job that an event causes: its payload is the event's, with the event's id and its aggregate's.
    pub(crate) fn of_event(kind: &'static str, event: &Event, id: Uuid) -> Self {
        let mut payload = match &event.payload {
            Value::Object(_) => event.payload.clone(),
            other => json!({"payload": other}),
        };
        payload["eventId"] = json!(id);
        payload["aggregateId"] = json!(event.aggregate_id);
        Self::new(kind, payload)
    }

    /// Takes in one of the same kind and key that came later.
    pub(crate) fn merge(&mut self, later: Self) {
        self.payload = later.payload;
        self.priority = self.priority.max(later.priority);
        // None is now: the earliest.
        self.not_before = self.not_before.min(later.not_before);
    }
}

/// What a node knows of jobs.
#[derive(Debug)]
pub struct Jobs {
    /// What is done with each kind.
    pub registry: Registry,
    /// How workers are set up.
    pub settings: JobSettings,
    board: Board,
    metrics: JobMetrics,
    pace: Pace,
}

impl Jobs {
    /// Those of a node.
    ///
    /// # Errors
    /// When a metric's name is taken.
    pub fn new(
        registry: Registry,
        settings: JobSettings,
        metrics: &prometheus::Registry,
    ) -> Result<Self, prometheus::Error> {
        let board = Board::new(usize::try_from(settings.at_once).unwrap_or(1));
        let metrics = JobMetrics::new(metrics)?;
        Ok(Self { registry, settings, board, metrics, pace: Pace::default() })
    }

    /// Something is due in an institution: it was committed just now. A node that leaves jobs to others says nothing:
    /// they look every second.
    pub fn wake(&self, institution: InstitutionId) {
        if self.settings.works() {
            self.board.offer(institution, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn of_two_with_one_key_the_last_payload_counts_and_the_earliest_time() {
        let at = service_kit::clock::now();
        let mut job = NewJob::new("A", json!(1)).unique("k").not_before(at).priority(2);
        job.merge(NewJob::new("A", json!(2)).unique("k").not_before(at + TimeDelta::hours(1)));
        assert_eq!((&job.payload, job.priority, job.not_before), (&json!(2), 2, Some(at)));
        job.merge(NewJob::new("A", json!(3)).unique("k"));
        assert_eq!((job.payload, job.not_before), (json!(3), None));
    }

    #[test]
    fn an_events_job_knows_its_event() {
        let event = Event {
            kind: "A".into(),
            aggregate: "things",
            aggregate_id: Uuid::max(),
            aggregate_version: 1,
            payload: json!({"status": "ACTIVE", "eventId": "mine"}),
            touches: &[],
        };
        let job = NewJob::of_event("A", &event, Uuid::nil());
        let expected =
            json!({"status": "ACTIVE", "eventId": Uuid::nil(), "aggregateId": Uuid::max()});
        assert_eq!(job.payload, expected);
    }
}
