//! The planner: which institutions should live elsewhere, where, and why. Pure: no database, no clock, no chance.
//!
//! What must stay true, each with a property in `tests`:
//! - **Twice is once.** What is carried out is not planned again, nor is what an earlier plan has under way.
//! - **No needless move.** Who lives where its pin or the ring wants it stays there; each move has a reason that holds.
//! - **Pins outrank the ring.** Who is pinned goes to its pin or nowhere, while that shard is active.
//! - **A drained shard ends empty**, as long as any shard in the ring has room.
//! - **After an add everything goes to the new shard**, and nothing between the old ones.
//! - **Capacity is kept**, after each move in turn: nobody is sent to a shard that is full by then.
//! - **Who is alone stays alone.** A shard of weight 0 gets nobody but who is pinned to it.
//! - **The same question has the same answer**, in whatever order shards and institutions are given.
//! - No plan is longer than it may be; the next one goes on where it ended.
//!
//! Left alone on purpose: institutions have no sizes here. Capacity is a number of institutions: that is known at once
//! and exactly, while bytes are a guess that is old when the plan is applied.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::fmt;

use shard_map::{InstitutionId, Ring, ShardId, ShardState};

/// A shard, as far as the planner goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Shard {
    /// Its id.
    pub id: ShardId,
    /// Only an active one is sent anybody.
    pub state: ShardState,
    /// Its share of the ring; 0: it takes whoever is pinned to it, and nobody else.
    pub weight: u32,
    /// How many institutions it takes.
    pub capacity: Option<u64>,
    /// How busy its nodes are, 1 at their limit: the busiest shards are relieved first.
    pub load: f64,
}

/// An institution, as far as the planner goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resident {
    /// Which.
    pub id: InstitutionId,
    /// Where it lives.
    pub shard: ShardId,
    /// Where a person wants it.
    pub pin: Option<ShardId>,
    /// Where an earlier plan or a move takes it.
    pub going: Option<ShardId>,
    /// Whether it cannot move now: it is still being created.
    pub is_fixed: bool,
}

/// All that is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    /// All shards.
    pub shards: Vec<Shard>,
    /// All institutions.
    pub residents: Vec<Resident>,
}

/// What a plan is to bring about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aim {
    /// Everybody where pins and the ring want them.
    Rebalance,
    /// Nobody on this shard, as if it were draining already.
    Drain(ShardId),
}

/// Why an institution moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A person wants it there.
    Pinned(ShardId),
    /// Its shard is drained, and the ring gives it to the new one.
    Drained(ShardId),
    /// Its shard is drained, and the shard that it belongs on is full.
    DrainedPastFull(ShardId, ShardId),
    /// The ring gives it to the new one.
    Ring(ShardId),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned(to) => write!(f, "pinned to {to}"),
            Self::Drained(from) => write!(f, "{from} is drained"),
            Self::DrainedPastFull(from, full) => write!(f, "{from} is drained, and {full} is full"),
            Self::Ring(to) => write!(f, "the ring gives it to {to}"),
        }
    }
}

/// A move of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which institution.
    pub institution: InstitutionId,
    /// Where it lives.
    pub from: ShardId,
    /// Where it is to live.
    pub to: ShardId,
    /// Why.
    pub why: Why,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Solution {
    /// What moves, in the order in which it is to begin.
    pub steps: Vec<Step>,
    /// How many more would move, if plans might be longer.
    pub more: usize,
    /// Institutions that stay where they are, and the full shard that they belong on.
    pub no_room: Vec<(InstitutionId, ShardId)>,
}

/// Solves it, with so many moves at most.
pub fn solve(world: &World, aim: &Aim, most: usize) -> Solution {
    let mut shards = world.shards.clone();
    // Whatever the order in which they were given.
    shards.sort_by(|a, b| a.id.cmp(&b.id));
    if let Aim::Drain(drained) = aim {
        let drained = shards.iter_mut().filter(|shard| shard.id == *drained);
        drained.for_each(|shard| shard.state = ShardState::Draining);
    }
    let active = shards.iter().filter(|shard| shard.state == ShardState::Active);
    let ring = Ring::new(active.map(|shard| (shard.id.clone(), shard.weight)));
    let by_id: HashMap<&ShardId, usize> =
        shards.iter().enumerate().map(|(at, shard)| (&shard.id, at)).collect();
    let places = Places { shards: &shards, by_id, ring };
    let wishes = places.wishes(&world.residents, aim);
    let (steps, refused) = Rooms::new(&places, &world.residents).grant(wishes);
    let more = steps.len().saturating_sub(most);
    let steps = steps.into_iter().take(most).map(|step| places.shown(&step)).collect();
    let no_room = refused.into_iter().map(|wish| (wish.institution, places.id(wish.to))).collect();
    Solution { steps, more, no_room }
}

/// A resident that should live elsewhere; shards by their place.
#[derive(Debug, Clone, Copy)]
struct Wish {
    institution: InstitutionId,
    from: usize,
    to: usize,
    cause: Cause,
}

/// In the order in which they are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Pin,
    Drain,
    /// It belongs on this shard, which is full.
    PastFull(usize),
    Ring,
}

struct Places<'w> {
    shards: &'w [Shard],
    by_id: HashMap<&'w ShardId, usize>,
    ring: Ring,
}

