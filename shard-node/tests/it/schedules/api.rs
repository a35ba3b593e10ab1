//! Schedules through HTTP: an admin disables one, enables it again, or runs it now.

use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::Role;
use shard_node::schedules::{Cadence, latest_firing};
use uuid::Uuid;

use super::{Held, dates, scheduler};
use crate::support::api::Client;
use crate::support::school::School;

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
