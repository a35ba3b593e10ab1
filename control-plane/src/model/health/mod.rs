//! Whether a node takes requests, judged by its heartbeats and by the control plane's own probes. Time is an
//! argument.
//!
//! What must stay true, each a property in `tests.rs`:
//! - Asymmetric: 2 s of silence make a node suspect, 2.5 s down; probes that fail three times in a row do too.
//!   Good heartbeats in a row bring it back, 2 at first, 4 and 8 when it falls again and again.
//! - Nothing flaps: a node that fails every other probe, or says ready every other time, is suspect and stays so.
//! - Only a heartbeat brings a node up, never a probe or the passing of time; a node in good order stays up.
//! - Silence counts only while somebody watched: a control plane that was away condemns nobody.
//!
//! How many may be put down at once is decided over all nodes together: `judgement`.

pub mod judgement;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shard_map::NodeState;

/// Silence that makes a node suspect.
pub const SUSPECT_AFTER: TimeDelta = TimeDelta::milliseconds(2_000);
/// Silence that takes a node out.
pub const DOWN_AFTER: TimeDelta = TimeDelta::milliseconds(2_500);
/// Silence of one missed heartbeat: too little to act on, enough to doubt.
pub const DOUBTFUL_AFTER: TimeDelta = TimeDelta::milliseconds(1_400);
/// Good heartbeats in a row that bring a node back, after its first fall.
pub const GOOD_BEATS: i16 = 2;
/// The same after several falls, each soon after the other.
pub const GOOD_BEATS_MAX: i16 = 8;
/// A node that was up for this long has no falls behind it.
pub const STEADY_AFTER: TimeDelta = TimeDelta::seconds(30);
/// Failed probes in a row that take a node out.
pub const PROBES_DOWN: u8 = 3;
/// Each failed probe adds two, each good one takes one away; from here on the node is suspect. So one failure is
/// forgiven, two in a row are not, and neither is every other one for long.
pub const PROBE_DEBT_SUSPECT: u8 = 4;
const PROBE_DEBT_MAX: u8 = 6;
/// Good probes in a row that settle what earlier ones said.
const PROBES_SETTLE: u8 = 2;
/// A pause of the watch that makes what came before it worthless.
pub const WATCH_GAP: TimeDelta = TimeDelta::seconds(1);

/// What is to be thought of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It lives.
    Up,
    /// Heartbeats have been missed or said that it is not ready, or probes failed.
    Suspect,
    /// It is gone.
    Down,
}

impl Health {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Suspect => "suspect",
            Self::Down => "down",
        }
    }

    /// Reads the word; an unknown one is the most careful.
    pub fn of(word: &str) -> Self {
        match word {
            "up" => Self::Up,
            "suspect" => Self::Suspect,
            _ => Self::Down,
        }
    }
}

/// What was seen of a node besides its heartbeats, as it lies in the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Signs {
    /// How often it fell from up, each time soon after it had come up.
    pub falls: u8,
    /// Since when it is up; of a node that fell, since when it was.
    pub up_since: Option<DateTime<Utc>>,
    /// Two for each failed probe, less one for each good one.
    pub probe_debt: u8,
    /// Failed probes in a row.
    pub probes_failed: u8,
    /// Good probes in a row.
    pub probes_passed: u8,
    /// The last probe.
    pub last_probe_at: Option<DateTime<Utc>>,
}

/// Everything by which a node is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vitals {
    /// The judgement.
    pub health: Health,
    /// Good heartbeats in a row, with no failed probe in between; up to [`GOOD_BEATS_MAX`].
    pub good_beats: i16,
    /// The last heartbeat.
    pub last_beat_at: Option<DateTime<Utc>>,
    /// The last one that said ready.
    pub last_good_at: Option<DateTime<Utc>>,
    /// Probes and falls.
    pub signs: Signs,
}

impl Vitals {
    /// A node that was never seen before: its first good heartbeat brings it up, for it never failed.
    pub fn newcomer() -> Self {
        Self { good_beats: GOOD_BEATS - 1, ..Self::returned() }
    }

    /// A node that came back at another address: what was known of it is worth nothing.
    pub fn returned() -> Self {
        let signs = Signs::default();
        Self { health: Health::Down, good_beats: 0, last_beat_at: None, last_good_at: None, signs }
    }

    /// A heartbeat arrives.
    #[must_use]
    pub fn beat(self, ready: bool, at: DateTime<Utc>) -> Self {
        let late = self.last_beat_at.is_some_and(|last| at - last > SUSPECT_AFTER);
        if !ready {
            let health = if self.health == Health::Up { Health::Suspect } else { self.health };
            return Self { last_beat_at: Some(at), ..self.fallen(health, at) };
        }
        let before = if late { 0 } else { self.good_beats };
        let good_beats = (before + 1).min(GOOD_BEATS_MAX);
        Self { good_beats, last_beat_at: Some(at), last_good_at: Some(at), ..self }.risen(at)
    }

