//! Where a new institution is placed: on the ring's owner, unless that is full.

use shard_map::ShardId;

/// A shard that takes institutions, as far as room goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Which.
    pub shard: ShardId,
    /// Its share of the ring; 0: it takes nobody but who is pinned to it.
    pub weight: u32,
    /// How many institutions it takes.
    pub capacity: Option<u64>,
    /// How many live there or are on their way.
    pub taken: u64,
}

impl Room {
    /// Whether one more may come.
    pub fn is_open(&self) -> bool {
        self.capacity.is_none_or(|most| self.taken < most)
    }
}

/// The shard that is the least full for its weight, of those of the ring with room: as the planner has it.
pub fn roomiest(rooms: &[Room]) -> Option<&Room> {
    let open = rooms.iter().filter(|room| room.weight > 0 && room.is_open());
    open.min_by(|a, b| {
        let (a_share, b_share) = (a.taken * u64::from(b.weight), b.taken * u64::from(a.weight));
        a_share.cmp(&b_share).then_with(|| a.shard.cmp(&b.shard))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(id: &str, weight: u32, capacity: Option<u64>, taken: u64) -> Room {
        Room { shard: id.parse().expect("an id"), weight, capacity, taken }
    }

    #[test]
    fn the_least_full_for_its_weight_has_the_most_room() {
        let rooms = [
            room("a", 1, Some(2), 2),
            room("b", 1, None, 6),
            room("c", 4, Some(100), 16),
            room("d", 0, None, 0),
        ];
        assert_eq!(roomiest(&rooms).map(|room| room.shard.as_str()), Some("c"));
        assert_eq!(roomiest(&rooms[..1]), None);
        assert_eq!(roomiest(&rooms[3..]), None, "who is alone stays alone");
    }
}
