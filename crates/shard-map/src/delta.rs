//! What changed from one map to a later one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{InstitutionId, MapError, MapNode, MapShard, MapVersion, NodeId, ShardId, ShardMap};

/// The change from version `from` to `version`; applied to any other version it is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MapDelta {
    /// The version it applies to.
    pub from: MapVersion,
    /// The version it leads to.
    pub version: MapVersion,
    /// The placement version it leads to.
    pub placement_version: MapVersion,
    /// The checksum of the map it leads to.
    pub checksum: String,
    /// Entries that are new or changed.
    pub set: Entries,
    /// Entries that are gone.
    pub remove: Removal,
}

/// New or changed entries, whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Entries {
    /// Shards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<MapShard>,
    /// Nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<MapNode>,
    /// Exceptions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<(InstitutionId, ShardId)>,
}

/// Ids of entries that are gone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Removal {
    /// Shards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<ShardId>,
    /// Nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeId>,
    /// Institutions that are back where the ring says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<InstitutionId>,
}

/// Why a delta does not apply; the remedy is to fetch a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// It was made for another version.
    #[error("the delta leads from version {from}, the map here is at {here}")]
    WrongBase {
        /// The version the delta applies to.
        from: MapVersion,
        /// The version of the map.
        here: MapVersion,
    },
    /// It leads to a map that is not sound.
    #[error(transparent)]
    Map(#[from] MapError),
}

impl MapDelta {
    /// The difference between two maps.
    pub fn between(old: &ShardMap, new: &ShardMap) -> Self {
        let set = Entries {
            shards: changed(&old.shards, &new.shards),
            nodes: changed(&old.nodes, &new.nodes),
            exceptions: sorted(
                new.exceptions
                    .iter()
                    .filter(|(id, shard)| old.exceptions.get(id) != Some(shard))
                    .map(|(id, shard)| (*id, shard.clone())),
            ),
        };
        let remove = Removal {
            shards: gone(&old.shards, &new.shards),
            nodes: gone(&old.nodes, &new.nodes),
            exceptions: sorted(
                old.exceptions.keys().filter(|id| !new.exceptions.contains_key(id)).copied(),
            ),
        };
        Self {
            from: old.version(),
            version: new.version(),
            placement_version: new.placement_version(),
            checksum: new.checksum(),
            set,
            remove,
        }
    }

    /// The map that this leads to.
    pub fn apply(&self, old: &ShardMap) -> Result<ShardMap, DeltaError> {
        if old.version() != self.from {
            return Err(DeltaError::WrongBase { from: self.from, here: old.version() });
        }
        let map = old.after(self.version, self.placement_version, &self.set, &self.remove)?;
        map.expect_checksum(&self.checksum)?;
        Ok(map)
    }
}

type Table<K, V> = std::collections::BTreeMap<K, V>;

fn changed<K: Ord, V: Clone + PartialEq>(old: &Table<K, V>, new: &Table<K, V>) -> Vec<V> {
    new.iter().filter(|(id, entry)| old.get(id) != Some(entry)).map(|(_, e)| e.clone()).collect()
}

fn gone<K: Ord + Clone, V>(old: &Table<K, V>, new: &Table<K, V>) -> Vec<K> {
    old.keys().filter(|id| !new.contains_key(id)).cloned().collect()
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items
}