    /// A probe came back.
    #[must_use]
    pub fn probed(self, passed: bool, at: DateTime<Utc>) -> Self {
        let was = self.signs;
        if passed {
            let signs = Signs {
                probe_debt: was.probe_debt.saturating_sub(1),
                probes_failed: 0,
                probes_passed: was.probes_passed.saturating_add(1),
                last_probe_at: Some(at),
                ..was
            };
            return Self { signs, ..self };
        }
        let signs = Signs {
            probe_debt: (was.probe_debt + 2).min(PROBE_DEBT_MAX),
            probes_failed: was.probes_failed.saturating_add(1),
            probes_passed: 0,
            last_probe_at: Some(at),
            ..was
        };
        let seen = Self { signs, good_beats: 0, ..self };
        let falls = seen.health == Health::Up && signs.probe_debt >= PROBE_DEBT_SUSPECT;
        if falls { seen.fallen(Health::Suspect, at) } else { seen }
    }

    /// A person or a checker let go of it: it is not taken for gone until it is judged again.
    #[must_use]
    pub fn released(self) -> Self {
        let was_gone = self.health == Health::Down && self.last_good_at.is_some();
        Self { health: if was_gone { Health::Suspect } else { self.health }, ..self }
    }

    /// Time passes. `watching_since`: since when the node has been watched without a pause. `may_go_down`: whether
    /// it may be put down now.
    #[must_use]
    pub fn tick(self, watching_since: DateTime<Utc>, at: DateTime<Utc>, may_go_down: bool) -> Self {
        if self.is_dead(watching_since, at) {
            match self.health {
                Health::Down => self,
                _ if may_go_down => self.fallen(Health::Down, at),
                Health::Suspect => self,
                Health::Up => self.fallen(Health::Suspect, at),
            }
        } else if self.silence(watching_since, at) > SUSPECT_AFTER && self.health == Health::Up {
            self.fallen(Health::Suspect, at)
        } else {
            self
        }
    }

    /// Whether everything says that the node is gone.
    pub fn is_dead(&self, watching_since: DateTime<Utc>, at: DateTime<Utc>) -> bool {
        self.silence(watching_since, at) > DOWN_AFTER
            || self.probes_failed(watching_since) >= PROBES_DOWN
    }

    /// Whether a good sign is overdue. A watcher who misses them from most nodes doubts himself.
    pub fn is_doubtful(&self, watching_since: DateTime<Utc>, at: DateTime<Utc>) -> bool {
        self.silence(watching_since, at) > DOUBTFUL_AFTER
            || self.probes_failed(watching_since) >= PROBES_DOWN - 1
    }

    /// How long no heartbeat has said ready, while somebody watched.
    pub fn silence(&self, watching_since: DateTime<Utc>, at: DateTime<Utc>) -> TimeDelta {
        at - self.last_good_at.map_or(watching_since, |last| last.max(watching_since))
    }

    /// Why it is so, in words for people.
    pub fn reason(&self, probe_error: Option<&str>, at: DateTime<Utc>) -> String {
        let Signs { probes_failed, probe_debt, .. } = self.signs;
        if self.health == Health::Up {
            return "its heartbeats come".to_owned();
        }
        if probes_failed >= PROBES_DOWN || probe_debt >= PROBE_DEBT_SUSPECT {
            let error = probe_error.unwrap_or("the last one passed");
            return format!("probes of its /readyz failed: {error}");
        }
        match (self.last_beat_at, self.last_good_at) {
            (None, _) => "no heartbeat yet".to_owned(),
            (Some(last), good) if good != Some(last) && at - last <= SUSPECT_AFTER => {
                "it says that it is not ready".to_owned()
            }
            (Some(last), _) if at - last > DOUBTFUL_AFTER => {
                let silence = (at - last).as_seconds_f64();
                format!("no heartbeat for {silence:.1} s")
            }
            _ => format!("{} of {} good heartbeats so far", self.good_beats, self.needed()),
        }
    }

    fn probes_failed(&self, watching_since: DateTime<Utc>) -> u8 {
        let fresh = self.signs.last_probe_at.is_some_and(|last| last >= watching_since);
        if fresh { self.signs.probes_failed } else { 0 }
    }

    /// Good heartbeats in a row that bring it up: twice as many for each fall after the first.
    fn needed(&self) -> i16 {
        (GOOD_BEATS << self.signs.falls.saturating_sub(1).min(2)).min(GOOD_BEATS_MAX)
    }

    fn risen(self, at: DateTime<Utc>) -> Self {
        let Signs { probe_debt, probes_failed, probes_passed, .. } = self.signs;
        let settled = probes_failed == 0 && (probe_debt == 0 || probes_passed >= PROBES_SETTLE);
        if self.health == Health::Up || self.good_beats < self.needed() || !settled {
            return self;
        }
        let signs = Signs { up_since: Some(at), probe_debt: 0, ..self.signs };
        Self { health: Health::Up, signs, ..self }
    }

    /// Sinks to `health`, with what it had earned lost.
    fn fallen(self, health: Health, at: DateTime<Utc>) -> Self {
        let mut signs = self.signs;
        if self.health == Health::Up && health != Health::Up {
            let steady = signs.up_since.is_some_and(|since| at - since >= STEADY_AFTER);
            signs.falls = if steady { 1 } else { signs.falls.saturating_add(1) };
        }
        Self { health, good_beats: 0, signs, ..self }
    }
}

/// What the map says of a node: a person's word stands over a health checker's, and that over what is seen.
pub fn published(cordoned: bool, held_down: bool, health: Health) -> NodeState {
    match health {
        _ if cordoned => NodeState::Cordoned,
        _ if held_down => NodeState::Down,
        Health::Up => NodeState::Up,
        Health::Suspect => NodeState::Suspect,
        Health::Down => NodeState::Down,
    }
}
