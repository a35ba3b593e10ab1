//! The lease: for how long this node may answer.
//!
//! What must stay true:
//! - It holds for 2 s from the moment at which the last successful poll *began*.
//! - Its clock goes on while the process is stopped and while the machine sleeps (`CLOCK_BOOTTIME`).
//! - It is taken back at once where the primary turns out to be another one.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use nix::time::ClockId;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

/// How long one poll holds.
const LASTS: Duration = Duration::from_secs(2);

/// A request without a lease waits no longer than this for one.
const PATIENCE: Duration = Duration::from_secs(2);

const NONE: i64 = i64::MIN;

/// A moment of the lease's clock, in ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64);

impl Moment {
    /// Now.
    pub(super) fn now() -> Self {
        // Linux has this clock since 2.6.39. Where it cannot be read, nothing ever holds.
        let read = ClockId::CLOCK_BOOTTIME.now();
        Self(read.map_or(NONE, |time| {
            time.tv_sec().saturating_mul(1_000).saturating_add(time.tv_nsec() / 1_000_000)
        }))
    }

    /// How long ago it was; none where it lies ahead.
    pub(super) fn age(self) -> Option<Duration> {
        let ms = Self::now().0.checked_sub(self.0)?;
        u64::try_from(ms).ok().map(Duration::from_millis)
    }
}

/// What tells one lease from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    lapses: u64,
    revocations: u64,
}

/// The lease.
#[derive(Debug)]
pub struct Lease {
    /// When the last successful poll began.
    since: AtomicI64,
    /// Raised each time it had run out before it was renewed.
    lapses: AtomicU64,
    /// Raised each time it was taken back.
    revocations: AtomicU64,
    /// Counts polls that have ended, whatever came of them.
    polls: watch::Sender<u64>,
    wanted: Notify,
}

impl Default for Lease {
    fn default() -> Self {
        Self {
            since: AtomicI64::new(NONE),
            lapses: AtomicU64::new(0),
            revocations: AtomicU64::new(0),
            polls: watch::Sender::new(0),
            wanted: Notify::new(),
        }
    }
}

impl Lease {
    /// Whether the node may answer now.
    pub fn holds(&self) -> bool {
        let since = self.since.load(Ordering::Acquire);
        since != NONE && Moment(since).age().is_some_and(|age| age < LASTS)
    }

    /// Which lease this is: one that was lost is not the one that came after it.
    pub fn term(&self) -> Term {
        let lapses = self.lapses.load(Ordering::Acquire);
        Term { lapses, revocations: self.revocations.load(Ordering::Acquire) }
    }

    /// Whether the lease of that term still holds, without a gap.
    pub fn holds_since(&self, term: Term) -> bool {
        self.holds() && self.term() == term
    }

    /// Whether it holds, and never was for another primary since that term.
    pub fn is_of_the_primary_of(&self, term: Term) -> bool {
        self.holds() && self.term().revocations == term.revocations
    }

    /// The next poll comes at once.
    pub fn ask(&self) {
        self.wanted.notify_one();
    }

    /// Whether it holds, after one more poll if it does not; waits at most to `deadline`.
    pub async fn renewed(&self, deadline: std::time::Instant) -> bool {
        if self.holds() {
            return true;
        }
        let mut polls = self.polls.subscribe();
        let before = *polls.borrow_and_update();
        self.ask();
        // The next one to end may have begun before this request came.
        let ended = polls.wait_for(|polls| self.holds() || *polls >= before + 2);
        let deadline = Instant::from_std(deadline).min(Instant::now() + PATIENCE);
        let _ = timeout_at(deadline, ended).await;
        self.holds()
    }

    /// A poll that began then has succeeded.
    pub(super) fn confirm(&self, began: Moment) {
        if !self.holds() {
            self.lapses.fetch_add(1, Ordering::AcqRel);
        }
        self.since.fetch_max(began.0, Ordering::AcqRel);
    }

    /// Nothing is answered until the next successful poll.
    pub(super) fn revoke(&self) {
        self.revocations.fetch_add(1, Ordering::AcqRel);
        self.since.store(NONE, Ordering::Release);
    }

    /// The same, where somebody else than a poll found out: it comes at once.
    pub(super) fn suspect(&self) {
        self.revoke();
        self.ask();
    }

    /// A poll has ended.
    pub(super) fn polled(&self) {
        self.polls.send_modify(|polls| *polls += 1);
    }

    /// Comes when somebody waits for a poll.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ago(ms: i64) -> Moment {
        Moment(Moment::now().0 - ms)
    }

    #[test]
    fn it_holds_for_two_seconds_from_the_beginning_of_the_poll() {
        let lease = Lease::default();
        assert!(!lease.holds(), "before the first poll");
        lease.confirm(ago(1_000));
        assert!(lease.holds());
        let lease = Lease::default();
        lease.confirm(ago(2_001));
        assert!(!lease.holds());
    }

    #[test]
    fn a_poll_that_ends_late_takes_nothing_back() {
        let lease = Lease::default();
        lease.confirm(ago(0));
        lease.confirm(ago(5_000));
        assert!(lease.holds());
        lease.revoke();
        assert!(!lease.holds());
    }

    #[test]
    fn a_lease_that_was_lost_is_not_the_one_that_came_after_it() {
        let lease = Lease::default();
        lease.confirm(ago(1_000));
        let term = lease.term();
        assert!(lease.holds_since(term));
        while lease.holds() {
            std::thread::sleep(Duration::from_millis(5));
        }
        lease.confirm(ago(0));
        assert!(lease.holds() && !lease.holds_since(term), "frozen meanwhile");
        let term = lease.term();
        lease.confirm(ago(0));
        assert!(lease.holds_since(term), "renewed in time");
        lease.revoke();
        lease.confirm(ago(0));
        assert!(!lease.holds_since(term), "revoked meanwhile");
    }

    #[tokio::test]
    async fn who_waits_for_a_poll_goes_on_when_it_has_failed() {
        let lease = std::sync::Arc::new(Lease::default());
        let waiting = tokio::spawn({
            let lease = lease.clone();
            async move { lease.renewed(std::time::Instant::now() + Duration::from_mins(1)).await }
        });
        lease.wanted().await;
        lease.polled();
        lease.polled();
        assert!(!waiting.await.expect("no panic"));
    }
}
