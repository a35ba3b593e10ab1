//! The rounds of one node: after downtime and suspension, over changes of the zone, and with each institution's delay.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use shard_map::InstitutionId;
use shard_node::schedules::Scheduler;
use shard_node::tenancy::Verdict;

use super::{Held, dates, instant, queued, scheduler};
use crate::support::Shard;
use crate::support::api::Served;

async fn set_zone(shard: &Shard, institution: InstitutionId, zone: &str) {
    let mut owner = shard.connect("postgres").await;
    sqlx::query("UPDATE institutions SET timezone = $2 WHERE institution_id = $1")
        .bind(institution.as_uuid())
        .bind(zone)
        .execute(&mut owner)
        .await
        .expect("updated");
}

/// An institution, one node that looks at it, and the clock that both go by.
struct Watched {
    shard: Shard,
    served: Served,
    institution: InstitutionId,
    clock: Held,
    scheduler: Scheduler,
}

impl Watched {
    async fn open(zone: &str, from: &str) -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit_in(zone).await;
        let served = Served::start(&shard, 3).await;
        let clock = Held::at(from);
        let scheduler = scheduler(&shard, &served, &clock, TimeDelta::zero());
        let watched = Self { shard, served, institution, clock, scheduler };
        assert_eq!(watched.look(from).await, 0, "what was past when it was made has fired");
        watched
    }

    /// How often it fires at a time.
    async fn look(&self, at: &str) -> usize {
        self.clock.set(instant(at));
        self.scheduler.round().await.expect("a round")
    }

    async fn dates(&self, kind: &str) -> Vec<String> {
        dates(&self.shard, self.institution, kind).await
    }

    /// Waits until the node knows what has become of an institution.
    async fn until(&self, institution: InstitutionId, known: impl Fn(&Verdict) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !known(&self.served.node.ownership.verdict(institution)) {
            assert!(Instant::now() < deadline, "the node did not hear of it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn is_served(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Serve { .. })
}

#[tokio::test]
async fn after_downtime_the_latest_of_each_is_caught_up_once() {
    let watched = Watched::open("America/New_York", "2027-01-05T12:00:00Z").await;
    assert_eq!(watched.look("2027-02-03T04:59:59Z").await, 3);
    assert_eq!(watched.dates("DAILY_ATTENDANCE").await, ["2027-02-02"]);
    assert_eq!(watched.dates("WEEKLY_REPORTS").await, ["2027-02-01"]);
    assert_eq!(watched.dates("MONTHLY_METRICS").await, ["2027-02-01"]);
    assert_eq!(watched.look("2027-02-03T04:59:59Z").await, 0);
    assert_eq!(watched.look("2027-02-03T05:00:00Z").await, 1, "it is midnight in New York");
    assert_eq!(watched.dates("DAILY_ATTENDANCE").await, ["2027-02-02", "2027-02-03"]);
    watched.shard.drop_database().await;
}

#[tokio::test]
async fn another_time_zone_fires_no_date_twice_and_none_late() {
    let watched = Watched::open("Europe/London", "2027-01-12T12:00:00Z").await;
    assert_eq!(watched.look("2027-01-13T00:00:00Z").await, 1);
    set_zone(&watched.shard, watched.institution, "Asia/Tokyo").await;
    assert_eq!(watched.look("2027-01-13T14:59:59Z").await, 0, "the 13th has fired already");
    assert_eq!(watched.look("2027-01-13T15:00:00Z").await, 1, "the 14th begins in Tokyo");
    set_zone(&watched.shard, watched.institution, "America/Los_Angeles").await;
    assert_eq!(watched.look("2027-01-13T16:00:00Z").await, 0);
    assert_eq!(watched.look("2027-01-14T08:00:00Z").await, 0, "the 14th again, in Los Angeles");
    assert_eq!(watched.look("2027-01-15T07:59:59Z").await, 0);
    assert_eq!(watched.look("2027-01-15T08:00:00Z").await, 1);
    // East over midnight: the 16th has begun there when the zone changes.
    set_zone(&watched.shard, watched.institution, "Pacific/Auckland").await;
    assert_eq!(watched.look("2027-01-15T12:00:00Z").await, 1);
    assert_eq!(
        watched.dates("DAILY_ATTENDANCE").await,
        ["2027-01-13", "2027-01-14", "2027-01-15", "2027-01-16"]
    );
    watched.shard.drop_database().await;
}

#[tokio::test]
async fn a_suspended_institution_catches_up_when_it_is_back() {
    let watched = Watched::open("UTC", "2027-01-12T12:00:00Z").await;
    let set = async |status: &str| {
        let mut owner = watched.shard.connect("lxp_owner").await;
        sqlx::query("SELECT institution_set_status($1, $2)")
            .bind(watched.institution.as_uuid())
            .bind(status)
            .execute(&mut owner)
            .await
            .expect("set");
    };
    set("SUSPENDED").await;
    assert_eq!(watched.look("2027-01-15T12:00:00Z").await, 0);
    // Not even where the node has not heard of it: its database knows.
    watched.until(watched.institution, |verdict| matches!(verdict, Verdict::Suspended)).await;
    assert_eq!(watched.look("2027-01-15T12:00:00Z").await, 0);
    set("ACTIVE").await;
    watched.until(watched.institution, is_served).await;
    assert_eq!(watched.look("2027-01-15T12:00:00Z").await, 1);
    assert_eq!(watched.dates("DAILY_ATTENDANCE").await, ["2027-01-15"]);
    watched.shard.drop_database().await;
}

#[tokio::test]
async fn a_zone_that_is_not_known_is_in_nobodys_way() {
    let watched = Watched::open("Mars/Olympus", "2027-01-12T12:00:00Z").await;
    let other = watched.shard.admit_in("UTC").await;
    watched.until(other, is_served).await;
    watched.look("2027-01-12T12:00:00Z").await;
    assert_eq!(watched.look("2027-01-13T00:00:00Z").await, 1);
    assert_eq!(dates(&watched.shard, other, "DAILY_ATTENDANCE").await, ["2027-01-13"]);
    set_zone(&watched.shard, watched.institution, "UTC").await;
    watched.look("2027-01-13T00:00:00Z").await;
    assert_eq!(watched.look("2027-01-14T00:00:00Z").await, 2, "it is known now");
    watched.shard.drop_database().await;
}

#[tokio::test]
async fn each_institution_has_its_delay_and_runs_no_earlier_than_its_midnight() {
    let watched = Watched::open("UTC", "2027-01-12T12:00:00Z").await;
    let mut others = vec![watched.institution];
    for _ in 0..7 {
        others.push(watched.shard.admit_in("UTC").await);
    }
    for other in &others {
        watched.until(*other, is_served).await;
    }
    watched.look("2027-01-12T12:00:00Z").await;
    watched.clock.set(instant("2027-01-13T00:00:00Z"));
    let delayed = watched.scheduler.with_jitter(Duration::from_mins(5));
    assert_eq!(delayed.round().await.expect("a round"), others.len());
    let mut delays = BTreeSet::new();
    for other in &others {
        let (_, run_at) = queued(&watched.shard, *other, "DAILY_ATTENDANCE").await[0];
        let delay = run_at - instant("2027-01-13T00:00:00Z");
        assert!((TimeDelta::zero()..=TimeDelta::minutes(5)).contains(&delay), "{delay}");
        delays.insert(delay);
    }
    assert!(delays.len() > 4, "they run together: {delays:?}");
    watched.shard.drop_database().await;
}
