//! Health as its module head wants it.

use proptest::prelude::*;

use super::*;

fn out_for(health: &mut Health, now: Instant) -> Duration {
    for _ in 0..FAILURES_TO_GO {
        if let Some(Change::Out(back_off)) = health.record(Outcome::Failed, false, now) {
            return back_off;
        }
    }
    panic!("it is still in");
}

/// Tries a node that is out as soon as that is allowed; when that was.
fn tried(health: &mut Health, mut now: Instant, outcome: Outcome) -> Instant {
    while !health.take_trial(now) {
        now += Duration::from_millis(100);
    }
    health.record(outcome, true, now);
    now
}

#[test]
fn two_refused_connections_put_a_node_out() {
    let now = Instant::now();
    let mut health = Health::new(now);
    assert_eq!(health.record(Outcome::NoConnection, false, now), None);
    assert!(!health.is_sound(now));
    let change = health.record(Outcome::NoConnection, false, now);
    assert_eq!(change, Some(Change::Out(BACK_OFF)));
    assert_eq!(health.standing(now), Standing::Out { since: now, due: false });
}

#[test]
fn one_answer_ends_a_run() {
    let now = Instant::now();
    let mut health = Health::new(now);
    for _ in 0..100 {
        for _ in 1..FAILURES_TO_GO {
            assert_eq!(health.record(Outcome::Failed, false, now), None);
        }
        health.record(Outcome::Answered, false, now);
        assert!(health.is_sound(now));
    }
}

#[test]
fn what_was_sent_before_it_went_out_does_not_bring_it_back() {
    let now = Instant::now();
    let mut health = Health::new(now);
    out_for(&mut health, now);
    assert_eq!(health.record(Outcome::Answered, false, now), None);
    assert!(health.take_trial(now + BACK_OFF));
    assert_eq!(health.record(Outcome::Answered, false, now + BACK_OFF), None);
    assert_eq!(health.record(Outcome::Answered, true, now + BACK_OFF), Some(Change::Back));
}

#[test]
fn a_trial_without_an_outcome_gives_way_to_another() {
    let now = Instant::now();
    let mut health = Health::new(now);
    out_for(&mut health, now);
    assert!(!health.take_trial(now));
    assert!(health.take_trial(now + BACK_OFF));
    assert!(!health.take_trial(now + BACK_OFF));
    health.trial_is_void(now + BACK_OFF);
    assert!(health.take_trial(now + BACK_OFF));
}

#[test]
fn a_node_that_is_back_gets_more_and_more() {
    let now = Instant::now();
    let mut health = Health::new(now);
    out_for(&mut health, now);
    let back = tried(&mut health, now, Outcome::Answered);
    let mut before = 0.0;
    for tenth in 0..10 {
        let standing = health.standing(back + SLOW_START * tenth / 10);
        let Standing::Ramping(share) = standing else { panic!("{standing:?}") };
        assert!((SHARE_MIN..1.0).contains(&share) && share >= before, "{share}");
        before = share;
    }
    assert!(before > 0.8, "{before}");
    assert!(health.is_sound(back + SLOW_START));
}

#[test]
fn the_back_off_grows_and_shrinks_by_calm_alone() {
    let mut now = Instant::now();
    let mut health = Health::new(now);
    for seconds in [1, 2, 4, 8, 16, 16] {
        assert_eq!(out_for(&mut health, now), Duration::from_secs(seconds));
        now = tried(&mut health, now, Outcome::Answered);
    }
    now += CALM * 2;
    assert_eq!(out_for(&mut health, now), Duration::from_secs(4));
    now = tried(&mut health, now, Outcome::Answered) + CALM * 99;
    assert_eq!(out_for(&mut health, now), BACK_OFF);
}

#[test]
fn a_node_that_says_it_closes_is_passed_over_for_a_moment() {
    let now = Instant::now();
    let mut health = Health::new(now);
    health.leaves(now);
    assert_eq!(health.standing(now), Standing::Leaving);
    // Who answers there then has just been started.
    assert_eq!(health.standing(now + LEAVING), Standing::Ramping(SHARE_MIN));
    assert!(health.is_sound(now + LEAVING + SLOW_START));
}

fn outcomes() -> impl Strategy<Value = Vec<(u64, Outcome)>> {
    let outcome = prop_oneof![
        2 => Just(Outcome::Answered),
        2 => Just(Outcome::Failed),
        1 => Just(Outcome::NoConnection),
    ];
    prop::collection::vec((0..400_u64, outcome), 1..600)
}

proptest! {
    /// Whatever comes: while out one trial at a time and none too early, and few times out.
    #[test]
    fn a_node_never_flaps(events in outcomes()) {
        let start = Instant::now();
        let mut health = Health::new(start);
        let (mut now, mut out, mut backs, mut out_until) = (start, 0, 0, start);
        for (pause_ms, outcome) in events {
            now += Duration::from_millis(pause_ms);
            let was_out = matches!(health.standing(now), Standing::Out { .. });
            let is_trial = health.take_trial(now);
            prop_assert!(!is_trial || now >= out_until);
            prop_assert!(!health.take_trial(now), "a second trial");
            match health.record(outcome, is_trial, now) {
                Some(Change::Out(back_off)) => {
                    prop_assert!(outcome != Outcome::Answered);
                    prop_assert!((BACK_OFF..=BACK_OFF_MAX).contains(&back_off));
                    out += 1;
                    out_until = now + back_off;
                }
                Some(Change::Back) => {
                    prop_assert!(is_trial && was_out && outcome == Outcome::Answered);
                    backs += 1;
                }
                None => {}
            }
            let standing = health.standing(now);
            if let Standing::Ramping(share) = standing {
                prop_assert!((SHARE_MIN..1.0).contains(&share));
            }
        }
        // Failures come so often that it is never calm: but for the first doublings, each time out lasts.
        let whole_s = now.duration_since(start).as_secs();
        prop_assert!(out <= u64::from(LEVEL_MAX) + 1 + whole_s / BACK_OFF_MAX.as_secs());
        prop_assert!(backs <= out);
    }

    #[test]
    fn answers_alone_never_put_a_node_out(pauses in prop::collection::vec(0..100_000_u64, 1..100)) {
        let mut now = Instant::now();
        let mut health = Health::new(now);
        for pause_ms in pauses {
            now += Duration::from_millis(pause_ms);
            prop_assert_eq!(health.record(Outcome::Answered, false, now), None);
            prop_assert!(health.is_sound(now));
        }
    }
}
