//! Load on a running platform, and a history of it that is checked afterwards.
//!
//! What must stay true:
//! - A worker is one caller that does one thing at a time and alone changes what it made: so it knows what must be
//!   read back.
//! - Each request is recorded, those that are sent again under their key as well.
//! - Nothing is judged here but values: which errors a fault allows is the test's to say.

mod history;
mod ledger;
mod school;
mod schools;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use service_kit::token::Role;
use tokio::task::JoinSet;
use uuid::Uuid;

pub use history::{History, Op, Request};
pub use schools::Schools;

use crate::{Institution, Platform};
use ledger::Ledger;
use worker::{Outcome, Worker};

/// Requests are running until it is stopped.
pub struct Load {
    begun: Instant,
    stop: Arc<AtomicBool>,
    workers: JoinSet<Outcome>,
    readers: Vec<(Institution, crate::Client)>,
}

/// How workers ask.
struct Manner {
    deadline: Option<Duration>,
    pace: Duration,
    /// Whose connections all use; none where each has its own.
    shared: Option<crate::Client>,
}

impl Default for Manner {
    fn default() -> Self {
        Self { deadline: None, pace: worker::PACE, shared: None }
    }
}

impl Load {
    /// Starts so many workers for each institution; each keeps a connection of its own.
    pub fn start(platform: &Platform, institutions: &[Institution], workers_each: usize) -> Self {
        Self::begin(platform, institutions, workers_each, &Manner::default())
    }

    /// One worker for each institution, which asks once in `pace`: for many institutions. They share connections.
    pub fn light(platform: &Platform, institutions: &[Institution], pace: Duration) -> Self {
        let shared = Some(crate::Client::new(platform.router(), ""));
        Self::begin(platform, institutions, 1, &Manner { pace, shared, ..Manner::default() })
    }

    /// The same, with `Lxp-Deadline-Ms` on each request.
    pub fn with_deadline(
        platform: &Platform,
        institutions: &[Institution],
        workers_each: usize,
        deadline: Duration,
    ) -> Self {
        let deadline = Some(deadline);
        Self::begin(platform, institutions, workers_each, &Manner { deadline, ..Manner::default() })
    }

    fn begin(
        platform: &Platform,
        institutions: &[Institution],
        workers_each: usize,
        manner: &Manner,
    ) -> Self {
        let (begun, stop) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let mut workers = JoinSet::new();
        for institution in institutions {
            for number in 0..workers_each {
                let token = platform.token_of(institution.id, Role::Admin, Uuid::now_v7());
                let client = match &manner.shared {
                    Some(shared) => shared.with_token(&token),
                    None => crate::Client::new(platform.router(), &token),
                };
                let worker = Worker::new(client, institution.clone(), number, begun, manner);
                workers.spawn(worker.run(Arc::clone(&stop)));
            }
        }
        let reader = crate::Client::new(platform.router(), "");
        let reader_of = |institution: &Institution| {
            let token = platform.token(institution.id, Role::Admin);
            (institution.clone(), reader.with_token(&token))
        };
        let readers = institutions.iter().map(reader_of).collect();
        Self { begun, stop, workers, readers }
    }

    /// Now, as requests of the history are dated.
    pub fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Lets it run for a while.
    pub async fn run_for(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Stops the workers, which settle what they have open, and compares what is there with what was acknowledged.
    pub async fn stop(mut self) -> History {
        self.stop.store(true, Ordering::Relaxed);
        let (mut requests, mut wrong, mut ledger) = (Vec::new(), Vec::new(), Ledger::default());
        while let Some(ended) = self.workers.join_next().await {
            let outcome = ended.expect("a worker");
            requests.extend(outcome.requests);
            wrong.extend(outcome.wrong);
            ledger.extend(outcome.courses);
        }
        for (institution, reader) in &self.readers {
            wrong.extend(ledger.compare(institution, reader).await);
        }
        requests.sort_by_key(|request| request.at);
        History { requests, wrong, acknowledged: ledger.acknowledged() }
    }
}
