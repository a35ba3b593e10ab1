//! The nodes as the router sees them: where each is, and how many requests it has in flight here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shard_map::{MapNode, NodeId, NodeState};

/// A node. It outlives maps: what is counted here stays when the map changes.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Its id.
    pub(crate) id: NodeId,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    in_flight: AtomicUsize,
}

/// A node in a map, with the state that the map gives it.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    /// The node.
    pub(crate) upstream: Arc<Upstream>,
    /// Whether it is sent requests.
    pub(crate) state: NodeState,
}

/// Counts a request as in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Upstream>);

impl Upstream {
    /// A node at an address.
    pub(crate) fn new(id: NodeId, address: SocketAddr) -> Self {
        Self { id, address, in_flight: AtomicUsize::new(0) }
    }

    /// Requests in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Begins a request.
    pub(crate) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }
}

impl InFlight {
    /// The node that it is sent to.
    pub(crate) fn upstream(&self) -> &Arc<Upstream> {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The address in a node's URL: `http://ip:port`. Host names are not taken: resolving would block.
pub(crate) fn address_of(node: &MapNode) -> Option<SocketAddr> {
    node.url.strip_prefix("http://")?.trim_end_matches('/').parse().ok()
}

/// The node to send to: among those that are up, else among the suspect ones, the one with the fewest
/// requests in flight; `rotation` breaks ties. Nodes that `skip` names are left out.
pub(crate) fn choose(
    seats: &[Seat],
    rotation: usize,
    skip: impl Fn(&Upstream) -> bool,
) -> Option<&Arc<Upstream>> {
    [NodeState::Up, NodeState::Suspect].into_iter().find_map(|state| {
        let start = rotation % seats.len().max(1);
        let (before, from) = seats.split_at(start);
        from.iter()
            .chain(before)
            .filter(|seat| seat.state == state && !skip(&seat.upstream))
            .map(|seat| &seat.upstream)
            .min_by_key(|upstream| upstream.in_flight())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(id: &str, state: NodeState) -> Seat {
        let address = "127.0.0.1:1".parse().expect("an address");
        Seat { upstream: Arc::new(Upstream::new(id.parse().expect("an id"), address)), state }
    }

    fn chosen(seats: &[Seat], rotation: usize, skip: &[&str]) -> Option<String> {
        choose(seats, rotation, |node| skip.contains(&node.id.as_str())).map(|n| n.id.to_string())
    }

    #[test]
    fn ties_are_broken_in_turn() {
        let seats = [seat("a", NodeState::Up), seat("b", NodeState::Up)];
        assert_eq!(chosen(&seats, 0, &[]).as_deref(), Some("a"));
        assert_eq!(chosen(&seats, 1, &[]).as_deref(), Some("b"));
        assert_eq!(chosen(&seats, 2, &[]).as_deref(), Some("a"));
    }

    #[test]
    fn the_least_loaded_wins() {
        let seats = [seat("a", NodeState::Up), seat("b", NodeState::Up)];
        let busy = seats[0].upstream.begin();
        assert_eq!(chosen(&seats, 0, &[]).as_deref(), Some("b"));
        drop(busy);
        assert_eq!(seats[0].upstream.in_flight(), 0);
    }

    #[test]
    fn a_suspect_is_used_only_when_none_is_up() {
        let seats = [seat("a", NodeState::Suspect), seat("b", NodeState::Up)];
        assert_eq!(chosen(&seats, 0, &[]).as_deref(), Some("b"));
        assert_eq!(chosen(&seats, 0, &["b"]).as_deref(), Some("a"));
        assert_eq!(chosen(&seats, 0, &["a", "b"]), None);
    }

    #[test]
    fn down_and_cordoned_nodes_get_nothing() {
        let seats = [seat("a", NodeState::Down), seat("b", NodeState::Cordoned)];
        assert_eq!(chosen(&seats, 0, &[]), None);
        assert_eq!(chosen(&[], 3, &[]), None);
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
