//! The choice as its module head wants it.

use std::time::Duration;

use proptest::prelude::*;

use super::super::Outcome;
use super::*;

fn seat(id: &str, state: NodeState) -> Seat {
    let address = "127.0.0.1:1".parse().expect("an address");
    let upstream = Upstream::new(id.parse().expect("an id"), address, Instant::now());
    Seat { upstream: Arc::new(upstream), state }
}

fn put_out(seat: &Seat, now: Instant) {
    for _ in 0..2 {
        seat.upstream.begin(now).judge(Outcome::NoConnection, now);
    }
}

fn id(chosen: Option<InFlight>) -> Option<String> {
    chosen.map(|attempt| attempt.upstream().id.to_string())
}

fn chosen(seats: &[Seat], rotation: usize, skip: &[&str]) -> Option<String> {
    id(choose(seats, rotation, Instant::now(), |node| skip.contains(&node.id.as_str())))
}

#[test]
fn ties_are_broken_in_turn() {
    let seats = [seat("a", NodeState::Up), seat("b", NodeState::Up)];
    assert_eq!(chosen(&seats, 0, &[]).as_deref(), Some("a"));
    assert_eq!(chosen(&seats, 1, &[]).as_deref(), Some("b"));
    assert_eq!(chosen(&seats, 2, &[]).as_deref(), Some("a"));
}

#[test]
fn the_least_loaded_wins() {
    let seats = [seat("a", NodeState::Up), seat("b", NodeState::Up)];
    let busy = seats[0].upstream.begin(Instant::now());
    assert_eq!(chosen(&seats, 0, &[]).as_deref(), Some("b"));
    drop(busy);
    assert_eq!(seats[0].upstream.in_flight(), 0);
}

#[test]
fn a_suspect_is_used_only_when_none_is_up() {
    let seats = [seat("a", NodeState::Suspect), seat("b", NodeState::Up)];
    assert_eq!(chosen(&seats, 0, &[]).as_deref(), Some("b"));
    assert_eq!(chosen(&seats, 0, &["b"]).as_deref(), Some("a"));
    assert_eq!(chosen(&seats, 0, &["a", "b"]), None);
}

#[test]
fn down_and_cordoned_nodes_get_nothing() {
    let now = Instant::now();
    let seats = [seat("a", NodeState::Down), seat("b", NodeState::Cordoned)];
    put_out(&seats[0], now);
    assert_eq!(id(choose(&seats, 0, now + Duration::from_secs(99), |_| false)), None);
    assert_eq!(chosen(&[], 3, &[]), None);
}

#[test]
fn one_of_two_is_held_out_and_a_single_one_never() {
    let now = Instant::now();
    let seats = [seat("a", NodeState::Up), seat("b", NodeState::Up)];
    put_out(&seats[0], now);
    for rotation in 0..10 {
        assert_eq!(id(choose(&seats, rotation, now, |_| false)).as_deref(), Some("b"));
    }
    // The second to go is asked all the same: the first stays out.
    put_out(&seats[1], now + Duration::from_millis(1));
    for rotation in 0..10 {
        let then = now + Duration::from_millis(2);
        assert_eq!(id(choose(&seats, rotation, then, |_| false)).as_deref(), Some("b"));
    }
    assert_eq!(id(choose(&seats[..1], 0, now, |_| false)).as_deref(), Some("a"));
}

#[test]
fn one_that_is_out_is_used_where_the_others_are_skipped() {
    let now = Instant::now();
    let seats = [seat("a", NodeState::Up), seat("b", NodeState::Up)];
    put_out(&seats[0], now);
    assert_eq!(chosen(&seats, 0, &["b"]).as_deref(), Some("a"));
}

#[test]
fn a_trial_is_one_request() {
    let now = Instant::now();
    let seats = [seat("a", NodeState::Up), seat("b", NodeState::Up)];
    put_out(&seats[0], now);
    let due = now + Duration::from_secs(1);
    let mut trial = choose(&seats, 1, due, |_| false).expect("an attempt");
    assert_eq!(trial.upstream().id.as_str(), "a");
    assert_eq!(id(choose(&seats, 0, due, |_| false)).as_deref(), Some("b"));
    trial.judge(Outcome::Answered, due);
    drop(trial);
    // Back, but with a tenth of its share.
    let count = |now: Instant| {
        let to_a = |rotation| id(choose(&seats, rotation, now, |_| false)).as_deref() == Some("a");
        (0..1000).filter(|rotation| to_a(*rotation)).count()
    };
    let (at_first, later) = (count(due), count(due + Duration::from_secs(8)));
    assert!((10..150).contains(&at_first), "{at_first}");
    assert!((300..600).contains(&later), "{later}");
}

#[test]
fn one_that_leaves_is_passed_over() {
    let now = Instant::now();
    let seats = [seat("a", NodeState::Up), seat("b", NodeState::Up)];
    seats[0].upstream.leaves(now);
    for rotation in 0..4 {
        assert_eq!(id(choose(&seats, rotation, now, |_| false)).as_deref(), Some("b"));
    }
    assert_eq!(chosen(&seats, 0, &["b"]).as_deref(), Some("a"));
}

fn state() -> impl Strategy<Value = NodeState> {
    prop_oneof![
        4 => Just(NodeState::Up),
        2 => Just(NodeState::Suspect),
        1 => Just(NodeState::Down),
        1 => Just(NodeState::Cordoned),
    ]
}

proptest! {
    #[test]
    fn the_map_comes_first_and_half_of_the_nodes_serve(
        nodes in prop::collection::vec((state(), prop::option::of(0..3_u64)), 0..7),
    ) {
        let now = Instant::now();
        let seats: Vec<Seat> = nodes
            .iter()
            .enumerate()
            .map(|(number, (state, _))| seat(&format!("n{number}"), *state))
            .collect();
        for (seat, (_, out_ms)) in seats.iter().zip(&nodes) {
            if let Some(ms) = out_ms {
                put_out(seat, now + Duration::from_millis(*ms));
            }
        }
        let then = now + Duration::from_millis(10);
        let held_out = HeldOut::of(&seats, then);
        let in_rotation: Vec<&Seat> = seats
            .iter()
            .filter(|seat| matches!(seat.state, NodeState::Up | NodeState::Suspect))
            .collect();
        let held = in_rotation.iter().filter(|seat| match seat.upstream.standing(then) {
            Standing::Out { since, .. } => held_out.holds(since),
            _ => false,
        });
        prop_assert!(held.count() * 2 <= in_rotation.len());
        let best = in_rotation.iter().filter_map(|seat| rank(seat, &held_out, 0, then)).min();
        match choose(&seats, 0, then, |_| false) {
            None => prop_assert!(in_rotation.is_empty()),
            Some(attempt) => {
                let seat = seats.iter().find(|seat| seat.upstream.id == attempt.upstream().id);
                let seat = seat.expect("one of them");
                prop_assert_eq!(rank(seat, &held_out, 0, then), best);
            }
        }
    }
}
