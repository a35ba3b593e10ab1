//! Whether a node takes requests, judged by its heartbeats. Time is an argument.
//!
//! What must stay true:
//! - Asymmetric: 2 s of silence make it suspect, 3 s down; 2 good heartbeats in a row bring it back.
//! - Nothing flaps: between two comings-up lie at least two good heartbeats, none missed in between.
//! - Silence counts only while somebody watched: a control plane that was away condemns nobody.

use chrono::{DateTime, TimeDelta, Utc};
use shard_map::NodeState;

/// Silence that makes a node suspect.
pub const SUSPECT_AFTER: TimeDelta = TimeDelta::seconds(2);
/// Silence that takes a node out.
pub const DOWN_AFTER: TimeDelta = TimeDelta::seconds(3);
/// Good heartbeats in a row that bring it back.
pub const GOOD_BEATS: i16 = 2;
/// A pause of the watch that makes what came before it worthless.
pub const WATCH_GAP: TimeDelta = TimeDelta::seconds(2);

/// What heartbeats say of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// They come.
    Up,
    /// They have been missed, or said that the node is not ready.
    Suspect,
    /// They stay away.
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

/// A node's heartbeats so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vitals {
    /// What they say.
    pub health: Health,
    /// Good ones in a row, up to [`GOOD_BEATS`].
    pub good_beats: i16,
    /// The last one.
    pub last_beat_at: Option<DateTime<Utc>>,
    /// The last one that said ready.
    pub last_good_at: Option<DateTime<Utc>>,
}

impl Vitals {
    /// A node that was never seen before: its first good heartbeat brings it up, for it never failed.
    pub const fn newcomer() -> Self {
        Self {
            health: Health::Down,
            good_beats: GOOD_BEATS - 1,
            last_beat_at: None,
            last_good_at: None,
        }
    }

    /// A node that came back at another address: what was known of it is worth nothing.
    pub const fn returned() -> Self {
        Self { health: Health::Down, good_beats: 0, last_beat_at: None, last_good_at: None }
    }

    /// A heartbeat arrives.
    #[must_use]
    pub fn beat(self, ready: bool, at: DateTime<Utc>) -> Self {
        let late = self.last_beat_at.is_some_and(|last| at - last > SUSPECT_AFTER);
        let before = if late { 0 } else { self.good_beats };
        if !ready {
            let health = if self.health == Health::Up { Health::Suspect } else { self.health };
            return Self { health, good_beats: 0, last_beat_at: Some(at), ..self };
        }
        let good_beats = (before + 1).min(GOOD_BEATS);
        let health = if good_beats >= GOOD_BEATS { Health::Up } else { self.health };
        Self { health, good_beats, last_beat_at: Some(at), last_good_at: Some(at) }
    }

    /// Time passes. `watching_since`: since when heartbeats have been watched without a pause.
    #[must_use]
    pub fn tick(self, watching_since: DateTime<Utc>, at: DateTime<Utc>) -> Self {
        let heard = self.last_good_at.map_or(watching_since, |last| last.max(watching_since));
        let silence = at - heard;
        if silence > DOWN_AFTER && self.health != Health::Down {
            Self { health: Health::Down, good_beats: 0, ..self }
        } else if silence > SUSPECT_AFTER && self.health == Health::Up {
            Self { health: Health::Suspect, good_beats: 0, ..self }
        } else {
            self
        }
    }
}

