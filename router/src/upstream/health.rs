//! What the router makes of a node by what it sees of it. A pure state machine over a clock that is given.
//!
//! What must stay true (the property tests below):
//! - A node is put out by failures in a row and nothing else: one answer ends the run.
//! - While it is out, at most one request at a time tries it, none before its back-off has passed, and only
//!   a trial's answer brings it back.
//! - The back-off doubles with each time out, up to [`BACK_OFF_MAX`], and shrinks only by [`CALM`] without a
//!   failure: however its failures fall, a node that never is calm goes out a bounded number of times.
//! - Once back, its share of the load grows from [`SHARE_MIN`] to the whole over [`SLOW_START`].
//!
//! Left alone on purpose: how many of a shard's nodes may be out at once (`choose` says), and what the map
//! says of a node (it outranks all of this).

use std::time::{Duration, Instant};

/// Failed connections in a row that put a node out: there is nobody, that is plain.
const NO_CONNECTIONS_TO_GO: u32 = 2;

/// Failures of any kind in a row that put a node out.
const FAILURES_TO_GO: u32 = 5;

/// How long a node is out for the first time.
const BACK_OFF: Duration = Duration::from_secs(1);

/// How often the back-off doubles.
const LEVEL_MAX: u32 = 4;

/// Longest time between two trials.
#[cfg(test)]
const BACK_OFF_MAX: Duration = Duration::from_secs(16);

/// So long without a failure takes one doubling back.
const CALM: Duration = Duration::from_secs(30);

/// How long a node that is back takes to get its whole share.
const SLOW_START: Duration = Duration::from_secs(10);

/// The share that it begins with.
const SHARE_MIN: f64 = 0.1;

/// How long a node that said it will close its connections is passed over.
const LEAVING: Duration = Duration::from_secs(5);

/// What became of an attempt, as far as the node is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It answered; a refusal is an answer.
    Answered,
    /// No connection could be made.
    NoConnection,
    /// The connection broke, no answer came in time, or the node said that it is broken.
    Failed,
}

/// How a node stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Standing {
    /// It takes its whole share.
    In,
    /// It takes this part of its share.
    Ramping(f64),
    /// It is about to go: better another one.
    Leaving,
    /// It is out since then; `due` where it may be tried.
    Out {
        /// Since when.
        since: Instant,
        /// Whether its back-off has passed and nobody tries it now.
        due: bool,
    },
}

/// A change that is worth a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is out, and tried again after this long.
    Out(Duration),
    /// It is back.
    Back,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// It serves; since then, if it was out before.
    In { back_since: Option<Instant> },
    /// It is not to be sent anything until then.
    Out { since: Instant, until: Instant },
    /// One request tries it.
    Trial { since: Instant },
}

/// A node's health.
#[derive(Debug)]
pub(crate) struct Health {
    phase: Phase,
    /// Failures in a row.
    run: u32,
    /// How often the next back-off is doubled.
    level: u32,
    /// When it failed last, came back last, or lost a level.
    calm_since: Instant,
    leaving_until: Option<Instant>,
}

impl Health {
    /// A node that nothing is known of: it serves.
    pub(crate) fn new(now: Instant) -> Self {
        let phase = Phase::In { back_since: None };
        Self { phase, run: 0, level: 0, calm_since: now, leaving_until: None }
    }

    /// Whether there is nothing to consider about it.
    pub(crate) fn is_sound(&self, now: Instant) -> bool {
        self.run == 0 && self.standing(now) == Standing::In
    }

    /// How it stands.
    pub(crate) fn standing(&self, now: Instant) -> Standing {
        let share = match self.phase {
            Phase::Out { since, until } => return Standing::Out { since, due: now >= until },
            Phase::Trial { since } => return Standing::Out { since, due: false },
            Phase::In { back_since: None } => 1.0,
            Phase::In { back_since: Some(back) } => {
                now.saturating_duration_since(back).as_secs_f64() / SLOW_START.as_secs_f64()
            }
        };
        if self.leaving_until.is_some_and(|until| now < until) {
            Standing::Leaving
        } else if share < 1.0 {
            Standing::Ramping(share.max(SHARE_MIN))
        } else {
            Standing::In
        }
    }

    /// Makes a request the trial of a node that is out; true where it is.
    pub(crate) fn take_trial(&mut self, now: Instant) -> bool {
        match self.phase {
            Phase::Out { since, until } if now >= until => {
                self.phase = Phase::Trial { since };
                true
            }
            _ => false,
        }
    }

    /// The trial ended without an outcome: another may try.
    pub(crate) fn trial_is_void(&mut self, now: Instant) {
        if let Phase::Trial { since } = self.phase {
            self.phase = Phase::Out { since, until: now };
        }
    }

    /// It said that it closes its connections: it stops. What answers there later begins cold, and so with
    /// a small share.
    pub(crate) fn leaves(&mut self, now: Instant) {
        let until = now + LEAVING;
        self.leaving_until = Some(until);
        if let Phase::In { back_since } = &mut self.phase {
            *back_since = Some(until);
        }
    }

    /// What became of an attempt.
    pub(crate) fn record(
        &mut self,
        outcome: Outcome,
        is_trial: bool,
        now: Instant,
    ) -> Option<Change> {
        match (self.phase, outcome) {
            (Phase::In { .. }, Outcome::Answered) => {
                self.run = 0;
                None
            }
            (Phase::In { .. }, _) => {
                self.run += 1;
                self.calm_down(now);
                let lost = outcome == Outcome::NoConnection && self.run >= NO_CONNECTIONS_TO_GO;
                (lost || self.run >= FAILURES_TO_GO).then(|| self.goes_out(now, now))
            }
            (Phase::Trial { .. }, Outcome::Answered) if is_trial => {
                *self = Self {
                    phase: Phase::In { back_since: Some(now) },
                    run: 0,
                    level: self.level,
                    calm_since: now,
                    leaving_until: None,
                };
                Some(Change::Back)
            }
            (Phase::Trial { since }, _) if is_trial => Some(self.goes_out(since, now)),
            // An attempt from before it went out says nothing new.
            (Phase::Out { .. } | Phase::Trial { .. }, _) => None,
        }
    }

    fn goes_out(&mut self, since: Instant, now: Instant) -> Change {
        let back_off = BACK_OFF * 2_u32.pow(self.level);
        self.level = (self.level + 1).min(LEVEL_MAX);
        self.phase = Phase::Out { since, until: now + back_off };
        self.run = 0;
        Change::Out(back_off)
    }

    /// A failure ends a calm time, for which levels are given back.
    fn calm_down(&mut self, now: Instant) {
        let calm_s = now.saturating_duration_since(self.calm_since).as_secs();
        let levels = u32::try_from(calm_s / CALM.as_secs()).unwrap_or(u32::MAX);
        self.level = self.level.saturating_sub(levels);
        self.calm_since = now;
    }
}

#[cfg(test)]
#[path = "health_test.rs"]
mod tests;
