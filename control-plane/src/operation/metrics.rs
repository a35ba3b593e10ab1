//! What is measured of moves, and who leads.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts};
use service_kit::metrics::Metrics;

/// Upper bounds of pauses, in seconds: from a few milliseconds to the deadline of a cutover.
const PAUSES_S: [f64; 11] = [0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.3, 0.5, 1.0, 5.0];

/// Counters of the mover.
#[derive(Debug, Clone)]
pub struct MoveMetrics {
    /// 1 while this control plane leads.
    pub leads: IntGauge,
    /// Moves under way.
    pub active: IntGauge,
    /// Moves that ended, by how.
    pub ended: IntCounterVec,
    /// Steps that failed and are tried again.
    pub retries: IntCounter,
    /// Rounds that were written.
    pub rounds: IntCounter,
    /// How long nobody was served.
    pub pause_seconds: Histogram,
}

impl MoveMetrics {
    /// Registers them.
    pub fn new(metrics: &Metrics) -> prometheus::Result<Self> {
        let pauses = HistogramOpts::new(
            "lxp_move_pause_seconds",
            "From the first request of the lock to the target's serving",
        );
        let these = Self {
            leads: IntGauge::new("lxp_leader", "1 where this control plane moves institutions")?,
            active: IntGauge::new("lxp_moves_active", "Moves under way")?,
            ended: IntCounterVec::new(
                Opts::new("lxp_moves_total", "Moves that ended"),
                &["outcome"],
            )?,
            retries: IntCounter::new("lxp_move_retries_total", "Steps of moves that failed")?,
            rounds: IntCounter::new("lxp_move_rounds_total", "Rounds of copies that were written")?,
            pause_seconds: Histogram::with_opts(pauses.buckets(PAUSES_S.to_vec()))?,
        };
        let registry = &metrics.registry;
        registry.register(Box::new(these.leads.clone()))?;
        registry.register(Box::new(these.active.clone()))?;
        registry.register(Box::new(these.ended.clone()))?;
        registry.register(Box::new(these.retries.clone()))?;
        registry.register(Box::new(these.rounds.clone()))?;
        registry.register(Box::new(these.pause_seconds.clone()))?;
        Ok(these)
    }
}
