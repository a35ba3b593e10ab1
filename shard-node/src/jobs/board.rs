//! Whose turn it is: which institutions wait for a worker, and how much of what runs. No clock, no database.
//!
//! What must stay true:
//! - An institution waits at most once, however often it is woken; who was woken while it is visited is visited again.
//! - Turns go round: who had one is behind all others.
//! - Of one institution, and of one type unless its handler says otherwise, half of what the node does at once may run;
//!   of one type in one institution one less: so that its slow type leaves a place to its others, and one institution
//!   leaves half to all others.
//! - What works outside of the database waits for others' servers, and all of it at once when they are slow: two places
//!   of the node are never its own, nor is one of each institution's.
//! - Who waits for a type's place gets it in its order, when it is free. Who has nothing that could run now has no
//!   turn: nothing is asked again and again.
//! - What does not fit here, or is passed over, is no loss: `work_ready` names it again within a second.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use shard_map::InstitutionId;
use tokio::sync::Notify;

/// Institutions that wait at most.
const WAITING_MAX: usize = 10_000;

/// Places of a node that what works outside leaves to effects.
const KEPT: usize = 2;

/// In the name of which is waited for a place of what works outside; no type has it.
const OUTSIDE: &str = "";

/// A type of jobs, as far as places go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// So many of it at once; half of what the node does where that is not said.
    pub(super) at_once: Option<usize>,
    /// Whether it works outside of the database.
    pub(super) is_outside: bool,
}

/// Who waits, and what runs.
#[derive(Debug)]
pub(super) struct Board {
    state: Mutex<State>,
    news: Notify,
    at_once: usize,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<InstitutionId>,
    marks: HashMap<InstitutionId, Mark>,
    running: HashMap<&'static str, usize>,
    outside: usize,
    /// By type, who has jobs of it and found no place.
    waiting: HashMap<&'static str, VecDeque<InstitutionId>>,
}

/// What is known of an institution that waits, is visited, or has jobs running.
#[derive(Debug, Default)]
struct Mark {
    stands: Stands,
    /// It is to be ready once one of its jobs has ended.
    is_parked: bool,
    /// `work_ready` named it.
    is_named: bool,
    running: HashMap<&'static str, usize>,
    outside: usize,
}

/// Where an institution stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Nobody looks after it.
    #[default]
    Aside,
    /// It waits for its turn.
    Ready,
    /// Its turn is under way.
    Visited {
        /// It is to be ready once that has ended.
        again: bool,
    },
}

impl Mark {
    fn runs(&self) -> usize {
        self.running.values().sum()
    }

    fn is_idle(&self) -> bool {
        self.stands == Stands::Aside && self.runs() == 0
    }
}

/// An institution's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// Whose.
    pub(super) institution: InstitutionId,
    /// Whether `work_ready` named it: then something else may be due than what woke it.
    pub(super) is_named: bool,
}

impl Board {
    /// The board of a node that does so many jobs at once.
    pub(super) fn new(at_once: usize) -> Self {
        Self { state: Mutex::default(), news: Notify::new(), at_once }
    }

    /// An institution may have something due.
    pub(super) fn offer(&self, institution: InstitutionId, is_named: bool) {
        let mut state = self.lock();
        if state.marks.len() >= WAITING_MAX && !state.marks.contains_key(&institution) {
            return;
        }
        state.marks.entry(institution).or_default().is_named |= is_named;
        state.make_ready(institution, self.of_one());
        drop(state);
        self.news.notify_one();
    }

    /// The next institution; waits until there is one. For one caller.
    pub(super) async fn next(&self) -> Turn {
        loop {
            let turn = self.lock().next();
            if let Some(turn) = turn {
                return turn;
            }
            self.news.notified().await;
        }
    }

