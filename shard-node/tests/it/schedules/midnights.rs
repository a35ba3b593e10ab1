//! Three nodes over the clock changes of a spring and an autumn: each local midnight fires once.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::future::join_all;
use shard_map::InstitutionId;
use shard_node::schedules::Scheduler;

use super::{Held, dates, instant, queued, scheduler};
use crate::support::Shard;
use crate::support::api::Served;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// An institution, its zone, and when its days begin.
type Days = (InstitutionId, &'static str, Vec<(NaiveDate, DateTime<Utc>)>);

/// Institutions of zones whose clocks change in these days, with what must be seen of them.
async fn over_changes(shard: &Shard, from: &str, zones: &[(&'static str, &[&str])]) -> Vec<Days> {
    let mut all = Vec::new();
    for (zone, begins) in zones {
        let first = day(from);
        let days = begins.iter().zip(first.iter_days()).map(|(at, date)| (date, instant(at)));
        all.push((shard.admit_in(zone).await, *zone, days.collect()));
    }
    all
}

/// Three nodes whose clocks differ by some seconds look every ten minutes. Each local midnight fires once, at the first
/// look after it: neither an hour that comes twice nor one that is left out makes or loses one.
async fn three_nodes_fire_each_midnight_once(
    shard: &Shard,
    institutions: &[Days],
    from: &str,
    until: &str,
) {
    let clock = Held::at(from);
    let nodes: Vec<Served> = join_all((0..3).map(|_| Served::start(shard, 3))).await;
    let skew = |index| TimeDelta::seconds(i64::from(index) * 20);
    let schedulers: Vec<_> = nodes
        .iter()
        .zip(0..)
        .map(|(node, index)| scheduler(shard, node, &clock, skew(index)))
        .collect();
    let look = TimeDelta::minutes(10);
    let (mut now, mut fired) = (instant(from), 0);
    while now < instant(until) {
        clock.set(now);
        let rounds = join_all(schedulers.iter().map(Scheduler::round)).await;
        fired += rounds.into_iter().map(|round| round.expect("a round")).sum::<usize>();
        now += look;
    }
    let mut expected = 0;
    for (institution, zone, days) in institutions {
        let queued = queued(shard, *institution, "DAILY_ATTENDANCE").await;
        let found: Vec<NaiveDate> = queued.iter().map(|(date, _)| *date).collect();
        let wanted: Vec<NaiveDate> = days.iter().map(|(date, _)| *date).collect();
        assert_eq!(found, wanted, "{zone}");
        for ((date, run_at), (_, begins)) in queued.iter().zip(days) {
            let late = *run_at - *begins;
            assert!((TimeDelta::zero()..look).contains(&late), "{zone} {date}: {run_at}");
        }
        let others = ["WEEKLY_REPORTS", "MONTHLY_METRICS"];
        for kind in others {
            expected += dates(shard, *institution, kind).await.len();
        }
        expected += days.len();
    }
    assert_eq!(fired, expected, "some fired more often than jobs were queued");
    drop(nodes);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_fire_each_midnight_of_a_spring_once() {
    let shard = Shard::create().await;
    // London's clocks go forward on Sunday at 01:00 UTC, Beirut's over midnight, Azores' from 00:00 to 01:00.
    let institutions = over_changes(
        &shard,
        "2027-03-27",
        &[
            (
                "Europe/London",
                &["2027-03-27T00:00:00Z", "2027-03-28T00:00:00Z", "2027-03-28T23:00:00Z"],
            ),
            (
                "Asia/Beirut",
                &["2027-03-26T22:00:00Z", "2027-03-27T22:00:00Z", "2027-03-28T21:00:00Z"],
            ),
            (
                "Atlantic/Azores",
                &["2027-03-27T01:00:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:00:00Z"],
            ),
            (
                "Asia/Kolkata",
                &["2027-03-26T18:30:00Z", "2027-03-27T18:30:00Z", "2027-03-28T18:30:00Z"],
            ),
        ],
    )
    .await;
    let (from, until) = ("2027-03-26T12:00:00Z", "2027-03-29T12:00:00Z");
    three_nodes_fire_each_midnight_once(&shard, &institutions, from, until).await;
    for (institution, zone, _) in &institutions {
        let mondays = dates(&shard, *institution, "WEEKLY_REPORTS").await;
        assert_eq!(mondays, ["2027-03-29"], "{zone}");
    }
    shard.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_fire_each_midnight_of_an_autumn_once() {
    let shard = Shard::create().await;
    // London's clocks go back on Sunday from 02:00 to 01:00, Azores' from 01:00 to 00:00, Beirut's from 00:00 to 23:00.
    let institutions = over_changes(
        &shard,
        "2027-10-30",
        &[
            (
                "Europe/London",
                &["2027-10-29T23:00:00Z", "2027-10-30T23:00:00Z", "2027-11-01T00:00:00Z"],
            ),
            (
                "Asia/Beirut",
                &["2027-10-29T21:00:00Z", "2027-10-30T22:00:00Z", "2027-10-31T22:00:00Z"],
            ),
            (
                "Atlantic/Azores",
                &["2027-10-30T00:00:00Z", "2027-10-31T00:00:00Z", "2027-11-01T01:00:00Z"],
            ),
        ],
    )
    .await;
    let (from, until) = ("2027-10-29T12:00:00Z", "2027-11-01T12:00:00Z");
    three_nodes_fire_each_midnight_once(&shard, &institutions, from, until).await;
    for (institution, zone, _) in &institutions {
        for kind in ["WEEKLY_REPORTS", "MONTHLY_METRICS"] {
            assert_eq!(dates(&shard, *institution, kind).await, ["2027-11-01"], "{zone} {kind}");
        }
    }
    shard.drop_database().await;
}
