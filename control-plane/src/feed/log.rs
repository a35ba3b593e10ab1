//! One published map with the last changes that led to it, from which deltas are made.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use shard_map::{
    Entries, InstitutionId, MapDelta, MapNode, MapShard, MapVersion, NodeId, Removal, ShardId,
    ShardMap,
};

use crate::model::ring_change::LISTED_MAX;

/// Changes that are kept: whoever is further behind gets the whole map.
pub(super) const LOG_MAX: usize = 1_024;

/// What one version changed.
#[derive(Debug, Clone)]
pub(super) struct LogEntry {
    pub(super) version: MapVersion,
    pub(super) set: Entries,
    pub(super) remove: Removal,
}

/// One version of the map.
#[derive(Debug)]
pub struct Published {
    map: Arc<ShardMap>,
    checksum: String,
    log: VecDeque<Arc<LogEntry>>,
    snapshot: OnceLock<Bytes>,
    /// The delta from the version before, which is what nearly every watcher gets.
    step: OnceLock<Bytes>,
}

/// What a watcher is told.
#[derive(Debug)]
pub enum Answer {
    /// What changed.
    Delta(MapDelta),
    /// The whole map.
    Snapshot(Arc<Published>),
}

impl Published {
    pub(super) fn new(map: Arc<ShardMap>, log: VecDeque<Arc<LogEntry>>) -> Self {
        let checksum = map.checksum();
        Self { map, checksum, log, snapshot: OnceLock::new(), step: OnceLock::new() }
    }

    /// The map.
    pub fn map(&self) -> &ShardMap {
        &self.map
    }

    /// Its version.
    pub fn version(&self) -> MapVersion {
        self.map.version()
    }

    /// The whole map as JSON, encoded once.
    pub fn snapshot_json(&self) -> Bytes {
        let encode = || {
            // Ids, numbers and words: that always serialises.
            serde_json::to_vec(&self.map.to_snapshot()).unwrap_or_default().into()
        };
        self.snapshot.get_or_init(encode).clone()
    }

    /// [`Published::since`] as JSON. The last step is encoded once, however many are told of it.
    pub fn since_json(self: &Arc<Self>, after: MapVersion) -> Bytes {
        let encode = || match self.since(after) {
            Answer::Snapshot(published) => published.snapshot_json(),
            Answer::Delta(delta) => serde_json::to_vec(&delta).unwrap_or_default().into(),
        };
        if after.next() == self.version() {
            self.step.get_or_init(encode).clone()
        } else {
            encode()
        }
    }

    /// What changed since `after`, if that is known here, is not ahead of it, and worth it; else the whole map.
    pub fn since(self: &Arc<Self>, after: MapVersion) -> Answer {
        let known = self.log.front().is_some_and(|first| first.version <= after.next());
        let newer = self.log.iter().filter(|entry| entry.version > after);
        let entries: usize = newer.clone().map(|entry| entry.size()).sum();
        if !known || after > self.version() || entries > LISTED_MAX {
            return Answer::Snapshot(self.clone());
        }
        let (set, remove) = merge(newer.map(Arc::as_ref));
        Answer::Delta(MapDelta {
            from: after,
            version: self.version(),
            placement_version: self.map.placement_version(),
            checksum: self.checksum.clone(),
            set,
            remove,
        })
    }
}

impl LogEntry {
    fn size(&self) -> usize {
        let Entries { shards, nodes, exceptions } = &self.set;
        let set = shards.len() + nodes.len() + exceptions.len();
        let Removal { shards, nodes, exceptions } = &self.remove;
        set + shards.len() + nodes.len() + exceptions.len()
    }
}

