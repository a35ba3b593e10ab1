//! Whether Redis answers, and whether it can be believed. Pure: time comes in as an argument.
//!
//! What must stay true:
//! - After a failure Redis is not asked until a probe has found it; a failed read alone casts no doubt.
//! - Whenever Redis can have kept what is stale, there is a doubt, and it is not believed: an invalidation failed
//!   here (ours, or one that another node's news asked for), we were deaf to the news, or nobody watched.
//! - A doubt ends by a relay round that began [`SETTLE`] after it and left nothing behind: by then every event of
//!   before is due (`work_ready`: 2 s), so each invalidation that failed has been repeated.

use std::time::{Duration, Instant};

/// A little more than the age at which the relay takes an event.
const SETTLE: Duration = Duration::from_millis(2_200);

/// Without a good probe for so long nobody watched: this process was frozen, or starved.
const WATCHED: Duration = Duration::from_secs(2);

/// What is known of Redis.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Whether it answered when it was asked last.
    reachable: bool,
    probed_at: Option<Instant>,
    /// Since when news of other nodes arrive.
    listening_at: Option<Instant>,
    doubted_at: Option<Instant>,
    /// How many doubts there were.
    doubts: u64,
    /// How many have ended, and one for the start: who knows what happened before?
    settled: u64,
}

impl Health {
    /// A call or a probe failed. Answers whether that is new.
    pub(super) fn failed(&mut self) -> bool {
        std::mem::take(&mut self.reachable)
    }

    /// A probe succeeded.
    pub(super) fn answered(&mut self, now: Instant) {
        if self.probed_at.is_some() && self.reachable && !self.was_watched(now) {
            self.doubt(now);
        }
        self.reachable = true;
        self.probed_at = Some(now);
    }

    /// It may have kept what is stale.
    pub(super) fn doubt(&mut self, now: Instant) {
        self.doubts += 1;
        self.doubted_at = Some(now);
    }

    /// The news began or ended to arrive.
    pub(super) fn listening(&mut self, listening: bool, now: Instant) {
        if listening {
            self.listening_at.get_or_insert(now);
        } else if self.listening_at.take().is_some() {
            self.doubt(now);
        }
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.reachable
    }

    pub(super) fn is_trusted(&self, now: Instant) -> bool {
        self.reachable
            && self.listening_at.is_some()
            && self.settled == self.doubts + 1
            && self.was_watched(now)
    }

    /// What a relay round that begins now would settle.
    pub(super) fn ticket(&self, now: Instant) -> Option<u64> {
        let sound_since = self.listening_at?.max(self.doubted_at.or(self.listening_at)?);
        let settled = now.saturating_duration_since(sound_since) >= SETTLE;
        (self.reachable && settled).then_some(self.doubts + 1)
    }

    /// Such a round has left nothing behind. Answers whether Redis is believed from now on.
    pub(super) fn settle(&mut self, ticket: u64) -> bool {
        let new = self.settled < ticket;
        self.settled = self.settled.max(ticket);
        new && self.settled == self.doubts + 1
    }

    fn was_watched(&self, now: Instant) -> bool {
        self.probed_at.is_some_and(|at| now.saturating_duration_since(at) < WATCHED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// One that is believed, and the time.
    fn trusted() -> (Health, Instant) {
        let start = Instant::now();
        let mut health = Health::default();
        health.answered(start);
        health.listening(true, start);
        assert!(!health.is_trusted(start) && health.is_reachable());
        assert_eq!(health.ticket(start + 2_100 * MS), None);
        let now = start + 2_200 * MS;
        let ticket = health.ticket(now).expect("a ticket");
        health.probed_at = Some(now);
        assert!(health.settle(ticket) && health.is_trusted(now));
        (health, now)
    }

    #[test]
    fn a_failure_ends_the_asking_until_the_next_probe_and_casts_no_doubt() {
        let (mut health, now) = trusted();
        assert!(health.failed() && !health.failed());
        assert!(!health.is_reachable() && !health.is_trusted(now));
        assert_eq!(health.ticket(now), None);
        health.answered(now + MS);
        assert!(health.is_trusted(now + MS));
    }

    #[test]
    fn a_missed_invalidation_ends_belief_until_a_round_that_began_late_enough() {
        let (mut health, now) = trusted();
        let before = health.ticket(now).expect("a ticket");
        health.doubt(now);
        assert!(health.is_reachable() && !health.is_trusted(now));
        assert!(!health.settle(before), "a round of before proves nothing");
        assert_eq!(health.ticket(now + 2_100 * MS), None);
        let later = now + 2_200 * MS;
        let ticket = health.ticket(later).expect("a ticket");
        health.probed_at = Some(later);
        assert!(health.settle(ticket) && health.is_trusted(later));
    }

    #[test]
    fn a_round_during_which_one_was_missed_settles_nothing() {
        let (mut health, now) = trusted();
        health.doubt(now);
        let later = now + 2_200 * MS;
        let ticket = health.ticket(later).expect("a ticket");
        health.doubt(later);
        health.probed_at = Some(later);
        assert!(!health.settle(ticket) && !health.is_trusted(later));
    }

    #[test]
    fn deafness_and_a_pause_are_doubts() {
        let (mut health, now) = trusted();
        health.listening(false, now);
        health.listening(true, now);
        assert!(!health.is_trusted(now) && health.is_reachable());
        let (mut health, now) = trusted();
        assert!(!health.is_trusted(now + 2_000 * MS), "nobody watched");
        health.answered(now + 2_000 * MS);
        assert!(!health.is_trusted(now + 2_000 * MS), "who knows what happened meanwhile");
    }
}
