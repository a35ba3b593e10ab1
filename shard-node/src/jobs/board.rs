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
mod tests {
    use futures::FutureExt as _;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn institution(number: u128) -> InstitutionId {
        InstitutionId::new(Uuid::from_u128(number))
    }

    fn inside(name: &'static str) -> Kind {
        Kind { name, at_once: None, is_outside: false }
    }

    fn outside(name: &'static str) -> Kind {
        Kind { name, at_once: Some(4), is_outside: true }
    }

    fn next(board: &Board) -> Option<u128> {
        board.next().now_or_never().map(|turn| turn.institution.as_uuid().as_u128())
    }

    #[test]
    fn however_often_one_is_woken_it_waits_once() {
        let board = Board::new(8);
        for _ in 0..100 {
            board.offer(institution(1), false);
        }
        assert_eq!((next(&board), next(&board)), (Some(1), None));
    }

    #[test]
    fn who_is_woken_while_it_is_visited_is_visited_again() {
        let board = Board::new(8);
        board.offer(institution(1), false);
        assert_eq!(next(&board), Some(1));
        board.offer(institution(1), true);
        assert_eq!(next(&board), None, "it is visited once at a time");
        board.visited(institution(1), false, false);
        let again = board.next().now_or_never();
        assert_eq!(again, Some(Turn { institution: institution(1), is_named: true }));
        board.visited(institution(1), false, false);
        assert_eq!((next(&board), board.lock().marks.len()), (None, 0));
    }

    #[test]
    fn turns_go_round() {
        let board = Board::new(8);
        board.offer(institution(1), false);
        let mut order = Vec::new();
        for turn in 0..6 {
            let whose = next(&board).expect("one is ready");
            order.push(whose);
            if turn == 0 {
                board.offer(institution(2), false);
            }
            board.visited(institution(whose), true, false);
        }
        assert_eq!(order, [1, 2, 1, 2, 1, 2]);
    }

    #[test]
    fn one_institution_takes_half_and_of_one_type_less() {
        let board = Board::new(8);
        board.offer(institution(1), false);
        assert_eq!(next(&board), Some(1));
        let slow = (0..10).filter(|_| board.reserve(institution(1), inside("SLOW"))).count();
        let quick = (0..10).filter(|_| board.reserve(institution(1), inside("QUICK"))).count();
        assert_eq!((slow, quick), (3, 1));
        board.visited(institution(1), true, false);
        assert_eq!(next(&board), None, "it has as much as it may");
        board.offer(institution(2), false);
        assert_eq!(next(&board), Some(2), "the others have the other half");
        board.release(institution(1), inside("QUICK"), true);
        assert_eq!(next(&board), Some(1), "a place of its own is free again");
    }

    #[test]
    fn what_works_outside_leaves_places_to_effects() {
        let board = Board::new(8);
        let kinds = [outside("MAIL"), outside("WEBHOOK")];
        let mut taken = Vec::new();
        for number in 1..=5 {
            board.offer(institution(number), false);
            assert_eq!(next(&board), Some(number));
            for kind in kinds {
                while board.reserve(institution(number), kind) {
                    taken.push((number, kind));
                }
            }
            board.visited(institution(number), false, false);
        }
        let of_one = taken.iter().filter(|(whose, _)| *whose == 1).count();
        assert_eq!((of_one, taken.len()), (3, 6), "{taken:?}");
        board.offer(institution(1), false);
        assert_eq!(next(&board), Some(1));
        assert!(board.reserve(institution(1), inside("QUICK")), "its own effects have a place");
        board.visited(institution(1), false, false);
        assert_eq!(next(&board), None);
        // Whoever waits for any place outside gets the next one.
        let (whose, kind) = taken.pop().expect("one");
        board.release(institution(whose), kind, true);
        let woken = next(&board).expect("somebody waits");
        assert!(kinds.into_iter().any(|kind| board.reserve(institution(woken), kind)));
    }

    #[test]
    fn who_waits_for_a_types_place_gets_it_in_its_order() {
        let board = Board::new(8);
        let one = Kind { name: "ONE", at_once: Some(1), is_outside: false };
        for number in 1..=3 {
            board.offer(institution(number), false);
            assert_eq!(next(&board), Some(number));
            assert_eq!(board.reserve(institution(number), one), number == 1);
            board.visited(institution(number), false, false);
        }
        assert_eq!(next(&board), None);
        board.release(institution(1), one, true);
        assert_eq!((next(&board), next(&board)), (Some(2), None));
        assert!(board.reserve(institution(2), one));
        board.visited(institution(2), false, false);
        board.release(institution(2), one, true);
        assert_eq!(next(&board), Some(3));
    }

