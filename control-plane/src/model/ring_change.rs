//! What a change of the ring does to the directory: which institutions become exceptions, which cease to be.
//!
//! An exception exists exactly when the directory's shard differs from the ring's owner; `Ring::exception`
//! alone decides it.

use shard_map::{InstitutionId, Ring, ShardId};

/// A directory row, as far as placement goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The institution.
    pub id: InstitutionId,
    /// Where it lives.
    pub shard: ShardId,
    /// Whether it is recorded as an exception.
    pub off_ring: bool,
}

/// The rows whose `off_ring` is other than the ring asks for, as they are to be.
pub fn flips(ring: &Ring, directory: impl IntoIterator<Item = Placed>) -> Vec<Placed> {
    directory
        .into_iter()
        .filter_map(|row| {
            let off_ring = ring.exception(row.id, &row.shard).is_some();
            (off_ring != row.off_ring).then_some(Placed { off_ring, ..row })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn flipping_twice_changes_nothing() {
        let shards: Vec<ShardId> = ["a", "b"].iter().map(|id| id.parse().expect("an id")).collect();
        let ring = Ring::new(shards.iter().cloned().map(|id| (id, 1)));
        let directory = (0..100_u128).map(|number| Placed {
            id: InstitutionId::new(Uuid::from_u128(number)),
            shard: shards[0].clone(),
            off_ring: false,
        });
        let flipped = flips(&ring, directory);
        assert!(!flipped.is_empty() && flipped.len() < 100);
        assert!(flipped.iter().all(|row| row.off_ring));
        assert!(flips(&ring, flipped).is_empty());
    }
}
