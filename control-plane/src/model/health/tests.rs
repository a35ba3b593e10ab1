//! The properties that the heads of `health` and `judgement` promise.

use proptest::prelude::*;
use shard_map::ShardId;

use super::judgement::{Patient, judge};
use super::*;

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms)
}

fn up() -> Vitals {
    Vitals::newcomer().beat(true, at(0))
}

#[test]
fn a_newcomer_is_up_with_its_first_good_heartbeat() {
    assert_eq!(Vitals::newcomer().health, Health::Down);
    assert_eq!(up().health, Health::Up);
    assert_eq!(Vitals::newcomer().beat(false, at(0)).health, Health::Down);
}

#[test]
fn silence_makes_suspect_after_2_s_and_down_after_two_and_a_half() {
    let health = |ms| up().tick(at(0), at(ms), true).health;
    assert_eq!(health(2_000), Health::Up);
    assert_eq!(health(2_001), Health::Suspect);
    assert_eq!(health(2_500), Health::Suspect);
    assert_eq!(health(2_501), Health::Down);
    assert_eq!(up().tick(at(0), at(9_000), false).health, Health::Suspect, "it may not go down");
}

#[test]
fn one_good_heartbeat_does_not_bring_it_back_and_two_do() {
    let down = up().tick(at(0), at(10_000), true);
    let once = down.beat(true, at(11_000));
    assert_eq!(once.health, Health::Down);
    assert_eq!(once.beat(true, at(12_000)).health, Health::Up);
    assert_eq!(once.beat(true, at(14_000)).health, Health::Down, "the second came too late");
}

#[test]
fn a_node_that_falls_again_and_again_must_stay_good_for_longer_until_it_was_steady() {
    let (mut node, mut now, mut needed) = (up(), 0, vec![]);
    for pause_s in [0, 1, 1, 1, 40] {
        for _ in 0..pause_s {
            now += 1_000;
            node = node.beat(true, at(now));
        }
        node = node.beat(false, at(now));
        let mut beats = 0;
        while node.health != Health::Up {
            now += 1_000;
            node = node.beat(true, at(now));
            beats += 1;
        }
        needed.push(beats);
    }
    assert_eq!(needed, [2, 4, 8, 8, 2]);
}

#[test]
fn a_node_that_is_not_ready_is_suspect_at_once_and_down_when_it_stays_so() {
    let draining = up().beat(false, at(1_000));
    assert_eq!(draining.health, Health::Suspect);
    let later = draining.beat(false, at(2_000)).beat(false, at(3_000));
    assert_eq!(later.tick(at(0), at(3_000), true).health, Health::Down);
    assert_eq!(later.reason(None, at(3_000)), "it says that it is not ready");
}

#[test]
fn one_failed_probe_is_forgiven_and_three_in_a_row_take_it_out_though_heartbeats_come() {
    let mut node = up();
    let mut healths = vec![];
    for second in 1..=3 {
        node = node.beat(true, at(second * 1_000)).probed(false, at(second * 1_000 + 1));
        node = node.tick(at(0), at(second * 1_000 + 2), true);
        healths.push(node.health);
    }
    assert_eq!(healths, [Health::Up, Health::Suspect, Health::Down]);
    let reason = node.reason(Some("Connection refused"), at(3_002));
    assert_eq!(reason, "probes of its /readyz failed: Connection refused");
}

#[test]
fn what_is_seen_before_the_watch_began_condemns_nobody() {
    let hour = 3_600_000;
    let probed = (1..=3).fold(up(), |node, n| node.probed(false, at(n)));
    for node in [up(), probed] {
        let now = at(hour);
        assert_ne!(node.tick(at(hour - 1_000), now, true).health, Health::Down);
    }
    assert_eq!(up().tick(at(hour - 3_500), at(hour), true).health, Health::Down);
}

#[test]
fn a_person_stands_over_a_checker_and_that_over_what_is_seen() {
    assert_eq!(published(true, true, Health::Up), NodeState::Cordoned);
    assert_eq!(published(false, true, Health::Up), NodeState::Down);
    assert_eq!(published(false, false, Health::Suspect), NodeState::Suspect);
}

#[derive(Debug, Clone)]
enum Step {
    Beat(bool),
    Probe(bool),
    Tick,
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let step = prop_oneof![
        4 => Just(Step::Beat(true)),
        1 => Just(Step::Beat(false)),
        3 => any::<bool>().prop_map(Step::Probe),
        4 => Just(Step::Tick),
    ];
    proptest::collection::vec((1..4_000_i64, step), 1..200)
}

fn shard(name: &str) -> ShardId {
    name.parse().expect("an id")
}

/// Two shards' nodes as they may be found: silent for a while each, up or suspect, some taken out.
fn fleet() -> impl Strategy<Value = Vec<(bool, i64, bool, bool)>> {
    let node = (any::<bool>(), 0..9_000_i64, any::<bool>(), prop::bool::weighted(0.2));
    proptest::collection::vec(node, 1..12)
}