/// Several changes as one: of each entry the last word counts.
fn merge<'c>(changes: impl Iterator<Item = &'c LogEntry>) -> (Entries, Removal) {
    let mut shards: BTreeMap<&ShardId, Option<&MapShard>> = BTreeMap::new();
    let mut nodes: BTreeMap<&NodeId, Option<&MapNode>> = BTreeMap::new();
    let mut exceptions: HashMap<InstitutionId, Option<&ShardId>> = HashMap::new();
    for LogEntry { set, remove, .. } in changes {
        shards.extend(set.shards.iter().map(|shard| (&shard.id, Some(shard))));
        shards.extend(remove.shards.iter().map(|id| (id, None)));
        nodes.extend(set.nodes.iter().map(|node| (&node.id, Some(node))));
        nodes.extend(remove.nodes.iter().map(|id| (id, None)));
        exceptions.extend(set.exceptions.iter().map(|(id, shard)| (*id, Some(shard))));
        exceptions.extend(remove.exceptions.iter().map(|id| (*id, None)));
    }
    let (mut set, mut remove) = (Entries::default(), Removal::default());
    for (id, shard) in shards {
        shard.map_or_else(|| remove.shards.push(id.clone()), |it| set.shards.push(it.clone()));
    }
    for (id, node) in nodes {
        node.map_or_else(|| remove.nodes.push(id.clone()), |it| set.nodes.push(it.clone()));
    }
    for (id, shard) in exceptions {
        shard
            .map_or_else(|| remove.exceptions.push(id), |it| set.exceptions.push((id, it.clone())));
    }
    set.exceptions.sort_unstable();
    remove.exceptions.sort_unstable();
    (set, remove)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shard_map::ShardState;
    use uuid::Uuid;

    use super::*;

    fn shard(number: u8, weight: u32) -> MapShard {
        let id = format!("shard-{number}").parse().expect("an id");
        MapShard { id, state: ShardState::Active, weight }
    }

    /// A map per version from 1 on: two shards and whichever exceptions each step says.
    fn versions(steps: &[(u8, bool)]) -> Vec<ShardMap> {
        let mut exceptions = BTreeMap::new();
        let mut maps = vec![];
        for (index, (institution, there)) in (1_i64..).zip(steps) {
            let id = InstitutionId::new(Uuid::from_u128(u128::from(*institution)));
            if *there {
                exceptions.insert(id, shard(0, 1).id);
            } else {
                exceptions.remove(&id);
            }
            let shards = [shard(0, 1), shard(1, u32::try_from(index % 3).unwrap_or(0) + 1)];
            let version = MapVersion(index);
            maps.push(
                ShardMap::new(version, version, shards, [], exceptions.clone()).expect("a map"),
            );
        }
        maps
    }

    fn published(maps: &[ShardMap]) -> Arc<Published> {
        let log = maps.windows(2).map(|pair| {
            let delta = MapDelta::between(&pair[0], &pair[1]);
            let MapDelta { version, set, remove, .. } = delta;
            Arc::new(LogEntry { version, set, remove })
        });
        let log = log.collect();
        Arc::new(Published::new(Arc::new(maps.last().expect("a map").clone()), log))
    }

    proptest! {
        // Each step makes a ring of thousands of points: few cases, each of many pairs of versions.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_merged_delta_leads_from_every_version_to_the_newest(
            steps in proptest::collection::vec((0..6_u8, any::<bool>()), 2..16)
        ) {
            let maps = versions(&steps);
            let published = published(&maps);
            for map in &maps {
                let Answer::Delta(delta) = published.since(map.version()) else {
                    return Err(TestCaseError::fail("a snapshot where the log suffices"));
                };
                let newest = delta.apply(map).expect("the delta fits");
                prop_assert_eq!(newest.checksum(), maps.last().expect("a map").checksum());
            }
        }
    }

    #[test]
    fn whoever_is_too_far_behind_gets_the_whole_map() {
        let maps = versions(&[(1, true), (2, true), (3, true)]);
        assert!(matches!(published(&maps).since(MapVersion(0)), Answer::Snapshot(_)));
        assert!(matches!(published(&maps).since(MapVersion(1)), Answer::Delta(_)));
    }
}