    #[test]
    fn what_cannot_run_now_is_not_asked_again_and_again() {
        let board = Board::new(4);
        board.offer(institution(1), false);
        assert_eq!(next(&board), Some(1));
        assert!(board.reserve(institution(1), inside("SLOW")));
        board.visited(institution(1), true, false);
        assert_eq!(next(&board), Some(1));
        assert!(!board.reserve(institution(1), inside("SLOW")));
        board.visited(institution(1), false, false);
        assert_eq!(next(&board), None);
        board.release(institution(1), inside("SLOW"), true);
        assert_eq!(next(&board), Some(1));
    }

    #[test]
    fn it_is_bounded() {
        let board = Board::new(8);
        for number in 0..20_000 {
            board.offer(institution(number), false);
        }
        assert_eq!(board.lock().ready.len(), WAITING_MAX);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Offer(u128),
        Next,
        Reserve(usize, usize),
        EndVisit(usize, bool),
        Release(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..6_u128).prop_map(Step::Offer),
            Just(Step::Next),
            (any::<usize>(), 0..3_usize).prop_map(|(at, kind)| Step::Reserve(at, kind)),
            (any::<usize>(), any::<bool>()).prop_map(|(at, more)| Step::EndVisit(at, more)),
            any::<usize>().prop_map(Step::Release),
        ]
    }

    proptest! {
        /// Whatever happens in whatever order: no limit is passed, and when all has ended, everybody who was offered
        /// after the last look has a turn, and nothing is left.
        #[test]
        fn limits_hold_and_nobody_is_forgotten(steps in prop::collection::vec(step(), 0..200)) {
            let board = Board::new(8);
            let (mut visited, mut running) = (Vec::new(), Vec::<(u128, Kind)>::new());
            let slow = Kind { name: "SLOW", at_once: Some(2), is_outside: false };
            let kinds = [slow, inside("QUICK"), outside("MAIL")];
            for step in steps {
                match step {
                    Step::Offer(number) => board.offer(institution(number), false),
                    Step::Next => visited.extend(next(&board)),
                    Step::Reserve(at, kind) if !visited.is_empty() => {
                        let whose: u128 = visited[at % visited.len()];
                        if board.reserve(institution(whose), kinds[kind]) {
                            running.push((whose, kinds[kind]));
                        }
                    }
                    Step::EndVisit(at, more) if !visited.is_empty() => {
                        let whose = visited.swap_remove(at % visited.len());
                        board.visited(institution(whose), more, false);
                    }
                    Step::Release(at) if !running.is_empty() => {
                        let (whose, kind) = running.swap_remove(at % running.len());
                        board.release(institution(whose), kind, true);
                    }
                    _ => {}
                }
                for whose in 0..6 {
                    let own = |kind: &str| running.iter().filter(|run| run.0 == whose && run.1.name == kind).count();
                    prop_assert!(own("SLOW") <= 2 && own("QUICK") <= 3 && own("MAIL") <= 3);
                    prop_assert!(own("SLOW") + own("QUICK") + own("MAIL") <= 4);
                }
                let of = |kind: &str| running.iter().filter(|run| run.1.name == kind).count();
                prop_assert!(of("SLOW") <= 2 && of("MAIL") <= 4);
            }
            (0..6).for_each(|number| board.offer(institution(number), false));
            let mut turns = std::collections::BTreeSet::new();
            for _ in 0..1_000 {
                if let Some(whose) = next(&board) {
                    visited.push(whose);
                } else if visited.is_empty() && running.is_empty() {
                    break;
                }
                if let Some((whose, kind)) = running.pop() {
                    board.release(institution(whose), kind, true);
                }
                if let Some(whose) = visited.pop() {
                    turns.insert(whose);
                    board.visited(institution(whose), false, false);
                }
            }
            prop_assert_eq!(turns.len(), 6);
            prop_assert_eq!(next(&board), None);
            prop_assert!(board.lock().marks.is_empty());
        }
    }
}
