//! One live job of a key, and no change that it passes over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use shard_node::error::Error;
use shard_node::jobs::{Failure, Handler, JobSettings, Mode};
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{Desk, eventually, marks, pass, spawns};

/// Notes how many marks it sees each time, then waits at a gate.
fn rolls_up(seen: &Arc<std::sync::Mutex<Vec<i64>>>, gate: &Arc<Semaphore>) -> Handler {
    let (seen, gate) = (seen.clone(), gate.clone());
    Handler::effect("ROLL_UP", move |work, _| {
        let (seen, gate) = (seen.clone(), gate.clone());
        Box::pin(async move {
            let marks: i64 = sqlx::query_scalar("SELECT count(*) FROM courses")
                .fetch_one(work.tx().connection())
                .await
                .map_err(Error::from)?;
            seen.lock().expect("no panic").push(marks);
            pass(Some(&gate)).await;
            Ok(())
        })
    })
}

#[tokio::test]
async fn a_key_that_is_enqueued_while_its_job_runs_runs_once_more_and_makes_nobody_wait() {
    let (seen, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
    let (notes, at_gate) = (Arc::clone(&seen), gate.clone());
    let desk =
        Desk::open(move || vec![rolls_up(&notes, &at_gate), spawns("MARK", "ROLL_UP", None)]).await;
    desk.insert("MARK", 1).await;
    eventually("it runs", async || seen.lock().expect("no panic").len() == 1).await;
    // While it runs, more change and say so: they commit at once, and it is one job still.
    desk.insert("MARK", 5).await;
    desk.until_all("MARK", "DONE", 6).await;
    desk.until_all("ROLL_UP", "RUNNING", 1).await;
    assert_eq!(*seen.lock().expect("no panic"), [1], "it is still at its first");
    gate.add_permits(1);
    eventually("it runs again", async || seen.lock().expect("no panic").len() == 2).await;
    gate.add_permits(1);
    desk.until_all("ROLL_UP", "DONE", 1).await;
    assert_eq!(*seen.lock().expect("no panic"), [1, 6], "the second sees them all");
    // Once it has ended its key is free.
    gate.add_permits(1);
    desk.insert("MARK", 1).await;
    desk.until_all("ROLL_UP", "DONE", 2).await;
    desk.close().await;
}

#[tokio::test]
async fn a_queued_job_does_not_begin_before_who_enqueued_it_once_more_has_committed() {
    let (seen, open) = (Arc::default(), Arc::new(Semaphore::new(1_000)));
    let gate = Arc::new(Semaphore::new(0));
    let (notes, at_gate) = (Arc::clone(&seen), gate.clone());
    let desk = Desk::open(move || {
        vec![rolls_up(&notes, &open), spawns("MARK", "ROLL_UP", Some(at_gate.clone()))]
    })
    .await;
    // It falls due while the other's transaction is open.
    let columns = "run_at, unique_key";
    let rolled = desk
        .insert_with(desk.institution, "ROLL_UP", 1, columns, "now() + interval '1 second', 'k'")
        .await;
    desk.insert("MARK", 1).await;
    desk.until_all("MARK", "RUNNING", 1).await;
    let due = "SELECT count(*) FROM jobs WHERE id = $1 AND run_at < now() - interval '1.5 seconds'";
    eventually("it has been due for a while", async || {
        let due: i64 =
            sqlx::query_scalar(due).bind(rolled[0]).fetch_one(&desk.sql).await.expect("a count");
        due == 1
    })
    .await;
    assert_eq!(seen.lock().expect("no panic").len(), 0, "it began before");
    gate.add_permits(1);
    desk.until_all("ROLL_UP", "DONE", 1).await;
    assert_eq!(*seen.lock().expect("no panic"), [1], "it saw what was committed");
    desk.close().await;
}

/// What failed rests for as long as it said; what is asked now is not passed over for so long.
#[tokio::test]
async fn what_is_enqueued_onto_a_job_that_rests_begins_it_anew() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let desk = Desk::open(move || {
        let count = count.clone();
        let rests = Handler::effect("ROLL_UP", move |_, _| {
            let is_first = count.fetch_add(1, Ordering::SeqCst) == 0;
            Box::pin(async move {
                let after = Some(Duration::from_hours(1));
                let why = "not now".to_owned();
                if is_first { Err(Failure::Retry { why, after }) } else { Ok(()) }
            })
        });
        vec![rests, spawns("MARK", "ROLL_UP", None)]
    })
    .await;
    desk.insert("MARK", 1).await;
    eventually("it has failed", async || calls.load(Ordering::SeqCst) == 1).await;
    desk.until_all("ROLL_UP", "QUEUED", 1).await;
    desk.insert("MARK", 1).await;
    desk.until_all("ROLL_UP", "DONE", 1).await;
    let attempts: i32 = sqlx::query_scalar("SELECT attempts FROM jobs WHERE type = 'ROLL_UP'")
        .fetch_one(&desk.sql)
        .await
        .expect("a job");
    assert_eq!(attempts, 1, "with all its attempts");
    desk.close().await;
}

