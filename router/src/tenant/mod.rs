//! What the router knows of single institutions beyond its map: the owners that 421 answers named.
//!
//! What must stay true:
//! - An override is used only while the map is older than the version that the node named.
//! - A newer epoch replaces an older one, never the other way round.
//! - They are bounded: forgetting one costs one hop.

use std::sync::atomic::{AtomicI64, Ordering};

use moka::sync::Cache;
use shard_map::{Epoch, InstitutionId, MapVersion, ShardId};

/// Most overrides that are kept.
const OVERRIDES_MAX: u64 = 100_000;

/// An owner that is newer than the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Override {
    /// The owner.
    pub(crate) shard: ShardId,
    /// Its epoch.
    pub(crate) epoch: Epoch,
    /// The first map that knows it.
    pub(crate) map_version: MapVersion,
}

/// The overrides.
#[derive(Debug)]
pub(crate) struct Overrides {
    by_institution: Cache<InstitutionId, Override>,
    /// No override needs a later map than this: with that map nothing has to be looked up.
    latest: AtomicI64,
}

impl Overrides {
    /// None yet.
    pub(crate) fn new() -> Self {
        let by_institution = Cache::builder().max_capacity(OVERRIDES_MAX).build();
        Self { by_institution, latest: AtomicI64::new(i64::MIN) }
    }

    /// The owner that outranks a map of this version, if there is one.
    pub(crate) fn get(&self, institution: InstitutionId, map: MapVersion) -> Option<ShardId> {
        if map.0 >= self.latest.load(Ordering::Acquire) {
            return None;
        }
        self.by_institution
            .get(&institution)
            .filter(|known| map < known.map_version)
            .map(|known| known.shard)
    }

    /// Learns an owner from a 421 that arrived while the map had version `map`.
    pub(crate) fn learn(&self, institution: InstitutionId, map: MapVersion, learned: Override) {
        if learned.map_version <= map {
            return;
        }
        let version = learned.map_version.0;
        self.by_institution.entry(institution).and_upsert_with(|known| match known {
            Some(known) if !outranks(&learned, known.value(), map) => known.into_value(),
            _ => learned,
        });
        self.latest.fetch_max(version, Ordering::AcqRel);
    }
}

/// Whether what was learned replaces what is known.
fn outranks(learned: &Override, known: &Override, map: MapVersion) -> bool {
    learned.epoch > known.epoch || known.map_version <= map
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn institution(number: u128) -> InstitutionId {
        InstitutionId::new(Uuid::from_u128(number))
    }

    fn owner(shard: &str, epoch: i64, version: i64) -> Override {
        Override {
            shard: shard.parse().expect("an id"),
            epoch: Epoch(epoch),
            map_version: MapVersion(version),
        }
    }

    fn owner_at(overrides: &Overrides, map: i64) -> Option<String> {
        overrides.get(institution(1), MapVersion(map)).map(|shard| shard.to_string())
    }

    #[test]
    fn an_override_holds_until_its_map_arrives() {
        let overrides = Overrides::new();
        overrides.learn(institution(1), MapVersion(5), owner("shard-b", 3, 7));
        assert_eq!(owner_at(&overrides, 5).as_deref(), Some("shard-b"));
        assert_eq!(owner_at(&overrides, 6).as_deref(), Some("shard-b"));
        assert_eq!(owner_at(&overrides, 7), None);
        assert_eq!(overrides.get(institution(2), MapVersion(5)), None);
    }

    #[test]
    fn what_the_map_already_knows_is_not_learned() {
        let overrides = Overrides::new();
        overrides.learn(institution(1), MapVersion(9), owner("shard-b", 3, 7));
        assert_eq!(owner_at(&overrides, 6), None);
    }

    #[test]
    fn a_newer_epoch_wins_in_any_order() {
        for order in [[3, 5], [5, 3]] {
            let overrides = Overrides::new();
            for epoch in order {
                let shard = format!("shard-{epoch}");
                overrides.learn(institution(1), MapVersion(1), owner(&shard, epoch, 10));
            }
            assert_eq!(owner_at(&overrides, 1).as_deref(), Some("shard-5"));
        }
    }

    #[test]
    fn an_outdated_override_gives_way() {
        let overrides = Overrides::new();
        overrides.learn(institution(1), MapVersion(1), owner("shard-b", 9, 4));
        overrides.learn(institution(1), MapVersion(5), owner("shard-c", 2, 8));
        assert_eq!(owner_at(&overrides, 5).as_deref(), Some("shard-c"));
    }
}
