//! The consistent-hash ring over shards: which shard an institution would live on if nothing else were known.
//!
//! Every hash is explicit (`xxh3_64` over stated bytes, no `std` hasher), because a ring that differs between
//! two builds reroutes institutions: the vectors in the tests are pinned and never change.
//! A shard stands on the ring with [`VNODES_PER_WEIGHT`] points for each unit of its weight: 1024 points keep
//! the shares of four equal shards within 24.4 to 25.7 %.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use hashring::HashRing;
use xxhash_rust::xxh3::xxh3_64;

use crate::{InstitutionId, ShardId};

/// The ring's hash, as it is named in the published map.
pub const RING_HASH: &str = "xxh3-64";

/// Points on the ring for each unit of a shard's weight.
pub const VNODES_PER_WEIGHT: u32 = 1024;

/// The ring. Two rings of the same shards and weights are the same ring, in whatever order they were given and by
/// whatever changes they came about.
#[derive(Debug, Clone)]
pub struct Ring {
    points: HashRing<Point, ByXxh3>,
    shards: Vec<ShardId>,
    weights: Vec<u32>,
    /// The last that was made from this one: who plans a change and who then follows it are handed the same.
    next: Arc<Mutex<Option<Arc<Ring>>>>,
}

impl Ring {
    /// A ring of the given shards with their weights (points = weight * [`VNODES_PER_WEIGHT`]).
    pub fn new(members: impl IntoIterator<Item = (ShardId, u32)>) -> Self {
        let (shards, weights) = sorted(members);
        Self::of(HashRing::with_hasher(ByXxh3), Vec::new(), Vec::new()).changed(shards, weights)
    }

    /// The ring of these members, made from this one: points of members that stay as they are are not made again,
    /// which with 1,000 shards is all but a thousandth of them. This very ring where nothing changes, and the same one again
    /// for who asks next.
    #[must_use]
    pub fn with(self: &Arc<Self>, members: impl IntoIterator<Item = (ShardId, u32)>) -> Arc<Self> {
        let (shards, weights) = sorted(members);
        if self.is_of(&shards, &weights) {
            return Arc::clone(self);
        }
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = next.as_ref().filter(|made| made.is_of(&shards, &weights)) {
            return Arc::clone(made);
        }
        Arc::clone(next.insert(Arc::new(self.changed(shards, weights))))
    }

    fn of(points: HashRing<Point, ByXxh3>, shards: Vec<ShardId>, weights: Vec<u32>) -> Self {
        Self { points, shards, weights, next: Arc::default() }
    }

    fn is_of(&self, shards: &[ShardId], weights: &[u32]) -> bool {
        self.shards == shards && self.weights == weights
    }

    fn changed(&self, shards: Vec<ShardId>, weights: Vec<u32>) -> Self {
        let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        // Where each former member stands now, if it keeps its points.
        let stays: Vec<Option<u32>> = self
            .shards
            .iter()
            .zip(&self.weights)
            .map(|(shard, weight)| {
                let at = shards.binary_search(shard).ok()?;
                (weights[at] == *weight).then(|| place(at))
            })
            .collect();
        let mut is_new = vec![true; shards.len()];
        for at in stays.iter().flatten() {
            is_new[*at as usize] = false;
        }
        // All of them in order: the crate hands them out in no other way.
        let all = self.points.get_with_replicas(&Key(0), usize::MAX).unwrap_or_default();
        let kept = all.into_iter().filter_map(|point| {
            Some(Point { shard: stays.get(point.shard as usize).copied()??, ..point })
        });
        let mut points: Vec<Point> = kept.collect();
        let is_sorted_at_first = !points.is_empty();
        let members = shards.iter().zip(&weights).enumerate();
        for (at, (shard, weight)) in members.filter(|(at, _)| is_new[*at]) {
            points.extend(
                (0..weight * VNODES_PER_WEIGHT)
                    .map(|vnode| Point { hash: point_hash(shard, vnode), shard: place(at) }),
            );
        }
        // The crate's own sort is stable, by hash alone: among equal ones members stay in their order, as they are
        // made. Only where new points follow former ones that must be seen to. Quick, as all but the tail is sorted.
        if is_sorted_at_first {
            points.sort_by_key(|point| (point.hash, point.shard));
        }
        let mut ring = HashRing::with_hasher(ByXxh3);
        ring.batch_add(points);
        Self::of(ring, shards, weights)
    }

    /// The shard that the ring proposes for an institution; none where the ring is empty.
    pub fn owner(&self, institution: InstitutionId) -> Option<&ShardId> {
        let point = self.points.get(&Key(xxh3_64(institution.as_uuid().as_bytes())))?;
        self.shards.get(point.shard as usize)
    }

    /// The exception that a directory row asks for: its shard, if the ring proposes another.
    ///
    /// This is the one place where an exception is decided; nothing sets or removes one by hand.
    pub fn exception<'s>(
        &self,
        institution: InstitutionId,
        directory: &'s ShardId,
    ) -> Option<&'s ShardId> {
        (self.owner(institution) != Some(directory)).then_some(directory)
    }

    /// The shards on the ring, in order of their ids.
    pub fn shards(&self) -> &[ShardId] {
        &self.shards
    }
}

/// Members in order of their ids, without those that have no points.
fn sorted(members: impl IntoIterator<Item = (ShardId, u32)>) -> (Vec<ShardId>, Vec<u32>) {
    let mut members: Vec<_> = members.into_iter().filter(|(_, weight)| *weight > 0).collect();
    members.sort();
    members.dedup_by(|a, b| a.0 == b.0);
    members.into_iter().unzip()
}

fn point_hash(shard: &ShardId, vnode: u32) -> u64 {
    xxh3_64(format!("{shard}#{vnode}").as_bytes())
}

