//! The nodes as the router sees them: where each is, how many requests it has in flight here, and how it
//! does (`health`). Which one is next says `choose`; what may be tried again says `budget`.

mod budget;
mod choose;
mod health;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use shard_map::{MapNode, NodeId, NodeState};

pub(crate) use budget::RetryBudget;
pub(crate) use choose::choose;
pub(crate) use health::{Change, Outcome, Standing};

use health::Health;

/// A node. It outlives maps: what is known of it here stays when the map changes.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Its id.
    pub(crate) id: NodeId,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    in_flight: AtomicUsize,
    /// Whether `health` has to be asked: a sound node costs no lock.
    is_troubled: AtomicBool,
    health: Mutex<Health>,
}

/// A node in a map, with the state that the map gives it.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    /// The node.
    pub(crate) upstream: Arc<Upstream>,
    /// Whether it is sent requests.
    pub(crate) state: NodeState,
}

/// The nodes of a shard, and what its requests may cost in retries.
#[derive(Debug)]
pub(crate) struct Seats {
    /// The nodes, in whatever state.
    pub(crate) seats: Vec<Seat>,
    /// It outlives maps, too.
    pub(crate) budget: Arc<RetryBudget>,
}

/// An attempt at a node. It counts as in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight {
    upstream: Arc<Upstream>,
    is_trial: bool,
    is_judged: bool,
}

impl Upstream {
    /// A node at an address.
    pub(crate) fn new(id: NodeId, address: SocketAddr, now: Instant) -> Self {
        let (in_flight, is_troubled) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { id, address, in_flight, is_troubled, health: Mutex::new(Health::new(now)) }
    }

    /// Whether both are one node; maps may make two of it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || (self.id == other.id && self.address == other.address)
    }

    /// Requests in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How it stands.
    pub(crate) fn standing(&self, now: Instant) -> Standing {
        if self.is_troubled.load(Ordering::Relaxed) {
            self.health().standing(now)
        } else {
            Standing::In
        }
    }

    /// Begins a request; it is a trial where one is due.
    pub(crate) fn begin(self: &Arc<Self>, now: Instant) -> InFlight {
        let is_trial = self.is_troubled.load(Ordering::Relaxed) && self.health().take_trial(now);
        self.attempt(is_trial)
    }

    /// Begins a request if it can be a trial.
    fn begin_trial(self: &Arc<Self>, now: Instant) -> Option<InFlight> {
        self.health().take_trial(now).then(|| self.attempt(true))
    }

    fn attempt(self: &Arc<Self>, is_trial: bool) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight { upstream: Arc::clone(self), is_trial, is_judged: false }
    }

    /// It said that it closes its connections.
    pub(crate) fn leaves(&self, now: Instant) {
        self.health().leaves(now);
        self.is_troubled.store(true, Ordering::Relaxed);
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlight {
    /// The node that it is sent to.
    pub(crate) fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Says what became of it. Only the first word counts, but for a failure after an answer: that is one
    /// that broke off.
    pub(crate) fn judge(&mut self, outcome: Outcome, now: Instant) -> Option<Change> {
        let node = &self.upstream;
        let is_sound = outcome == Outcome::Answered && !node.is_troubled.load(Ordering::Relaxed);
        if is_sound || (self.is_judged && outcome == Outcome::Answered) {
            self.is_judged = true;
            return None;
        }
        self.is_judged = true;
        let is_trial = std::mem::take(&mut self.is_trial);
        let mut health = node.health();
        let change = health.record(outcome, is_trial, now);
        node.is_troubled.store(!health.is_sound(now), Ordering::Relaxed);
        change
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.upstream.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.is_trial {
            self.upstream.health().trial_is_void(Instant::now());
        }
    }
}

/// The address in a node's URL: `http://ip:port`. Host names are not taken: resolving would block.
pub(crate) fn address_of(node: &MapNode) -> Option<SocketAddr> {
    node.url.strip_prefix("http://")?.trim_end_matches('/').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(now: Instant) -> Arc<Upstream> {
        let address = "127.0.0.1:1".parse().expect("an address");
        Arc::new(Upstream::new("a".parse().expect("an id"), address, now))
    }

    #[test]
    fn a_trial_that_is_dropped_is_void() {
        let now = Instant::now();
        let node = upstream(now);
        for _ in 0..2 {
            node.begin(now).judge(Outcome::NoConnection, now);
        }
        let due = now.checked_sub(std::time::Duration::from_secs(1)).expect("a second ago");
        assert!(matches!(node.standing(due), Standing::Out { due: false, .. }));
        let later = now + std::time::Duration::from_secs(1);
        let trial = node.begin(later);
        assert!(trial.is_trial && !node.begin(later).is_trial);
        drop(trial);
        assert_eq!(node.in_flight(), 0);
        assert!(node.begin(later).is_trial);
    }

    #[test]
    fn an_answer_that_breaks_off_is_a_failure() {
        let now = Instant::now();
        let node = upstream(now);
        for _ in 0..5 {
            let mut attempt = node.begin(now);
            attempt.judge(Outcome::Answered, now);
            attempt.judge(Outcome::Failed, now);
        }
        // Each began with an answer: no run. Without the answers there is one.
        assert_eq!(node.standing(now), Standing::In);
        for _ in 0..5 {
            node.begin(now).judge(Outcome::Failed, now);
        }
        assert!(matches!(node.standing(now), Standing::Out { .. }));
    }

    #[test]
    fn only_plain_addresses_are_taken() {
        let node = |url: &str| MapNode {
            id: "a".parse().expect("an id"),
            shard: "s".parse().expect("an id"),
            url: url.to_owned(),
            state: NodeState::Up,
        };
        assert!(address_of(&node("http://127.0.0.1:80/")).is_some());
        assert!(address_of(&node("http://[::1]:80")).is_some());
        for bad in ["http://localhost:80", "https://127.0.0.1:80", "127.0.0.1:80", ""] {
            assert_eq!(address_of(&node(bad)), None, "{bad}");
        }
    }
}
