//! Which node an attempt goes to.
//!
//! What must stay true (the property tests below):
//! - The map's word comes first: a node that is down or cordoned gets nothing, a suspect one only where none
//!   that is up will do.
//! - At most half of the nodes in rotation are held out; the first that went out stay out. So a single node
//!   never is.
//! - One that is due for a trial gets one request, at once; one that is back gets its share and no more.
//! - Among equals the one with the fewest requests in flight; ties go round.

use std::sync::Arc;
use std::time::Instant;

use shard_map::NodeState;

use super::{InFlight, Seat, Standing, Upstream};

/// How much a node is wanted; the least is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Up,
    /// About to go, or it has had its share.
    UpSpared,
    Suspect,
    SuspectSpared,
    UpOut,
    SuspectOut,
}

/// Begins an attempt at the node to send to; none where there is no node. Nodes that `skip` names are left
/// out. `rotation` breaks ties and says whose turn it is to be spared.
pub(crate) fn choose(
    seats: &[Seat],
    rotation: usize,
    now: Instant,
    skip: impl Fn(&Upstream) -> bool,
) -> Option<InFlight> {
    let held_out = HeldOut::of(seats, now);
    let start = rotation % seats.len().max(1);
    let (before, from) = seats.split_at(start);
    let in_turn = || from.iter().chain(before).filter(|seat| !skip(&seat.upstream));
    if held_out.nodes_out > 0 {
        let some_up = in_turn().any(|seat| seat.state == NodeState::Up);
        let worth_a_trial = if some_up { NodeState::Up } else { NodeState::Suspect };
        let trial = in_turn()
            .filter(|seat| seat.state == worth_a_trial)
            .find_map(|seat| seat.upstream.begin_trial(now));
        if trial.is_some() {
            return trial;
        }
    }
    in_turn()
        .filter_map(|seat| Some((rank(seat, &held_out, rotation, now)?, &seat.upstream)))
        .min_by_key(|(rank, upstream)| (*rank, upstream.in_flight()))
        .map(|(_, upstream)| Arc::clone(upstream).begin(now))
}

fn rank(seat: &Seat, held_out: &HeldOut, rotation: usize, now: Instant) -> Option<Rank> {
    let (whole, spared, out) = match seat.state {
        NodeState::Up => (Rank::Up, Rank::UpSpared, Rank::UpOut),
        NodeState::Suspect => (Rank::Suspect, Rank::SuspectSpared, Rank::SuspectOut),
        NodeState::Down | NodeState::Cordoned => return None,
    };
    Some(match seat.upstream.standing(now) {
        Standing::Ramping(share) if die(rotation) >= share => spared,
        Standing::Leaving => spared,
        Standing::Out { since, .. } if held_out.holds(since) => out,
        Standing::In | Standing::Ramping(_) | Standing::Out { .. } => whole,
    })
}

/// Which of the nodes that are out are held to it.
struct HeldOut {
    nodes_out: usize,
    /// Those that went out until then; none where nobody is held out.
    until: Option<Instant>,
}

impl HeldOut {
    fn of(seats: &[Seat], now: Instant) -> Self {
        let in_rotation =
            || seats.iter().filter(|s| matches!(s.state, NodeState::Up | NodeState::Suspect));
        let since = |seat: &Seat| match seat.upstream.standing(now) {
            Standing::Out { since, .. } => Some(since),
            _ => None,
        };
        let nodes_out = in_rotation().filter(|seat| since(seat).is_some()).count();
        if nodes_out == 0 {
            return Self { nodes_out, until: None };
        }
        let mut out: Vec<Instant> = in_rotation().filter_map(since).collect();
        out.sort_unstable();
        // Two that went out in the same instant are both held out or both not.
        let at_most = in_rotation().count() / 2;
        let until = (1..=at_most.min(out.len()))
            .map(|count| (out[count - 1], out.get(count)))
            .rfind(|(last, next)| next.is_none_or(|next| next > last))
            .map(|(last, _)| last);
        Self { nodes_out, until }
    }

    fn holds(&self, since: Instant) -> bool {
        self.until.is_some_and(|until| since <= until)
    }
}

/// An even draw from 0 to 1 that a counter makes (splitmix64).
fn die(rotation: usize) -> f64 {
    let mut mixed = (rotation as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let top = u32::try_from(mixed >> 32).unwrap_or(u32::MAX);
    f64::from(top) / f64::from(u32::MAX)
}

#[cfg(test)]
#[path = "choose_test.rs"]
mod tests;