/// A virtual node. Equal hashes of two shards are so rare that which one wins does not matter, as long as it
/// is the same everywhere: points stand in order of hash, then of shard.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    hash: u64,
    shard: u32,
}

impl Hash for Point {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

struct Key(u64);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Hands a precomputed hash through, and hashes bytes by `xxh3_64`.
///
/// The map's exceptions are kept by it, too: their keys are ids that a token was signed for, so that nobody from
/// outside picks them to collide, and a lookup costs a third less than with `std`'s hasher.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct ByXxh3;

impl BuildHasher for ByXxh3 {
    type Hasher = Xxh3Hasher;

    fn build_hasher(&self) -> Xxh3Hasher {
        Xxh3Hasher(0)
    }
}

/// The hash of what was written last: the one field that keys of ours have.
pub(crate) struct Xxh3Hasher(u64);

impl Hasher for Xxh3Hasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use uuid::Uuid;

    use super::*;

    const SAMPLE: u128 = 100_000;

    fn ring(shards: &[(&str, u32)]) -> Ring {
        Ring::new(shards.iter().map(|(id, weight)| (id.parse().expect("a shard id"), *weight)))
    }

    fn institution(number: u128) -> InstitutionId {
        // Spread like real ids, and the same in every run.
        InstitutionId::new(Uuid::from_u128(
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
        ))
    }

    fn shares(ring: &Ring) -> HashMap<&str, u32> {
        let mut shares = HashMap::new();
        for number in 0..SAMPLE {
            let owner = ring.owner(institution(number)).expect("a ring with members");
            *shares.entry(owner.as_str()).or_default() += 1;
        }
        shares
    }

    #[test]
    fn owners_are_pinned() {
        let ring = ring(&[("shard-a", 1), ("shard-b", 1), ("shard-c", 2)]);
        let owners: Vec<_> = (1..=12)
            .map(|n| {
                ring.owner(institution(n)).expect("an owner").as_str().trim_start_matches("shard-")
            })
            .collect();
        assert_eq!(owners.join(""), "cccccbcbaccc");
        assert_eq!(point_hash(&"shard-a".parse().expect("a shard id"), 0), 0xabab_e076_74c2_83c1);
    }

    #[test]
    fn order_of_members_does_not_matter() {
        let one = ring(&[("shard-a", 1), ("shard-b", 3), ("shard-c", 1)]);
        let other = ring(&[("shard-c", 1), ("shard-b", 3), ("shard-a", 1)]);
        assert!((0..1000).all(|n| one.owner(institution(n)) == other.owner(institution(n))));
    }

    #[test]
    fn adding_a_shard_moves_its_share_and_only_towards_it() {
        let names = ["shard-a", "shard-b", "shard-c", "shard-d", "shard-e", "shard-f"];
        for count in 1..names.len() {
            let members = |n: usize| names[..n].iter().map(|name| (*name, 1)).collect::<Vec<_>>();
            let (before, after) = (ring(&members(count)), ring(&members(count + 1)));
            let moved: Vec<_> = (0..SAMPLE)
                .map(institution)
                .filter(|id| before.owner(*id) != after.owner(*id))
                .collect();
            let new = names[count];
            assert!(moved.iter().all(|id| after.owner(*id).is_some_and(|s| s.as_str() == new)));
            let bar = SAMPLE / (count as u128 + 1) + SAMPLE / 20;
            assert!(
                moved.len() as u128 <= bar,
                "{} of {SAMPLE} moved to {new}, bar {bar}",
                moved.len()
            );
            assert!(!moved.is_empty());
        }
    }

    #[test]
    fn four_equal_shards_have_nearly_equal_shares() {
        let ring = ring(&[("shard-a", 1), ("shard-b", 1), ("shard-c", 1), ("shard-d", 1)]);
        for (shard, share) in shares(&ring) {
            assert!((22_500..=27_500).contains(&share), "{shard} has {share} of {SAMPLE}");
        }
    }

    #[test]
    fn weight_is_share() {
        let ring = ring(&[("shard-a", 1), ("shard-b", 3)]);
        let share = shares(&ring)["shard-b"];
        assert!((70_000..=80_000).contains(&share), "shard-b has {share} of {SAMPLE}");
    }

    #[test]
    fn a_ring_that_came_about_by_changes_is_the_ring_made_at_once() {
        let steps: [&[(&str, u32)]; 6] = [
            &[("shard-b", 1), ("shard-d", 2)],
            &[("shard-a", 1), ("shard-b", 1), ("shard-d", 2)],
            &[("shard-a", 1), ("shard-b", 3), ("shard-c", 1), ("shard-d", 2)],
            &[("shard-a", 1), ("shard-b", 0), ("shard-c", 1), ("shard-d", 1)],
            &[("shard-c", 1)],
            &[],
        ];
        let mut changed = Arc::new(ring(&[]));
        for step in steps {
            let made = ring(step);
            let members = step.iter().map(|(id, weight)| (id.parse().expect("an id"), *weight));
            changed = changed.with(members.clone());
            assert_eq!(changed.points, made.points, "{step:?}");
            assert_eq!(changed.shards, made.shards, "{step:?}");
            assert!(Arc::ptr_eq(&changed, &changed.with(members)), "{step:?}");
            let first = ["shard-x"; 2].map(|id| changed.with([(id.parse().expect("an id"), 1)]));
            assert!(Arc::ptr_eq(&first[0], &first[1]), "{step:?}: made once");
        }
    }

    #[test]
    fn an_empty_ring_owns_nothing() {
        assert_eq!(ring(&[]).owner(institution(1)), None);
        assert_eq!(ring(&[("shard-a", 0)]).owner(institution(1)), None);
    }
}