#[tokio::test]
async fn what_is_enqueued_onto_a_job_at_its_last_attempt_outlives_its_failure() {
    let calls = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let (count, at_gate) = (calls.clone(), gate.clone());
    let desk = Desk::open(move || {
        let (count, gate) = (count.clone(), at_gate.clone());
        let fails = Handler::effect("ROLL_UP", move |_, _| {
            let (count, gate) = (count.clone(), gate.clone());
            Box::pin(async move {
                if count.fetch_add(1, Ordering::SeqCst) > 0 {
                    return Ok(());
                }
                pass(Some(&gate)).await;
                Err(Failure::fail("the first time"))
            })
        });
        vec![fails, spawns("MARK", "ROLL_UP", None)]
    })
    .await;
    desk.insert("MARK", 1).await;
    eventually("it runs", async || calls.load(Ordering::SeqCst) == 1).await;
    desk.insert("MARK", 1).await;
    desk.until_all("MARK", "DONE", 2).await;
    gate.add_permits(1);
    desk.until_all("ROLL_UP", "DONE", 1).await;
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    let (id, error): (Uuid, String) =
        sqlx::query_as("SELECT id, last_error FROM jobs WHERE type = 'ROLL_UP'")
            .fetch_one(&desk.sql)
            .await
            .expect("a job");
    let job = desk.job(id).await;
    assert_eq!((&job["attempts"], error.as_str()), (&json!(1), "the first time"));
    desk.close().await;
}

#[tokio::test]
async fn a_key_is_free_once_its_job_has_failed_and_the_replay_minds_who_took_it() {
    let desk = Desk::open(|| {
        let fails = Handler::effect("KEYED", |_, _| Box::pin(async { Err(Failure::fail("no")) }));
        vec![fails]
    })
    .await;
    let failed = desk.insert_with(desk.institution, "KEYED", 1, "unique_key", "'k'").await[0];
    desk.until_all("KEYED", "FAILED", 1).await;
    let hour = "now() + interval '1 hour', 'k'";
    desk.insert_with(desk.institution, "KEYED", 1, "run_at, unique_key", hour).await;
    let refused = desk.admin.post(&format!("/v1/jobs/{failed}:retry"), json!({})).await.expect(409);
    assert_eq!(refused.code(), "key-live");
    let replayed = desk.admin.post("/v1/jobs:retryFailed", json!({"type": "KEYED"})).await;
    assert_eq!(replayed.expect(200).body["retried"], 0);
    // Of several that failed under one key the last is taken.
    desk.run("UPDATE jobs SET state = 'FAILED', run_at = now()").await;
    let last = desk
        .insert_with(desk.institution, "KEYED", 1, "unique_key, state", "'k', 'FAILED'")
        .await[0];
    let replayed = desk.admin.post("/v1/jobs:retryFailed", json!({})).await.expect(200).body;
    assert_eq!(replayed["retried"], 1);
    eventually("the last was tried", async || desk.job(last).await["attempts"] == 1).await;
    tokio::time::timeout(Duration::from_secs(20), desk.close()).await.expect("closed");
}

/// Its key is taken between the look for live ones and the write.
#[tokio::test]
async fn a_key_that_becomes_live_while_failed_ones_are_queued_anew_is_left_out() {
    let settings = JobSettings { mode: Mode::Serve, ..JobSettings::default() };
    let desk = Desk::open_with(settings, || vec![marks("A")]).await;
    let failed = "state, finished_at, unique_key";
    desk.insert_with(desk.institution, "A", 1, failed, "'FAILED', now(), 'k'").await;
    desk.insert_with(desk.institution, "A", 2, failed, "'FAILED', now(), 'other' || n").await;
    let mut writer = desk.sql.begin().await.expect("a transaction");
    let live = format!(
        "INSERT INTO jobs (institution_id, id, type, payload, unique_key)
         VALUES ('{}', gen_random_uuid(), 'A', '{{}}', 'k')",
        desk.institution
    );
    writer.execute(AssertSqlSafe(live)).await.expect("queued");
    let asked = desk.admin.post("/v1/jobs:retryFailed", json!({}));
    let then = async {
        let waits =
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'";
        eventually("it waits for the writer", async || {
            let waiting: i64 =
                sqlx::query_scalar(waits).fetch_one(&desk.sql).await.expect("a count");
            waiting > 0
        })
        .await;
        writer.commit().await.expect("committed");
    };
    let (answer, ()) = tokio::join!(asked, then);
    assert_eq!(answer.expect(200).body, json!({"retried": 2, "more": false}));
    let expected = [("FAILED".to_owned(), 1), ("QUEUED".to_owned(), 3)];
    assert_eq!(desk.states("A").await, std::collections::BTreeMap::from(expected));
    desk.close().await;
}

/// What is asked for once more is not made to rest by a failure of what was asked for before.
#[tokio::test]
async fn a_key_that_is_enqueued_while_its_job_fails_does_not_rest_for_as_long_as_that_says() {
    let (calls, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (counted, at_gate) = (calls.clone(), gate.clone());
    let desk = Desk::open(move || {
        let (calls, gate) = (counted.clone(), at_gate.clone());
        let rests = Handler::effect("RESTS", move |_, _| {
            let (calls, gate) = (calls.clone(), gate.clone());
            Box::pin(async move {
                if calls.fetch_add(1, Ordering::SeqCst) > 0 {
                    return Ok(());
                }
                pass(Some(&gate)).await;
                let why = "not now".to_owned();
                Err(Failure::Retry { why, after: Some(Duration::from_hours(20)) })
            })
        });
        vec![rests, spawns("MARK", "RESTS", None)]
    })
    .await;
    desk.insert("MARK", 1).await;
    eventually("it runs", async || calls.load(Ordering::SeqCst) == 1).await;
    desk.insert("MARK", 1).await;
    desk.until_all("MARK", "DONE", 2).await;
    gate.add_permits(1);
    desk.until_all("RESTS", "DONE", 1).await;
    desk.close().await;
}
