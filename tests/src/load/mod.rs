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

impl Load {
    /// Starts so many workers for each institution; each keeps a connection of its own.
    pub fn start(platform: &Platform, institutions: &[Institution], workers_each: usize) -> Self {
        Self::begin(platform, institutions, workers_each, None)
    }

    /// The same, with `Lxp-Deadline-Ms` on each request.
    pub fn with_deadline(
        platform: &Platform,
        institutions: &[Institution],
        workers_each: usize,
        deadline: Duration,
    ) -> Self {
        Self::begin(platform, institutions, workers_each, Some(deadline))
    }

    fn begin(
        platform: &Platform,
        institutions: &[Institution],
        workers_each: usize,
        deadline: Option<Duration>,
    ) -> Self {
        let (begun, stop) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let mut workers = JoinSet::new();
        for institution in institutions {
            for number in 0..workers_each {
                let token = platform.token_of(institution.id, Role::Admin, Uuid::now_v7());
                let client = crate::Client::new(platform.router(), &token);
                let worker = Worker::new(client, institution.clone(), number, begun, deadline);
                workers.spawn(worker.run(Arc::clone(&stop)));
            }
        }
        let readers = institutions.iter().map(|i| (i.clone(), platform.admin(i.id))).collect();
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