proptest! {
    #[test]
    fn only_good_heartbeats_bring_a_node_up(steps in steps()) {
        let (mut vitals, mut now, mut good) = (Vitals::returned(), 0, 0);
        for (pause, step) in steps {
            now += pause;
            let before = vitals.health;
            match step {
                Step::Beat(ready) => {
                    vitals = vitals.beat(ready, at(now));
                    good = if ready { good + 1 } else { 0 };
                }
                Step::Probe(passed) => {
                    vitals = vitals.probed(passed, at(now));
                    good = if passed { good } else { 0 };
                    prop_assert!(before == Health::Up || vitals.health != Health::Up, "by a probe");
                }
                Step::Tick => {
                    vitals = vitals.tick(at(0), at(now), true);
                    prop_assert!(before == Health::Up || vitals.health != Health::Up, "by a tick");
                }
            }
            if before != Health::Up && vitals.health == Health::Up {
                prop_assert!(good >= 2, "up after {good} good heartbeats");
            }
            if before == Health::Up && vitals.health != Health::Up {
                good = 0;
            }
        }
    }

    #[test]
    fn a_node_in_good_order_stays_up(pauses in proptest::collection::vec(1..=2_000_i64, 1..100)) {
        let (mut vitals, mut now) = (up(), 0);
        for pause in pauses {
            vitals = vitals.tick(at(0), at(now + pause), true);
            prop_assert_eq!(vitals.health, Health::Up);
            now += pause;
            vitals = vitals.beat(true, at(now)).probed(true, at(now));
            prop_assert_eq!(vitals.health, Health::Up);
        }
    }

    /// `beats` and `probes` repeat; whichever half of either is bad, it ends as suspect and stays so.
    #[test]
    fn every_other_sign_bad_is_suspect_and_no_flapping(
        by_probe in any::<bool>(), first in any::<bool>(), jitter in 0..300_i64
    ) {
        let (mut node, mut changes) = (up(), vec![]);
        for second in 1..=120_i64 {
            let now = second * 1_000 + jitter;
            let good = (second % 2 == 0) == first;
            let before = node.health;
            node = node.beat(by_probe || good, at(now)).probed(!by_probe || good, at(now + 200));
            for quarter in 1..=3 {
                node = node.tick(at(0), at(now + quarter * 250), true);
            }
            if node.health != before {
                changes.push((second, node.health));
            }
        }
        prop_assert!(changes.len() == 1 && changes[0].0 < 12, "{changes:?}");
        prop_assert_eq!(node.health, Health::Suspect);
    }

    #[test]
    fn comings_up_are_rare_however_the_signs_fall(steps in steps()) {
        let (mut node, mut now, mut ups, mut since) = (up(), 0_i64, 0_u32, 0_i64);
        for (pause, step) in steps {
            now += pause;
            let before = node.health;
            node = match step {
                Step::Beat(ready) => node.beat(ready, at(now)),
                Step::Probe(passed) => node.probed(passed, at(now)),
                Step::Tick => node.tick(at(0), at(now), true),
            };
            if before == Health::Up && node.health != Health::Up {
                ups = if now - since >= 30_000 { 1 } else { ups + 1 };
            }
            if before != Health::Up && node.health == Health::Up {
                since = now;
                let needed = match ups {
                    0 | 1 => 2,
                    2 => 4,
                    _ => 8,
                };
                prop_assert!(node.good_beats >= needed);
            }
        }
    }

    #[test]
    fn at_most_half_of_a_shard_is_put_down_and_nobody_where_most_are_missed(fleet in fleet()) {
        let (a, b) = (shard("shard-a"), shard("shard-b"));
        let now = at(100_000);
        let patients: Vec<Patient<'_>> = fleet.iter().map(|(in_a, silent_ms, suspect, taken_out)| {
            let health = if *suspect { Health::Suspect } else { Health::Up };
            let last = Some(now - TimeDelta::milliseconds(*silent_ms));
            let vitals = Vitals { health, last_good_at: last, last_beat_at: last, ..up() };
            Patient { shard: if *in_a { &a } else { &b }, vitals, taken_out: *taken_out }
        }).collect();
        let judged = judge(&patients, at(0), now);
        for shard in [&a, &b] {
            let of_shard = |(patient, _): &(&Patient<'_>, &Vitals)| patient.shard == shard && !patient.taken_out;
            let all = patients.iter().zip(&judged).filter(of_shard).count();
            let down = patients.iter().zip(&judged).filter(of_shard)
                .filter(|(_, after)| after.health == Health::Down).count();
            prop_assert!(2 * down <= all, "{down} of {all}");
        }
        let counted = || fleet.iter().filter(|(_, _, _, taken_out)| !taken_out);
        let missed = counted().filter(|(_, silent_ms, _, _)| *silent_ms > 1_400).count();
        if 2 * missed > counted().count() {
            prop_assert!(judged.iter().all(|after| after.health != Health::Down));
        } else {
            // The watcher trusts himself: a shard's only dead node goes, where another stays.
            for (patient, after) in patients.iter().zip(&judged).filter(|(it, _)| !it.taken_out) {
                let peers = || patients.iter()
                    .filter(|other| other.shard == patient.shard && !other.taken_out);
                let dead = peers().filter(|other| other.vitals.is_dead(at(0), now)).count();
                if patient.vitals.is_dead(at(0), now) && dead == 1 && peers().count() >= 2 {
                    prop_assert_eq!(after.health, Health::Down);
                }
            }
        }
        // Judged again at once, nothing changes.
        let again: Vec<Patient<'_>> = patients.iter().zip(&judged)
            .map(|(patient, vitals)| Patient { vitals: *vitals, ..*patient }).collect();
        prop_assert_eq!(judge(&again, at(0), now), judged);
    }
}
