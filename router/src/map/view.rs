//! A map made ready for routing: addresses parsed, nodes by shard, its version as a header's value.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderValue;
use shard_map::{InstitutionId, MapVersion, NodeId, ShardId, ShardMap};

use crate::upstream::{Seat, Upstream, address_of};

/// One map, ready for routing.
#[derive(Debug)]
pub(crate) struct View {
    map: Arc<ShardMap>,
    /// `Lxp-Map-Version`.
    pub(crate) version_header: HeaderValue,
    by_shard: HashMap<ShardId, Vec<Seat>>,
    all: Vec<Seat>,
}

impl View {
    /// A view of `map`; nodes that `before` has at the same address are taken over.
    pub(crate) fn new(map: Arc<ShardMap>, before: Option<&Self>) -> Self {
        let known: HashMap<&NodeId, &Arc<Upstream>> = before
            .iter()
            .flat_map(|view| &view.all)
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
                    || Arc::new(Upstream::new(node.id.clone(), address)),
                    |upstream| Arc::clone(upstream),
                );
            let seat = Seat { upstream, state: node.state };
            by_shard.entry(node.shard.clone()).or_default().push(seat.clone());
            all.push(seat);
        }
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
    pub(crate) fn seats_of(&self, shard: &ShardId) -> &[Seat] {
        self.by_shard.get(shard).map_or(&[], Vec::as_slice)
    }

    /// All nodes, in whatever state.
    pub(crate) fn all_seats(&self) -> &[Seat] {
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use shard_map::{MapNode, MapShard, NodeState, ShardState};

    use super::*;

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

    #[test]
    fn a_node_that_stays_keeps_its_count() {
        let before = View::new(map(1, 80, NodeState::Up), None);
        let _busy = before.all[0].upstream.begin();
        let after = View::new(map(2, 80, NodeState::Suspect), Some(&before));
        assert_eq!(after.all[0].upstream.in_flight(), 1);
        assert_eq!(after.all[0].state, NodeState::Suspect);
        assert_eq!(after.version_header, "2");
    }

    #[test]
    fn a_node_at_another_address_is_another() {
        let before = View::new(map(1, 80, NodeState::Up), None);
        let _busy = before.all[0].upstream.begin();
        let after = View::new(map(2, 81, NodeState::Up), Some(&before));
        assert_eq!(after.all[0].upstream.in_flight(), 0);
    }
}
