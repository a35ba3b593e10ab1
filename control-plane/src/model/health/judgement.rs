//! One judgement over all nodes at a time.
//!
//! What must stay true:
//! - At most half of a shard's nodes are down by judgement, whatever was seen. A shard's last node never is.
//! - Who misses signs of most nodes at once doubts himself: then nobody is put down, only suspected.
//! - Nodes that people or checkers took out count on neither side, nor do those that never were up.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use shard_map::ShardId;

use super::{Health, Vitals};

/// A node before the judgement.
#[derive(Debug, Clone, Copy)]
pub struct Patient<'s> {
    /// Its shard.
    pub shard: &'s ShardId,
    /// What was seen of it.
    pub vitals: Vitals,
    /// Whether a person or a checker took it out.
    pub taken_out: bool,
}

impl Patient<'_> {
    fn counts(&self) -> bool {
        !self.taken_out && self.vitals.last_good_at.is_some()
    }
}

/// Judges all nodes; answers their vitals in the same order.
pub fn judge(
    patients: &[Patient<'_>],
    watching_since: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Vec<Vitals> {
    let living = patients.iter().filter(|node| node.counts() && node.vitals.health != Health::Down);
    let doubtful = living.clone().filter(|node| node.vitals.is_doubtful(watching_since, at));
    let doubts_himself = 2 * doubtful.count() > living.count();
    let mut room: BTreeMap<&ShardId, i64> = BTreeMap::new();
    for patient in patients.iter().filter(|node| node.counts()) {
        // In halves of a node: each gives one, each that is down takes two.
        let down = patient.vitals.health == Health::Down;
        *room.entry(patient.shard).or_default() += if down { -1 } else { 1 };
    }
    let mut order: Vec<usize> = (0..patients.len()).collect();
    // The longest silent first: if not all may go, those that were heard last stay.
    order.sort_by_key(|index| patients[*index].vitals.last_good_at);
    let mut judged: Vec<Vitals> = patients.iter().map(|node| node.vitals).collect();
    for index in order {
        let patient = &patients[index];
        let left = room.entry(patient.shard).or_default();
        let may_go_down = patient.counts() && !doubts_himself && *left >= 2;
        let after = patient.vitals.tick(watching_since, at, may_go_down);
        if patient.vitals.health != Health::Down && after.health == Health::Down {
            *left -= 2;
        }
        judged[index] = after;
    }
    judged
}
