//! `lxp_jobs_*`: what this node sees of jobs.
//!
//! Nobody may count across institutions: depth and age are what was due, and taken by nobody, when the node last looked
//! into the institutions that `work_ready` named; of each at most [`COUNTED`] jobs a line. What another node has done
//! meanwhile falls out within [`SEEN_FOR`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{
    GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec, Registry, histogram_opts, opts,
};
use shard_map::InstitutionId;

/// Due jobs of a type and priority in an institution are counted no further.
pub(super) const COUNTED: i64 = 1_000;

/// How long a sight is believed.
const SEEN_FOR: Duration = Duration::from_secs(15);

/// Institutions whose sights are kept.
const SIGHTS_MAX: usize = 10_000;

/// Upper bounds of durations, in seconds: 1 ms to 30 s.
const DURATIONS_S: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 10.0, 30.0];

/// Upper bounds of waits, in seconds: 10 ms to an hour.
const WAITS_S: [f64; 10] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0, 600.0, 3_600.0];

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is done.
    Done,
    /// It is done, and queued once more.
    Again,
    /// It is tried again later.
    Retry,
    /// It has failed.
    Failed,
    /// It was no longer this worker's; nothing was written.
    Lost,
    /// What became of it could not be written; its lease runs out.
    Unknown,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Again => "again",
            Self::Retry => "retry",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
        }
    }
}

/// The metrics of a node's jobs.
#[derive(Debug)]
pub(super) struct JobMetrics {
    attempts: IntCounterVec,
    ended: IntCounterVec,
    duration_s: HistogramVec,
    wait_s: HistogramVec,
    running: IntGaugeVec,
    due: IntGaugeVec,
    oldest_s: GaugeVec,
    sights: Mutex<HashMap<InstitutionId, Sight>>,
}

/// What was due in an institution.
#[derive(Debug)]
struct Sight {
    at: Instant,
    lines: Vec<Seen>,
}

/// Jobs of one type that were due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub(super) kind: &'static str,
    pub(super) jobs: i64,
    pub(super) age_s: f64,
}

impl JobMetrics {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let by_type = &["type"];
        let attempts = opts!("lxp_jobs_attempts_total", "Attempts that this node leased");
        let ended = opts!("lxp_jobs_ended_total", "Attempts by what became of them");
        let duration_s = histogram_opts!(
            "lxp_jobs_duration_seconds",
            "Seconds that an attempt took",
            DURATIONS_S.to_vec()
        );
        let wait_s = histogram_opts!(
            "lxp_jobs_wait_seconds",
            "Seconds for which a job had been due when it was leased",
            WAITS_S.to_vec()
        );
        let running = opts!("lxp_jobs_running", "Jobs that this node does now");
        let due = opts!(
            "lxp_jobs_due",
            "Jobs that were due and taken by nobody when this node last looked; at most 1000 of a priority in an institution"
        );
        let oldest_s = opts!(
            "lxp_jobs_oldest_due_seconds",
            "For how long the oldest job had been due that this node last saw taken by nobody"
        );
        let metrics = Self {
            attempts: IntCounterVec::new(attempts, by_type)?,
            ended: IntCounterVec::new(ended, &["type", "outcome"])?,
            duration_s: HistogramVec::new(duration_s, by_type)?,
            wait_s: HistogramVec::new(wait_s, by_type)?,
            running: IntGaugeVec::new(running, by_type)?,
            due: IntGaugeVec::new(due, by_type)?,
            oldest_s: GaugeVec::new(oldest_s, by_type)?,
            sights: Mutex::default(),
        };
        registry.register(Box::new(metrics.attempts.clone()))?;
        registry.register(Box::new(metrics.ended.clone()))?;
        registry.register(Box::new(metrics.duration_s.clone()))?;
        registry.register(Box::new(metrics.wait_s.clone()))?;
        registry.register(Box::new(metrics.running.clone()))?;
        registry.register(Box::new(metrics.due.clone()))?;
        registry.register(Box::new(metrics.oldest_s.clone()))?;
        Ok(metrics)
    }

    /// One was leased that had been due for so long.
    pub(super) fn leased(&self, kind: &str, waited_s: f64) {
        self.attempts.with_label_values(&[kind]).inc();
        self.wait_s.with_label_values(&[kind]).observe(waited_s.max(0.0));
    }

    /// One begins.
    pub(super) fn begun(&self, kind: &str) {
        self.running.with_label_values(&[kind]).inc();
    }

    /// One that had begun has ended.
    pub(super) fn ended(&self, kind: &str, outcome: Outcome, took: Duration) {
        self.running.with_label_values(&[kind]).dec();
        self.duration_s.with_label_values(&[kind]).observe(took.as_secs_f64());
        self.ended.with_label_values(&[kind, outcome.as_str()]).inc();
    }

    /// So many were leased and not begun when their institution was fenced: each has lost an attempt.
    pub(super) fn fenced(&self, kind: &str, jobs: usize) {
        let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
        self.ended.with_label_values(&[kind, "fenced"]).inc_by(jobs);
    }

    /// What was due in an institution.
    pub(super) fn saw(&self, institution: InstitutionId, lines: Vec<Seen>, at: Instant) {
        let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            sights.remove(&institution);
        } else if sights.len() < SIGHTS_MAX || sights.contains_key(&institution) {
            sights.insert(institution, Sight { at, lines });
        }
    }

    /// Sets depth and age by what was seen lately.
    pub(super) fn publish(&self, now: Instant) {
        let mut totals: HashMap<&'static str, (i64, f64)> = HashMap::new();
        {
            let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
            sights.retain(|_, sight| now.saturating_duration_since(sight.at) < SEEN_FOR);
            for sight in sights.values() {
                let since_s = now.saturating_duration_since(sight.at).as_secs_f64();
                for seen in &sight.lines {
                    let (jobs, age_s) = totals.entry(seen.kind).or_default();
                    *jobs += seen.jobs;
                    *age_s = age_s.max(seen.age_s + since_s);
                }
            }
        }
        self.due.reset();
        self.oldest_s.reset();
        for (kind, (jobs, age_s)) in totals {
            self.due.with_label_values(&[kind]).set(jobs);
            self.oldest_s.with_label_values(&[kind]).set(age_s);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn depth_and_age_are_what_was_seen_lately() {
        let registry = Registry::new();
        let metrics = JobMetrics::new(&registry).expect("metrics");
        let (now, kind) = (Instant::now(), "A");
        let [one, other] = [1, 2].map(|number| InstitutionId::new(Uuid::from_u128(number)));
        metrics.saw(one, vec![Seen { kind, jobs: 3, age_s: 1.0 }], now);
        metrics.saw(other, vec![Seen { kind, jobs: 2, age_s: 5.0 }], now);
        let shown = |metrics: &JobMetrics| {
            (
                metrics.due.with_label_values(&[kind]).get(),
                metrics.oldest_s.with_label_values(&[kind]).get(),
            )
        };
        metrics.publish(now + Duration::from_secs(1));
        assert_eq!(shown(&metrics), (5, 6.0));
        metrics.saw(other, Vec::new(), now);
        metrics.publish(now);
        assert_eq!(shown(&metrics), (3, 1.0));
        metrics.publish(now + SEEN_FOR);
        assert_eq!(shown(&metrics), (0, 0.0));
    }
}