impl Places<'_> {
    fn id(&self, at: usize) -> ShardId {
        self.shards[at].id.clone()
    }

    fn is_active(&self, at: usize) -> bool {
        self.shards[at].state == ShardState::Active
    }

    /// Everybody who should be elsewhere, the most urgent first.
    fn wishes(&self, residents: &[Resident], aim: &Aim) -> Vec<Wish> {
        let of_interest = match aim {
            Aim::Rebalance => None,
            Aim::Drain(shard) => Some(shard),
        };
        let asked = residents.iter().filter(|resident| {
            of_interest.is_none_or(|shard| resident.shard == *shard)
                && resident.going.is_none()
                && !resident.is_fixed
        });
        let mut wishes: Vec<Wish> = asked.filter_map(|resident| self.wish(resident)).collect();
        let mut by_load: Vec<usize> = (0..self.shards.len()).collect();
        by_load
            .sort_by(|a, b| self.shards[*b].load.total_cmp(&self.shards[*a].load).then(a.cmp(b)));
        let mut turns = vec![0; self.shards.len()];
        for (turn, at) in by_load.into_iter().enumerate() {
            turns[at] = turn;
        }
        wishes.sort_unstable_by_key(|wish| (wish.cause, turns[wish.from], wish.institution));
        wishes
    }

    fn wish(&self, resident: &Resident) -> Option<Wish> {
        let from = *self.by_id.get(&resident.shard)?;
        let pin = resident.pin.as_ref().and_then(|pin| self.by_id.get(pin)).copied();
        let pin = pin.filter(|at| self.is_active(*at));
        let to = match pin {
            Some(pin) => pin,
            None => *self.by_id.get(self.ring.owner(resident.id)?)?,
        };
        let cause = match pin {
            Some(_) => Cause::Pin,
            None if self.is_active(from) => Cause::Ring,
            None => Cause::Drain,
        };
        let institution = resident.id;
        (to != from).then_some(Wish { institution, from, to, cause })
    }

    fn shown(&self, wish: &Wish) -> Step {
        let (from, to) = (self.id(wish.from), self.id(wish.to));
        let why = match wish.cause {
            Cause::Pin => Why::Pinned(to.clone()),
            Cause::Drain => Why::Drained(from.clone()),
            Cause::PastFull(full) => Why::DrainedPastFull(from.clone(), self.id(full)),
            Cause::Ring => Why::Ring(to.clone()),
        };
        Step { institution: wish.institution, from, to, why }
    }
}

/// How many live on each shard once the moves that are granted so far have ended.
struct Rooms<'w> {
    places: &'w Places<'w>,
    taken: Vec<u64>,
    /// Whoever waits until somebody leaves.
    waiting: Vec<VecDeque<Wish>>,
    granted: Vec<Wish>,
}

impl<'w> Rooms<'w> {
    fn new(places: &'w Places<'w>, residents: &[Resident]) -> Self {
        let mut taken = vec![0; places.shards.len()];
        for resident in residents {
            let home = resident.going.as_ref().unwrap_or(&resident.shard);
            if let Some(at) = places.by_id.get(home) {
                taken[*at] += 1;
            }
        }
        let waiting = vec![VecDeque::new(); places.shards.len()];
        Self { places, taken, waiting, granted: Vec::new() }
    }

    fn has_room(&self, at: usize) -> bool {
        self.places.shards[at].capacity.is_none_or(|most| self.taken[at] < most)
    }

    /// What is granted, in order, and what is not.
    fn grant(mut self, wishes: Vec<Wish>) -> (Vec<Wish>, Vec<Wish>) {
        for wish in wishes {
            if self.has_room(wish.to) {
                self.move_on(wish);
            } else {
                self.waiting[wish.to].push_back(wish);
            }
        }
        let mut refused: Vec<Wish> =
            std::mem::take(&mut self.waiting).into_iter().flatten().collect();
        refused.sort_unstable_by_key(|wish| (wish.cause, wish.institution));
        // Whoever must leave goes past the full one.
        refused.retain(|wish| {
            let elsewhere = (!self.places.is_active(wish.from)).then(|| self.roomiest()).flatten();
            if let Some(to) = elsewhere {
                self.taken[to] += 1;
                self.granted.push(Wish { to, cause: Cause::PastFull(wish.to), ..*wish });
            }
            elsewhere.is_none()
        });
        (self.granted, refused)
    }

    /// One leaves: whoever waited for its place follows, and so on.
    fn move_on(&mut self, first: Wish) {
        let mut next = Some(first);
        while let Some(wish) = next {
            self.taken[wish.to] += 1;
            self.taken[wish.from] -= 1;
            self.granted.push(wish);
            next =
                if self.has_room(wish.from) { self.waiting[wish.from].pop_front() } else { None };
        }
    }

    /// The shard of the ring that is the least full for its weight, of those with room.
    fn roomiest(&self) -> Option<usize> {
        let shards = self.places.shards.iter().enumerate();
        let open = shards.filter(|(at, shard)| {
            self.places.is_active(*at) && shard.weight > 0 && self.has_room(*at)
        });
        open.min_by(|(a, of_a), (b, of_b)| {
            let (a_share, b_share) =
                (self.taken[*a] * u64::from(of_b.weight), self.taken[*b] * u64::from(of_a.weight));
            a_share.cmp(&b_share).then(a.cmp(b))
        })
        .map(|(at, _)| at)
    }
}