    /// Takes a place for jobs of a type in an institution that is visited. Answers false where there is none; it is then
    /// ready again once there is.
    pub(super) fn reserve(&self, institution: InstitutionId, kind: Kind) -> bool {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(mark) = state.marks.get_mut(&institution) else { return false };
        let own = mark.running.get(kind.name).copied().unwrap_or_default();
        let own_max = (self.of_one() - 1).max(1);
        if own >= own_max
            || mark.runs() >= self.of_one()
            || (kind.is_outside && mark.outside >= own_max)
        {
            mark.is_parked = true;
            return false;
        }
        if let Some(line) = state.full(kind, self.of_one(), self.at_once.saturating_sub(KEPT)) {
            let waiting = state.waiting.entry(line).or_default();
            if !waiting.contains(&institution) && waiting.len() < WAITING_MAX {
                waiting.push_back(institution);
            }
            return false;
        }
        let Some(mark) = state.marks.get_mut(&institution) else { return false };
        *state.running.entry(kind.name).or_default() += 1;
        *mark.running.entry(kind.name).or_default() += 1;
        if kind.is_outside {
            state.outside += 1;
            mark.outside += 1;
        }
        true
    }

    /// Gives a place back, whether or not something ran in it.
    pub(super) fn release(&self, institution: InstitutionId, kind: Kind, was_used: bool) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let one = usize::from(kind.is_outside);
        if let Some(running) = state.running.get_mut(kind.name) {
            *running = running.saturating_sub(1);
        }
        state.outside = state.outside.saturating_sub(one);
        if let Some(mark) = state.marks.get_mut(&institution) {
            if let Some(running) = mark.running.get_mut(kind.name) {
                *running = running.saturating_sub(1);
            }
            mark.outside = mark.outside.saturating_sub(one);
            // Where nothing ran, nothing has ended: to look again at once would find the same.
            if was_used && std::mem::take(&mut mark.is_parked) {
                state.make_ready(institution, self.of_one());
            }
        }
        for line in [Some(kind.name), kind.is_outside.then_some(OUTSIDE)].into_iter().flatten() {
            if let Some(next) = state.waiting.get_mut(line).and_then(VecDeque::pop_front) {
                state.marks.entry(next).or_default();
                state.make_ready(next, self.of_one());
            }
        }
        state.forget(institution);
        drop(guard);
        self.news.notify_one();
    }

    /// A visit has ended; whether something is left that can be taken now.
    pub(super) fn visited(&self, institution: InstitutionId, more: bool, is_named: bool) {
        let mut guard = self.lock();
        let state = &mut *guard;
        if let Some(mark) = state.marks.get_mut(&institution) {
            let before = std::mem::take(&mut mark.stands);
            mark.is_named |= more && is_named;
            if more || before == (Stands::Visited { again: true }) {
                state.make_ready(institution, self.of_one());
            }
        }
        state.forget(institution);
        drop(guard);
        self.news.notify_one();
    }

    /// How much of one institution may run at once.
    fn of_one(&self) -> usize {
        (self.at_once / 2).max(1)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// In whose name a place of a type is waited for; none where one is free.
    fn full(&self, kind: Kind, of_one: usize, outside: usize) -> Option<&'static str> {
        let of_kind = self.running.get(kind.name).copied().unwrap_or_default();
        if of_kind >= kind.at_once.unwrap_or(of_one).max(1) {
            return Some(kind.name);
        }
        (kind.is_outside && self.outside >= outside.max(1)).then_some(OUTSIDE)
    }

    /// Puts one behind all others; once its visit has ended, or one of its jobs, where it has as much running as it may.
    fn make_ready(&mut self, institution: InstitutionId, at_once: usize) {
        let Some(mark) = self.marks.get_mut(&institution) else { return };
        match mark.stands {
            Stands::Ready => {}
            Stands::Visited { .. } => mark.stands = Stands::Visited { again: true },
            Stands::Aside if mark.runs() >= at_once => mark.is_parked = true,
            Stands::Aside => {
                mark.stands = Stands::Ready;
                self.ready.push_back(institution);
            }
        }
    }

    fn next(&mut self) -> Option<Turn> {
        let institution = self.ready.pop_front()?;
        let mark = self.marks.entry(institution).or_default();
        mark.stands = Stands::Visited { again: false };
        Some(Turn { institution, is_named: std::mem::take(&mut mark.is_named) })
    }

    fn forget(&mut self, institution: InstitutionId) {
        if self.marks.get(&institution).is_some_and(Mark::is_idle) {
            self.marks.remove(&institution);
        }
    }
}

#[cfg(test)]
mod tests;