/// What the map says of a node: a person's word stands over a health checker's, and that over heartbeats.
pub fn published(cordoned: bool, held_down: bool, health: Health) -> NodeState {
    match health {
        _ if cordoned => NodeState::Cordoned,
        _ if held_down => NodeState::Down,
        Health::Up => NodeState::Up,
        Health::Suspect => NodeState::Suspect,
        Health::Down => NodeState::Down,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms)
    }

    fn up() -> Vitals {
        Vitals::newcomer().beat(true, at(0))
    }

    #[test]
    fn a_newcomer_is_up_with_its_first_good_heartbeat() {
        assert_eq!(Vitals::newcomer().health, Health::Down);
        assert_eq!(up().health, Health::Up);
        assert_eq!(Vitals::newcomer().beat(false, at(0)).health, Health::Down);
    }

    #[test]
    fn silence_makes_suspect_after_2_s_and_down_after_3_s() {
        let health = |ms| up().tick(at(0), at(ms)).health;
        assert_eq!(health(2_000), Health::Up);
        assert_eq!(health(2_001), Health::Suspect);
        assert_eq!(health(3_000), Health::Suspect);
        assert_eq!(health(3_001), Health::Down);
    }

    #[test]
    fn one_good_heartbeat_does_not_bring_it_back_and_two_do() {
        let down = up().tick(at(0), at(10_000));
        let once = down.beat(true, at(11_000));
        assert_eq!(once.health, Health::Down);
        assert_eq!(once.beat(true, at(12_000)).health, Health::Up);
        assert_eq!(once.beat(true, at(14_000)).health, Health::Down, "the second came too late");
    }

    #[test]
    fn a_node_that_is_not_ready_is_suspect_at_once_and_down_when_it_stays_so() {
        let draining = up().beat(false, at(1_000));
        assert_eq!(draining.health, Health::Suspect);
        let later = draining.beat(false, at(2_000)).beat(false, at(3_000));
        assert_eq!(later.tick(at(0), at(3_500)).health, Health::Down);
    }

    #[test]
    fn silence_while_nobody_watched_condemns_nobody() {
        let hour = 3_600_000;
        assert_eq!(up().tick(at(hour - 1_000), at(hour)).health, Health::Up);
        assert_eq!(up().tick(at(hour - 3_500), at(hour)).health, Health::Down);
    }

    #[test]
    fn a_person_stands_over_a_checker_and_that_over_heartbeats() {
        assert_eq!(published(true, true, Health::Up), NodeState::Cordoned);
        assert_eq!(published(false, true, Health::Up), NodeState::Down);
        assert_eq!(published(false, false, Health::Suspect), NodeState::Suspect);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Beat(bool),
        Tick,
    }

    fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
        let step = prop_oneof![
            4 => Just(Step::Beat(true)),
            1 => Just(Step::Beat(false)),
            4 => Just(Step::Tick),
        ];
        proptest::collection::vec((1..4_000_i64, step), 1..200)
    }

    proptest! {
        #[test]
        fn between_two_comings_up_lie_two_good_heartbeats(steps in steps()) {
            let (mut vitals, mut now, mut good) = (Vitals::returned(), 0, 0);
            for (pause, step) in steps {
                now += pause;
                let before = vitals.health;
                match step {
                    Step::Beat(ready) => {
                        vitals = vitals.beat(ready, at(now));
                        good = if ready { good + 1 } else { 0 };
                    }
                    Step::Tick => vitals = vitals.tick(at(0), at(now)),
                }
                if before != Health::Up && vitals.health == Health::Up {
                    prop_assert!(good >= 2, "up after {good} good heartbeats");
                }
                if before == Health::Up && vitals.health != Health::Up {
                    good = 0;
                }
            }
        }

        #[test]
        fn a_node_whose_heartbeats_come_stays_up(pauses in proptest::collection::vec(1..=2_000_i64, 1..100)) {
            let (mut vitals, mut now) = (up(), 0);
            for pause in pauses {
                vitals = vitals.tick(at(0), at(now + pause));
                prop_assert_eq!(vitals.health, Health::Up);
                now += pause;
                vitals = vitals.beat(true, at(now));
                prop_assert_eq!(vitals.health, Health::Up);
            }
        }

        #[test]
        fn a_tick_alone_never_brings_a_node_up(steps in steps(), ms in 0..1_000_000_i64) {
            let mut vitals = Vitals::returned();
            for (index, (_, step)) in steps.into_iter().enumerate() {
                if let Step::Beat(ready) = step {
                    vitals = vitals.beat(ready, at(i64::try_from(index).unwrap_or(0) * 500));
                }
            }
            let ticked = vitals.tick(at(0), at(ms));
            prop_assert!(ticked.health == vitals.health || ticked.health != Health::Up);
        }
    }
}
