//! The shard map: ring, shards with their nodes, and exceptions, at one version. Immutable; replaced whole.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use xxhash_rust::xxh3::xxh3_64;

use crate::ring::ByXxh3;
use crate::{
    Entries, InstitutionId, MapVersion, NodeId, NodeState, RING_HASH, Removal, Ring, ShardId,
    ShardState, VNODES_PER_WEIGHT,
};

/// How the ring is made; a router refuses a map whose ring it would make otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RingSettings {
    /// Name of the hash; `xxh3-64`.
    pub hash: String,
    /// Points for each unit of weight; 1024.
    pub vnodes_per_weight: u32,
}

impl Default for RingSettings {
    fn default() -> Self {
        Self { hash: RING_HASH.to_owned(), vnodes_per_weight: VNODES_PER_WEIGHT }
    }
}

/// A shard as the map knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MapShard {
    /// Its id.
    pub id: ShardId,
    /// Only an active shard stands in the ring.
    pub state: ShardState,
    /// Its share of the ring relative to others; 0: the ring gives it nobody.
    pub weight: u32,
}

impl MapShard {
    /// Those that stand in the ring, with their weights.
    pub fn ring_members<'s>(
        shards: impl IntoIterator<Item = &'s Self>,
    ) -> impl Iterator<Item = (ShardId, u32)> {
        let active = shards.into_iter().filter(|shard| shard.state == ShardState::Active);
        active.map(|shard| (shard.id.clone(), shard.weight))
    }
}

/// A node as the map knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MapNode {
    /// Its id.
    pub id: NodeId,
    /// The shard it serves.
    pub shard: ShardId,
    /// Where it listens: `http://ip:port`.
    pub url: String,
    /// Whether it is sent requests.
    pub state: NodeState,
}

/// A whole map on the wire and on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MapSnapshot {
    /// Gapless number of this map.
    pub version: MapVersion,
    /// The version of the last change of ring or directory.
    pub placement_version: MapVersion,
    /// 16 hex digits; see [`ShardMap::checksum`].
    pub checksum: String,
    /// How the ring is made.
    pub ring: RingSettings,
    /// All shards.
    pub shards: Vec<MapShard>,
    /// All nodes.
    pub nodes: Vec<MapNode>,
    /// Institutions that do not live where the ring says, with the shard that they live on.
    pub exceptions: Vec<(InstitutionId, ShardId)>,
}

/// Why a map is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// It says another checksum than its content gives.
    #[error(
        "map {version} has checksum {found}, but says {said}: it is damaged or differs in form"
    )]
    Checksum {
        /// The version it claims.
        version: MapVersion,
        /// What its content gives.
        found: String,
        /// What it says.
        said: String,
    },
    /// Its ring is made in a way this build does not know.
    #[error(
        "the map's ring is {hash} with {vnodes_per_weight} points a weight; this build knows xxh3-64 with 1024"
    )]
    Ring {
        /// The hash it names.
        hash: String,
        /// The points it names.
        vnodes_per_weight: u32,
    },
    /// A node or exception names a shard that the map does not have.
    #[error("the map names shard `{0}` without having it")]
    UnknownShard(ShardId),
}

/// The map that routers hold behind an `ArcSwap`.
#[derive(Debug, Clone)]
pub struct ShardMap {
    version: MapVersion,
    placement_version: MapVersion,
    pub(crate) shards: BTreeMap<ShardId, MapShard>,
    pub(crate) nodes: BTreeMap<NodeId, MapNode>,
    nodes_by_shard: HashMap<ShardId, Vec<MapNode>>,
    pub(crate) exceptions: HashMap<InstitutionId, ShardId, ByXxh3>,
    exceptions_digest: u64,
    ring: Arc<Ring>,
}

impl ShardMap {
    /// The map of a platform without a shard.
    pub fn empty() -> Self {
        Self {
            version: MapVersion(0),
            placement_version: MapVersion(0),
            shards: BTreeMap::new(),
            nodes: BTreeMap::new(),
            nodes_by_shard: HashMap::new(),
            exceptions: HashMap::default(),
            exceptions_digest: 0,
            ring: Arc::new(Ring::new([])),
        }
    }

    /// Makes a map of its parts, as the control plane reads them from its database.
    pub fn new(
        version: MapVersion,
        placement_version: MapVersion,
        shards: impl IntoIterator<Item = MapShard>,
        nodes: impl IntoIterator<Item = MapNode>,
        exceptions: impl IntoIterator<Item = (InstitutionId, ShardId)>,
    ) -> Result<Self, MapError> {
        let mut map = Self::empty();
        map.shards = shards.into_iter().map(|shard| (shard.id.clone(), shard)).collect();
        map.nodes = nodes.into_iter().map(|node| (node.id.clone(), node)).collect();
        for (institution, shard) in exceptions {
            map.set_exception(institution, shard);
        }
        map.finish(version, placement_version)
    }

    /// The map after a change, which costs what it changes and a copy of the exceptions.
    pub fn after(
        &self,
        version: MapVersion,
        placement_version: MapVersion,
        set: &Entries,
        remove: &Removal,
    ) -> Result<Self, MapError> {
        let mut map = self.clone();
        map.shards.extend(set.shards.iter().map(|shard| (shard.id.clone(), shard.clone())));
        map.nodes.extend(set.nodes.iter().map(|node| (node.id.clone(), node.clone())));
        for (institution, shard) in &set.exceptions {
            map.set_exception(*institution, shard.clone());
        }
        for shard in &remove.shards {
            map.shards.remove(shard);
        }
        for node in &remove.nodes {
            map.nodes.remove(node);
        }
        for institution in &remove.exceptions {
            map.remove_exception(*institution);
        }
        map.finish(version, placement_version)
    }

