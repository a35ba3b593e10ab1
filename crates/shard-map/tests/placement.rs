//! PLACEMENT's property: whatever operators and moves do, `route(id) == directory(id)` at every version,
//! and an exception exists exactly when the directory's shard differs from the ring's owner.
//!
//! The model changes ring and directory as the control plane does, derives exceptions with `Ring::exception`,
//! and carries each change to a router by a delta.

use std::collections::BTreeMap;

use proptest::prelude::*;
use shard_map::{InstitutionId, MapDelta, MapShard, MapVersion, ShardId, ShardMap, ShardState};
use uuid::Uuid;

#[derive(Debug, Clone)]
enum Operation {
    AddShard { shard: u8, weight: u32 },
    Drain { shard: u8 },
    Remove { shard: u8 },
    Reweight { shard: u8, weight: u32 },
    Create { institution: u16 },
    Pin { institution: u16, shard: u8 },
    StartMove { institution: u16, shard: u8 },
    Commit { institution: u16 },
    Abort { institution: u16 },
}

fn operation() -> impl Strategy<Value = Operation> {
    let (shard, weight, institution) = (0..5_u8, 1..4_u32, 0..40_u16);
    prop_oneof![
        (shard.clone(), weight.clone())
            .prop_map(|(shard, weight)| Operation::AddShard { shard, weight }),
        shard.clone().prop_map(|shard| Operation::Drain { shard }),
        shard.clone().prop_map(|shard| Operation::Remove { shard }),
        (shard.clone(), weight).prop_map(|(shard, weight)| Operation::Reweight { shard, weight }),
        institution.clone().prop_map(|institution| Operation::Create { institution }),
        (institution.clone(), shard.clone())
            .prop_map(|(institution, shard)| Operation::Pin { institution, shard }),
        (institution.clone(), shard)
            .prop_map(|(institution, shard)| Operation::StartMove { institution, shard }),
        institution.clone().prop_map(|institution| Operation::Commit { institution }),
        institution.prop_map(|institution| Operation::Abort { institution }),
    ]
}

/// What the control database holds.
#[derive(Default)]
struct Control {
    shards: BTreeMap<ShardId, MapShard>,
    directory: BTreeMap<InstitutionId, ShardId>,
    moves: BTreeMap<InstitutionId, ShardId>,
    version: MapVersion,
}

impl Control {
    fn apply(&mut self, operation: &Operation) {
        match *operation {
            Operation::AddShard { shard, weight } => {
                let id = shard_id(shard);
                self.shards.entry(id.clone()).or_insert(MapShard {
                    id,
                    state: ShardState::Active,
                    weight,
                });
            }
            Operation::Drain { shard } => {
                if let Some(shard) = self.shards.get_mut(&shard_id(shard)) {
                    shard.state = ShardState::Draining;
                }
            }
            Operation::Remove { shard } => self.remove_if_empty(&shard_id(shard)),
            Operation::Reweight { shard, weight } => {
                if let Some(shard) = self.shards.get_mut(&shard_id(shard)) {
                    shard.weight = weight;
                }
            }
            Operation::Create { institution } => {
                let id = institution_id(institution);
                if let Some(owner) = self.map().ring().owner(id).cloned() {
                    self.directory.entry(id).or_insert(owner);
                }
            }
            // A pin changes where an institution is *to be*; only the move's commit changes where it is.
            Operation::Pin { institution, shard } | Operation::StartMove { institution, shard } => {
                let (id, to) = (institution_id(institution), shard_id(shard));
                if self.directory.contains_key(&id) && self.shards.contains_key(&to) {
                    self.moves.entry(id).or_insert(to);
                }
            }
            Operation::Commit { institution } => {
                if let Some(to) = self.moves.remove(&institution_id(institution)) {
                    self.directory.insert(institution_id(institution), to);
                }
            }
            Operation::Abort { institution } => {
                self.moves.remove(&institution_id(institution));
            }
        }
        self.version = self.version.next();
    }

    fn remove_if_empty(&mut self, shard: &ShardId) {
        let draining = self.shards.get(shard).is_some_and(|s| s.state == ShardState::Draining);
        let used = self.directory.values().chain(self.moves.values()).any(|used| used == shard);
        if draining && !used {
            self.shards.remove(shard);
        }
    }

    fn map(&self) -> ShardMap {
        let shards: Vec<_> = self.shards.values().cloned().collect();
        let bare =
            ShardMap::new(self.version, self.version, shards.clone(), [], []).expect("a map");
        let exceptions = self.directory.iter().filter_map(|(institution, shard)| {
            let exception = bare.ring().exception(*institution, shard)?;
            Some((*institution, exception.clone()))
        });
        ShardMap::new(self.version, self.version, shards, [], exceptions).expect("a map")
    }
}

fn shard_id(number: u8) -> ShardId {
    format!("shard-{number}").parse().expect("a shard id")
}

fn institution_id(number: u16) -> InstitutionId {
    InstitutionId::new(Uuid::from_u128(u128::from(number) << 64 | 7))
}

proptest! {
    #[test]
    fn route_is_the_directory_at_every_version(
        operations in proptest::collection::vec(operation(), 1..60)
    ) {
        let mut control = Control::default();
        let mut router = ShardMap::empty();
        for operation in operations {
            control.apply(&operation);
            let published = control.map();
            let delta = MapDelta::between(&router, &published);
            router = delta.apply(&router).expect("the delta fits");
            prop_assert_eq!(router.checksum(), published.checksum());
            for (institution, shard) in &control.directory {
                prop_assert_eq!(router.route(*institution), Some(shard));
            }
            let off_ring = control.directory.iter()
                .filter(|(institution, shard)| router.ring().owner(**institution) != Some(*shard))
                .count();
            prop_assert_eq!(router.exception_count(), off_ring);
        }
    }

    #[test]
    fn a_snapshot_reads_back_as_the_same_map(
        operations in proptest::collection::vec(operation(), 1..40)
    ) {
        let mut control = Control::default();
        for operation in &operations {
            control.apply(operation);
        }
        let map = control.map();
        let text = serde_json::to_string(&map.to_snapshot()).expect("json");
        let snapshot = serde_json::from_str(&text).expect("a snapshot");
        let read = ShardMap::from_snapshot(snapshot).expect("the same map");
        prop_assert_eq!(read.checksum(), map.checksum());
    }
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let mut control = Control::default();
    control.apply(&Operation::AddShard { shard: 0, weight: 1 });
    let mut snapshot = control.map().to_snapshot();
    snapshot.shards[0].weight = 2;
    assert!(ShardMap::from_snapshot(snapshot).is_err());
}

#[test]
fn a_delta_of_another_version_is_refused() {
    let mut control = Control::default();
    control.apply(&Operation::AddShard { shard: 0, weight: 1 });
    let first = control.map();
    control.apply(&Operation::AddShard { shard: 1, weight: 1 });
    let delta = MapDelta::between(&first, &control.map());
    assert!(delta.apply(&ShardMap::empty()).is_err());
    assert!(delta.apply(&first).is_ok());
}
