//! `lxp jobs` on a running platform: what failed is seen and replayed by one command, what is planned is cancelled.

use std::time::{Duration, Instant};

use lxp_tests::{Institution, Platform};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// A job is found without a word within the process, and done, within this.
const DONE_WITHIN: Duration = Duration::from_secs(30);

/// Puts jobs there that do nothing.
async fn put(platform: &Platform, institution: &Institution, count: u32, set: &str) {
    let dsn = platform.superuser(&format!("postgres-{}-primary", institution.shard));
    let (server, _) = dsn.rsplit_once('/').expect("a database");
    let mut sql = PgConnection::connect(&format!("{server}/lxp")).await.expect("a connection");
    let id = institution.id;
    let put = format!(
        "INSERT INTO jobs (institution_id, id, type, payload)
         SELECT '{id}', gen_random_uuid(), 'PROBE', '{{}}' FROM generate_series(1, {count});
         UPDATE jobs SET {set} WHERE institution_id = '{id}' AND state = 'QUEUED'"
    );
    // In one message they are one transaction: nobody sees them before they stand as they are to.
    sql.execute(AssertSqlSafe(put)).await.expect("put");
}

async fn said(platform: &Platform, institution: &Institution, arguments: &[&str]) -> Value {
    let id = institution.id.to_string();
    let rest = ["--institution", id.as_str(), "-o", "json"];
    let said = platform.lxp(&[arguments, &rest].concat()).await;
    serde_json::from_str(&said).expect("JSON alone on stdout")
}

#[tokio::test]
async fn what_failed_is_listed_and_replayed_by_one_command() {
    let platform = Platform::shared();
    let institution = platform.institution(None).await;
    put(&platform, &institution, 5, "state = 'FAILED', attempts = 10, last_error = 'no'").await;
    let failed = said(&platform, &institution, &["jobs", "list", "--state", "failed"]).await;
    let items = failed["items"].as_array().expect("jobs");
    assert_eq!((items.len(), &items[0]["lastError"]), (5, &Value::from("no")));
    let id = items[0]["id"].as_str().expect("an id");
    let shown = said(&platform, &institution, &["jobs", "show", id]).await;
    assert_eq!((&shown["state"], &shown["attempts"]), (&Value::from("FAILED"), &Value::from(10)));
    let replayed = said(&platform, &institution, &["jobs", "retry", "--failed"]).await;
    assert_eq!(replayed["retried"], 5);
    let began = Instant::now();
    loop {
        let done = said(&platform, &institution, &["jobs", "list", "--state", "DONE"]).await;
        if done["items"].as_array().is_some_and(|jobs| jobs.len() == 5) {
            break;
        }
        assert!(began.elapsed() < DONE_WITHIN, "{done}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn what_is_planned_is_cancelled_and_queued_anew() {
    let platform = Platform::shared();
    let institution = platform.institution(None).await;
    put(&platform, &institution, 1, "run_at = now() + interval '1 hour'").await;
    let planned = said(&platform, &institution, &["jobs", "list", "--type", "PROBE"]).await;
    let id = planned["items"][0]["id"].as_str().expect("an id").to_owned();
    let cancelled = said(&platform, &institution, &["jobs", "cancel", &id]).await;
    assert_eq!(cancelled["state"], "CANCELLED");
    let queued = said(&platform, &institution, &["jobs", "retry", &id]).await;
    assert_eq!((&queued["state"], &queued["attempts"]), (&Value::from("QUEUED"), &Value::from(0)));
}
