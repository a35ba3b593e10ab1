//! A map made ready for routing: addresses parsed, nodes by shard, its version as a header's value.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderValue;
use shard_map::{InstitutionId, MapVersion, NodeId, ShardId, ShardMap};

use crate::upstream::{RetryBudget, Seat, Seats, Upstream, address_of};

/// One map, ready for routing.
#[derive(Debug)]
pub(crate) struct View {
    map: Arc<ShardMap>,
    /// `Lxp-Map-Version`.
    pub(crate) version_header: HeaderValue,
    by_shard: HashMap<ShardId, Seats>,
    all: Seats,
}

impl View {
    /// A view of `map`; nodes that `before` has at the same address are taken over, and so are budgets.
    pub(crate) fn new(map: Arc<ShardMap>, before: Option<&Self>, now: Instant) -> Self {
        let known: HashMap<&NodeId, &Arc<Upstream>> = before
            .iter()
            .flat_map(|view| &view.all.seats)
            .map(|seat| (&seat.upstream.id, &seat.upstream))
            .collect();
        let mut by_shard: HashMap<ShardId, Vec<Seat>> = HashMap::new();
        let mut all = Vec::new();
        for node in map.nodes() {
            let Some(address) = address_of(node) else {
                tracing::error!(
                    node.id = node.id.as_str(),
                    node.url = node.url,
                    "A node gets no requests: its URL is not http://ip:port"
                );
                continue;
            };
            let upstream =
                known.get(&node.id).filter(|upstream| upstream.address == address).map_or_else(
                    || Arc::new(Upstream::new(node.id.clone(), address, now)),
                    |upstream| Arc::clone(upstream),
                );
            let seat = Seat { upstream, state: node.state };
            by_shard.entry(node.shard.clone()).or_default().push(seat.clone());
            all.push(seat);
        }
        let seats = |seats, before: Option<&Seats>| {
            let budget = before.map_or_else(
                || Arc::new(RetryBudget::new(now)),
                |before| Arc::clone(&before.budget),
            );
            Seats { seats, budget }
        };
        let by_shard = by_shard
            .into_iter()
            .map(|(shard, nodes)| {
                let known = before.and_then(|view| view.by_shard.get(&shard));
                let seats = seats(nodes, known);
                (shard, seats)
            })
            .collect();
        let all = seats(all, before.map(|view| &view.all));
        Self { version_header: HeaderValue::from(map.version().0), by_shard, all, map }
    }

    /// The map's version.
    pub(crate) fn version(&self) -> MapVersion {
        self.map.version()
    }

    /// Where the map sends an institution.
    pub(crate) fn route(&self, institution: InstitutionId) -> Option<&ShardId> {
        self.map.route(institution)
    }

    /// The nodes of a shard, in whatever state.
    pub(crate) fn seats_of(&self, shard: &ShardId) -> Option<&Seats> {
        self.by_shard.get(shard)
    }

    /// All nodes, in whatever state.
    pub(crate) fn all_seats(&self) -> &Seats {
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use shard_map::{MapNode, MapShard, NodeState, ShardState};

    use super::*;
    use crate::upstream::{Outcome, Standing};

    fn map(version: i64, port: u16, state: NodeState) -> Arc<ShardMap> {
        let shard: ShardId = "shard-a".parse().expect("an id");
        let node = MapNode {
            id: "node-1".parse().expect("an id"),
            shard: shard.clone(),
            url: format!("http://127.0.0.1:{port}"),
            state,
        };
        let shards = [MapShard { id: shard, state: ShardState::Active, weight: 1 }];
        let version = MapVersion(version);
        Arc::new(ShardMap::new(version, version, shards, [node], []).expect("a map"))
    }

    fn view(map: Arc<ShardMap>, before: Option<&View>) -> View {
        View::new(map, before, Instant::now())
    }

    #[test]
    fn a_node_that_stays_keeps_what_is_known_of_it() {
        let now = Instant::now();
        let before = view(map(1, 80, NodeState::Up), None);
        let node = &before.all.seats[0].upstream;
        let _busy = node.begin(now);
        for _ in 0..2 {
            node.begin(now).judge(Outcome::NoConnection, now);
        }
        let after = view(map(2, 80, NodeState::Suspect), Some(&before));
        let seat = &after.all.seats[0];
        assert_eq!(seat.upstream.in_flight(), 1);
        assert!(matches!(seat.upstream.standing(now), Standing::Out { .. }));
        assert_eq!(seat.state, NodeState::Suspect);
        assert_eq!(after.version_header, "2");
    }

    #[test]
    fn a_shard_keeps_its_retry_budget() {
        let now = Instant::now();
        let shard: ShardId = "shard-a".parse().expect("an id");
        let before = view(map(1, 80, NodeState::Up), None);
        let spent = before.seats_of(&shard).expect("seats").budget.as_ref();
        while spent.retry(now) {}
        let after = view(map(2, 81, NodeState::Up), Some(&before));
        assert!(!after.seats_of(&shard).expect("seats").budget.retry(now));
    }

    #[test]
    fn a_node_at_another_address_is_another() {
        let before = view(map(1, 80, NodeState::Up), None);
        let _busy = before.all.seats[0].upstream.begin(Instant::now());
        let after = view(map(2, 81, NodeState::Up), Some(&before));
        assert_eq!(after.all.seats[0].upstream.in_flight(), 0);
    }
}