    /// Takes a map from the wire or from disk, if it is what it says.
    pub fn from_snapshot(snapshot: MapSnapshot) -> Result<Self, MapError> {
        if snapshot.ring != RingSettings::default() {
            return Err(MapError::Ring {
                hash: snapshot.ring.hash,
                vnodes_per_weight: snapshot.ring.vnodes_per_weight,
            });
        }
        let map = Self::new(
            snapshot.version,
            snapshot.placement_version,
            snapshot.shards,
            snapshot.nodes,
            snapshot.exceptions,
        )?;
        map.expect_checksum(&snapshot.checksum)?;
        Ok(map)
    }

    /// The whole map for the wire or for disk; exceptions in order of their ids.
    pub fn to_snapshot(&self) -> MapSnapshot {
        let mut exceptions: Vec<_> =
            self.exceptions.iter().map(|(id, shard)| (*id, shard.clone())).collect();
        exceptions.sort_unstable();
        MapSnapshot {
            version: self.version,
            placement_version: self.placement_version,
            checksum: self.checksum(),
            ring: RingSettings::default(),
            shards: self.shards.values().cloned().collect(),
            nodes: self.nodes.values().cloned().collect(),
            exceptions,
        }
    }

    /// Where an institution's requests go: its exception, else the ring's owner. None on an empty ring.
    ///
    /// The map does not know whether the institution exists: the shard does.
    pub fn route(&self, institution: InstitutionId) -> Option<&ShardId> {
        self.exceptions.get(&institution).or_else(|| self.ring.owner(institution))
    }

    /// The nodes of a shard, in order of their ids, in whatever state.
    pub fn nodes_of(&self, shard: &ShardId) -> &[MapNode] {
        self.nodes_by_shard.get(shard).map_or(&[], Vec::as_slice)
    }

    /// One shard.
    pub fn shard(&self, shard: &ShardId) -> Option<&MapShard> {
        self.shards.get(shard)
    }

    /// All shards, in order of their ids.
    pub fn shards(&self) -> impl Iterator<Item = &MapShard> {
        self.shards.values()
    }

    /// All nodes, in order of their ids.
    pub fn nodes(&self) -> impl Iterator<Item = &MapNode> {
        self.nodes.values()
    }

    /// The ring of the active shards.
    pub fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// The institutions that live off the ring, in no order.
    pub fn exceptions(&self) -> impl Iterator<Item = (InstitutionId, &ShardId)> {
        self.exceptions.iter().map(|(institution, shard)| (*institution, shard))
    }

    /// How many institutions live off the ring.
    pub fn exception_count(&self) -> usize {
        self.exceptions.len()
    }

    /// The number of this map.
    pub fn version(&self) -> MapVersion {
        self.version
    }

    /// The version of the last change of ring or directory.
    pub fn placement_version(&self) -> MapVersion {
        self.placement_version
    }

    /// `xxh3_64` over the content, 16 hex digits. Two holders of one version compare it.
    ///
    /// Exceptions enter by an xor of their own hashes, so that a delta costs what it changes.
    pub fn checksum(&self) -> String {
        let shards: Vec<_> = self.shards.values().collect();
        let nodes: Vec<_> = self.nodes.values().collect();
        let content = serde_json::json!([
            self.version,
            self.placement_version,
            RingSettings::default(),
            shards,
            nodes,
            self.exceptions.len(),
            self.exceptions_digest,
        ]);
        format!("{:016x}", xxh3_64(content.to_string().as_bytes()))
    }

    pub(crate) fn set_exception(&mut self, institution: InstitutionId, shard: ShardId) {
        self.exceptions_digest ^= exception_hash(institution, &shard);
        if let Some(old) = self.exceptions.insert(institution, shard) {
            self.exceptions_digest ^= exception_hash(institution, &old);
        }
    }

    pub(crate) fn remove_exception(&mut self, institution: InstitutionId) {
        if let Some(old) = self.exceptions.remove(&institution) {
            self.exceptions_digest ^= exception_hash(institution, &old);
        }
    }

    /// Settles what is derived: the ring and each shard's nodes.
    fn finish(
        mut self,
        version: MapVersion,
        placement_version: MapVersion,
    ) -> Result<Self, MapError> {
        self.version = version;
        self.placement_version = placement_version;
        self.nodes_by_shard.clear();
        for node in self.nodes.values() {
            self.nodes_by_shard.entry(node.shard.clone()).or_default().push(node.clone());
        }
        let named = self.nodes_by_shard.keys().chain(self.exceptions.values());
        if let Some(unknown) = { named }.find(|shard| !self.shards.contains_key(shard)) {
            return Err(MapError::UnknownShard(unknown.clone()));
        }
        self.ring = self.ring.with(MapShard::ring_members(self.shards.values()));
        Ok(self)
    }

    pub(crate) fn expect_checksum(&self, said: &str) -> Result<(), MapError> {
        let found = self.checksum();
        if found == said {
            Ok(())
        } else {
            Err(MapError::Checksum { version: self.version, found, said: said.to_owned() })
        }
    }
}

fn exception_hash(institution: InstitutionId, shard: &ShardId) -> u64 {
    let mut bytes = Vec::with_capacity(16 + shard.as_str().len());
    bytes.extend_from_slice(institution.as_uuid().as_bytes());
    bytes.extend_from_slice(shard.as_str().as_bytes());
    xxh3_64(&bytes)
}
