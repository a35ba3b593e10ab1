//! Whose turn it is, in any order of events.

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
