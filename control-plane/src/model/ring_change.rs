//! What a change of the ring does to the map: which institutions become exceptions, which cease to be.
//!
//! An exception exists exactly when the directory's shard differs from the ring's owner; `Ring::exception`
//! alone decides it, from directory and ring, and nobody keeps it beside them.

use shard_map::{Entries, InstitutionId, Removal, Ring, ShardId};

/// Exceptions that a version lists at most. Of a larger change readers load the map whole, which is not much more.
pub const LISTED_MAX: usize = 50_000;

/// A directory row, as far as placement goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The institution.
    pub id: InstitutionId,
    /// Where it lives.
    pub shard: ShardId,
}

/// An institution that becomes an exception, or ceases to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flip {
    /// Who, and where it lives.
    pub placed: Placed,
    /// Whether the new ring proposes another shard.
    pub off_ring: bool,
}

/// Whose being an exception differs between two rings.
pub fn flips<'r>(
    before: &'r Ring,
    after: &'r Ring,
    directory: impl IntoIterator<Item = Placed> + 'r,
) -> impl Iterator<Item = Flip> + 'r {
    directory.into_iter().filter_map(|placed| {
        let off = |ring: &Ring| ring.exception(placed.id, &placed.shard).is_some();
        let off_ring = off(after);
        (off_ring != off(before)).then_some(Flip { placed, off_ring })
    })
}

/// As the map is told of it, in order of ids.
pub fn entries(flips: impl IntoIterator<Item = Flip>) -> (Entries, Removal) {
    let (mut set, mut remove) = (Entries::default(), Removal::default());
    for Flip { placed, off_ring } in flips {
        if off_ring {
            set.exceptions.push((placed.id, placed.shard));
        } else {
            remove.exceptions.push(placed.id);
        }
    }
    set.exceptions.sort_unstable();
    remove.exceptions.sort_unstable();
    (set, remove)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn there_and_back_again_is_nothing() {
        let shards: Vec<ShardId> = ["a", "b"].iter().map(|id| id.parse().expect("an id")).collect();
        let one = Ring::new([(shards[0].clone(), 1)]);
        let two = Ring::new(shards.iter().cloned().map(|id| (id, 1)));
        let directory = || {
            (0..100_u128).map(|number| Placed {
                id: InstitutionId::new(Uuid::from_u128(number)),
                shard: shards[0].clone(),
            })
        };
        let (set, remove) = entries(flips(&one, &two, directory()));
        assert!(!set.exceptions.is_empty() && set.exceptions.len() < 100);
        assert!(remove.exceptions.is_empty());
        let (none, back) = entries(flips(&two, &one, directory()));
        assert!(none.exceptions.is_empty());
        let gone: Vec<_> = set.exceptions.iter().map(|(id, _)| *id).collect();
        assert_eq!(back.exceptions, gone);
        assert_eq!(flips(&two, &two, directory()).count(), 0);
    }
}
