//! Replicas: which of them may answer a read.
//!
//! What must stay true:
//! - A replica answers only while it follows the confirmed primary: the same system, the same timeline, in recovery.
//!   Each read says so again in its first statement (`expect_replayed`), with the place that it must be past.
//! - How far one is behind is measured by this node's clock: the primary's place in the log is noted at each poll, and
//!   a replica is as fresh as the newest poll whose place it has passed. So an idle primary makes nobody late.
//! - One that failed is left alone until its next probe: meanwhile reads go to the primary at once.

mod probe;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{IntCounterVec, Registry};
use sqlx::PgPool;

use crate::operation::Caller;
use crate::store::Position;
use crate::tenancy::{Identity, Memory};

pub use probe::watch;

/// Places of the primary that are kept: 20 s of polls.
const PLACES: usize = 40;

/// A probe older than this says nothing.
const PROBE_HOLDS: Duration = Duration::from_secs(2);

/// After a read found a replica behind, others do not try for so long.
const BEHIND_FOR: Duration = Duration::from_millis(50);

/// The replicas of the shard.
#[derive(Debug)]
pub struct Replicas {
    all: Vec<Arc<Replica>>,
    memory: Arc<Memory>,
    places: Mutex<VecDeque<Place>>,
    max_lag: Duration,
    next: AtomicUsize,
    reads: IntCounterVec,
}

/// One replica.
#[derive(Debug)]
pub struct Replica {
    /// Connections to it.
    pub pool: PgPool,
    standing: Mutex<Option<Standing>>,
    behind: Mutex<Option<Instant>>,
}

/// Where the primary was when a poll began, or later.
#[derive(Debug, Clone, Copy)]
struct Place {
    began: Instant,
    position: Position,
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    at: Instant,
    system: i64,
    replayed: Position,
}

/// A replica that may answer, if it has replayed so far.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The replica.
    pub replica: Arc<Replica>,
    /// The place.
    pub at_least: Position,
}

/// Who answered a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The primary.
    Primary,
    /// A replica.
    Replica,
    /// A cache.
    Cache,
}

impl Replicas {
    /// The replicas behind these pools; none of them answers before its first probe.
    ///
    /// # Errors
    /// When the metric's name is taken.
    pub fn new(
        pools: Vec<PgPool>,
        max_lag: Duration,
        memory: Arc<Memory>,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        let reads = IntCounterVec::new(
            prometheus::opts!("lxp_reads_total", "Reads by who answered them"),
            &["source"],
        )?;
        registry.register(Box::new(reads.clone()))?;
        let replica =
            |pool| Arc::new(Replica { pool, standing: Mutex::default(), behind: Mutex::default() });
        let all = pools.into_iter().map(replica).collect();
        let (places, next) = (Mutex::default(), AtomicUsize::new(0));
        Ok(Self { all, memory, places, max_lag, next, reads })
    }

    /// Counts a read.
    pub fn count(&self, source: Source) {
        let label = match source {
            Source::Primary => "primary",
            Source::Replica => "replica",
            Source::Cache => "cache",
        };
        self.reads.with_label_values(&[label]).inc();
    }

    /// A poll that began then found the primary there.
    pub fn note_primary(&self, began: Instant, position: Position) {
        let mut places = lock(&self.places);
        if places.len() == PLACES {
            places.pop_front();
        }
        places.push_back(Place { began, position });
    }

    /// The replica that may answer this caller's read: one past its session, else one within the bound where that
    /// was asked for.
    pub fn choose(&self, caller: &Caller) -> Option<Choice> {
        let now = Instant::now();
        let confirmed = self.memory.confirmed()?;
        match caller.session {
            Some(session) => {
                let (epoch, timeline) = (session.epoch, session.position.timeline);
                if epoch != caller.epoch || timeline != confirmed.timeline {
                    return None;
                }
                let position = session.position;
                self.pick(&confirmed, now, |standing| {
                    standing.replayed >= position || self.is_within(standing, PROBE_HOLDS, now)
                })
                .filter(|replica| !replica.is_behind(now))
                .map(|replica| Choice { replica, at_least: position })
            }
            None if caller.eventual => self
                .pick(&confirmed, now, |standing| self.is_within(standing, self.max_lag, now))
                .map(|replica| {
                    let at_least = Position { timeline: confirmed.timeline, lsn: 0 };
                    Choice { replica, at_least }
                }),
            None => None,
        }
    }

    fn pick(
        &self,
        confirmed: &Identity,
        now: Instant,
        may: impl Fn(&Standing) -> bool,
    ) -> Option<Arc<Replica>> {
        let good = |replica: &&Arc<Replica>| {
            lock(&replica.standing).as_ref().is_some_and(|standing| {
                now.saturating_duration_since(standing.at) < PROBE_HOLDS
                    && standing.system == confirmed.system
                    && standing.replayed.timeline == confirmed.timeline
                    && may(standing)
            })
        };
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.all.len();
        (0..count).map(|step| &self.all[(first + step) % count]).find(good).cloned()
    }

    /// Whether everything that was there `bound` ago has been replayed.
    fn is_within(&self, standing: &Standing, bound: Duration, now: Instant) -> bool {
        let places = lock(&self.places);
        let passed = places.iter().rev().find(|place| place.position <= standing.replayed);
        passed.is_some_and(|place| now.saturating_duration_since(place.began) <= bound)
    }
}

impl Replica {
    /// It failed: nobody asks it before a probe has.
    pub fn failed(&self) {
        *lock(&self.standing) = None;
    }

    /// It had not replayed what a session has seen.
    pub fn was_behind(&self) {
        *lock(&self.behind) = Some(Instant::now() + BEHIND_FOR);
    }

    fn is_behind(&self, now: Instant) -> bool {
        lock(&self.behind).is_some_and(|until| now < until)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
