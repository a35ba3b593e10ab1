//! Schedules against a real Postgres, with a clock that the tests hold: three nodes over clock changes, downtime, other
//! zones, and what an admin does with them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use axum::http::Method;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::future::join_all;
use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::Role;
use shard_map::InstitutionId;
use shard_node::schedules::{Cadence, Scheduler, latest_firing};
use shard_node::tenancy::Verdict;
use sqlx::Row as _;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{Client, Served};
use crate::support::school::School;

/// A clock that stands until a test sets it.
#[derive(Clone, Default)]
struct Held(Arc<AtomicI64>);

impl Held {
    fn at(text: &str) -> Self {
        let clock = Self::default();
        clock.set(instant(text));
        clock
    }

    fn set(&self, now: DateTime<Utc>) {
        self.0.store(now.timestamp(), Ordering::SeqCst);
    }
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// The scheduler of a node, without delays, whose clock is ahead of the held one.
fn scheduler(shard: &Shard, served: &Served, clock: &Held, ahead: TimeDelta) -> Scheduler {
    let held = clock.0.clone();
    Scheduler::new(served.node.clone(), shard.pool("lxp_app", 2))
        .expect("a scheduler")
        .with_clock(Arc::new(move || {
            DateTime::from_timestamp(held.load(Ordering::SeqCst), 0).expect("an instant") + ahead
        }))
        .with_jitter(Duration::ZERO)
}

/// What schedules queued of a kind: its date, and when it may run.
async fn queued(
    shard: &Shard,
    institution: InstitutionId,
    kind: &str,
) -> Vec<(NaiveDate, DateTime<Utc>)> {
    let mut watcher = shard.connect("postgres").await;
    let rows = sqlx::query(
        "SELECT (payload->>'date')::date AS date, run_at FROM jobs
         WHERE institution_id = $1 AND type = $2 ORDER BY created_at, id",
    )
    .bind(institution.as_uuid())
    .bind(kind)
    .fetch_all(&mut watcher)
    .await
    .expect("jobs");
    rows.iter().map(|row| (row.get("date"), row.get("run_at"))).collect()
}

async fn dates(shard: &Shard, institution: InstitutionId, kind: &str) -> Vec<String> {
    let queued = queued(shard, institution, kind).await;
    queued.into_iter().map(|(date, _)| date.to_string()).collect()
}

async fn set_zone(shard: &Shard, institution: InstitutionId, zone: &str) {
    let mut owner = shard.connect("postgres").await;
    sqlx::query("UPDATE institutions SET timezone = $2 WHERE institution_id = $1")
        .bind(institution.as_uuid())
        .bind(zone)
        .execute(&mut owner)
        .await
        .expect("updated");
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

/// Those that were there before there were schedules, by the migration itself and its owner's rights.
#[tokio::test]
async fn institutions_that_are_there_already_get_theirs_by_the_migration() {
    let shard = Shard::create_before(20_261_129_000_030).await;
    let there = [shard.admit().await, shard.admit().await];
    shard.migrate().await;
    let new = shard.admit().await;
    let mut watcher = shard.connect("postgres").await;
    for institution in there.into_iter().chain([new]) {
        let kinds: Vec<String> = sqlx::query_scalar(
            "SELECT kind FROM job_schedules WHERE institution_id = $1 ORDER BY kind",
        )
        .bind(institution.as_uuid())
        .fetch_all(&mut watcher)
        .await
        .expect("schedules");
        assert_eq!(kinds, ["DAILY_ATTENDANCE", "MONTHLY_METRICS", "WEEKLY_REPORTS"]);
        let codes: i64 =
            sqlx::query_scalar("SELECT count(*) FROM attendance_codes WHERE institution_id = $1")
                .bind(institution.as_uuid())
                .fetch_one(&mut watcher)
                .await
                .expect("codes");
        assert_eq!(codes, 4);
    }
    drop(watcher);
    shard.drop_database().await;
}

/// The schedule of a kind as the API has it.
async fn listed(admin: &Client, kind: &str) -> Value {
    let listed = admin.get(&format!("/v1/job-schedules?kind={kind}")).await.expect(200);
    assert_eq!(listed.body["total"], 1, "{}", listed.body);
    listed.body["items"][0].clone()
}

#[tokio::test]
async fn what_a_disabled_schedule_missed_is_not_made_up_for() {
    let school = School::open().await;
    let clock = Held::default();
    // The database's clock has microseconds, and the schedules were made by it.
    clock.set(clock::now() + TimeDelta::seconds(2));
    let scheduler = scheduler(&school.shard, &school.served, &clock, TimeDelta::zero());
    assert_eq!(scheduler.round().await.expect("a round"), 0);
    let schedule = listed(&school.admin, "DAILY_ATTENDANCE").await;
    let path = format!("/v1/job-schedules/{}", schedule["id"].as_str().expect("an id"));
    let off = school.patch(&path, json!({"enabled": false})).await.expect(200);
    assert_eq!(off.body["enabled"], false);
    let earlier =
        "UPDATE job_schedules SET passed_on = passed_on - 10, next_at = now() - interval '9 days'";
    sqlx::query(earlier).execute(&school.shard.pool("postgres", 1)).await.expect("updated");
    assert_eq!(scheduler.round().await.expect("a round"), 2, "the disabled one has fired, too");
    let stale = school.admin.send(
        Method::PATCH,
        &path,
        Some(json!({"enabled": true})),
        &[("if-match", "\"1\"")],
    );
    assert_eq!(stale.await.expect(412).code(), "version-mismatch");
    let on = school.patch(&path, json!({"enabled": true})).await.expect(200);
    let next_at: DateTime<Utc> =
        on.body["nextAt"].as_str().and_then(|at| at.parse().ok()).expect("an instant");
    assert!(next_at > clock::now() && next_at < clock::now() + TimeDelta::hours(26));
    assert_eq!(scheduler.round().await.expect("a round"), 0);
    assert_eq!(dates(&school.shard, school.institution, "DAILY_ATTENDANCE").await, [""; 0]);
    school.close().await;
}

#[tokio::test]
async fn an_admin_runs_one_now() {
    let school = School::open().await;
    let mut watcher = school.shard.connect("postgres").await;
    for (kind, cadence) in
        [("DAILY_ATTENDANCE", Cadence::Daily), ("WEEKLY_REPORTS", Cadence::Weekly)]
    {
        let schedule = listed(&school.admin, kind).await;
        let path = format!("/v1/job-schedules/{}:run", schedule["id"].as_str().expect("an id"));
        let started = school.admin.post(&path, json!({})).await.expect(202);
        let job = started.body["jobId"].as_str().expect("an id").to_owned();
        assert_eq!(started.headers["location"], format!("/v1/jobs/{job}"));
        let date = latest_firing(cadence, chrono_tz::Europe::London, clock::now()).date;
        assert_eq!(started.body["date"], date.to_string());
        let (kind_of, payload): (String, Value) =
            sqlx::query_as("SELECT type, payload FROM jobs WHERE id = $1")
                .bind(job.parse::<Uuid>().expect("an id"))
                .fetch_one(&mut watcher)
                .await
                .expect("the job");
        assert_eq!((kind_of.as_str(), payload), (kind, json!({"date": date.to_string()})));
        let staff = school.served.client(school.institution, Role::Staff, None);
        staff.post(&path, json!({})).await.expect(403);
        assert_eq!(listed(&school.admin, kind).await["lastFiredOn"], Value::Null);
    }
    school
        .admin
        .post(&format!("/v1/job-schedules/{}:run", Uuid::now_v7()), json!({}))
        .await
        .expect(404);
    drop(watcher);
    school.close().await;
}
