//! What becomes of jobs: done with their effects, tried again, failed, replayed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use shard_map::Epoch;
use shard_node::jobs::{Failure, Handler, JobSettings};
use shard_node::tenancy::Verdict;
use sqlx::AssertSqlSafe;
use tokio::sync::Semaphore;

use super::{Desk, eventually, mark, marks, pass};

/// Counts its calls.
fn counted(
    kind: &'static str,
    calls: &Arc<AtomicUsize>,
    answer: impl Fn(usize) -> Result<(), Failure> + Clone + Send + Sync + 'static,
) -> Handler {
    let calls = calls.clone();
    Handler::effect(kind, move |work, job| {
        let (calls, answer) = (calls.clone(), answer.clone());
        Box::pin(async move {
            mark(work, job).await?;
            answer(calls.fetch_add(1, Ordering::SeqCst) + 1)
        })
    })
}

fn at_once(why: &str) -> Failure {
    Failure::Retry { why: why.to_owned(), after: Some(Duration::ZERO) }
}

#[tokio::test]
async fn an_event_becomes_a_job_that_is_done_with_its_effect() {
    let desk = Desk::open(|| vec![marks("TERM_CREATED")]).await;
    let term = json!({"code": "T", "name": "T", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
    let term = desk.admin.post("/v1/terms", term).await.expect(201).id();
    desk.until_all("TERM_CREATED", "DONE", 1).await;
    let (id, payload): (uuid::Uuid, serde_json::Value) =
        sqlx::query_as("SELECT id, payload FROM jobs").fetch_one(&desk.sql).await.expect("a job");
    let event: uuid::Uuid = sqlx::query_scalar("SELECT id FROM outbox_events")
        .fetch_one(&desk.sql)
        .await
        .expect("an event");
    assert_eq!(
        (&payload["eventId"], &payload["aggregateId"], &payload["code"]),
        (&json!(event), &json!(term), &json!("T"))
    );
    desk.expect_once(&[id]).await;
    let job = desk.job(id).await;
    assert_eq!((&job["attempts"], &job["leased_until"]), (&json!(1), &json!(null)));
    // Refused: neither the term nor a job.
    let twice = json!({"code": "T", "name": "T", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
    desk.admin.post("/v1/terms", twice).await.expect(409);
    desk.until_all("TERM_CREATED", "DONE", 1).await;
    desk.close().await;
}

#[tokio::test]
async fn a_poison_job_ends_after_its_attempts_is_shown_and_replayed_while_others_go_on() {
    let calls = Arc::new(AtomicUsize::new(0));
    let (poison, cured) = (calls.clone(), Arc::new(AtomicUsize::new(0)));
    let is_cured = cured.clone();
    let desk = Desk::open(move || {
        let is_cured = is_cured.clone();
        let poison = counted("POISON", &poison, move |_| {
            if is_cured.load(Ordering::SeqCst) == 1 { Ok(()) } else { Err(at_once("poison")) }
        });
        let slow = Handler::effect("SLOW", |_, _| {
            Box::pin(async {
                tokio::time::sleep(Duration::from_secs(2)).await;
                Ok(())
            })
        });
        vec![poison, slow, marks("QUICK")]
    })
    .await;
    desk.insert("SLOW", 6).await;
    let poisoned = desk.insert("POISON", 20).await;
    let quick = desk.insert("QUICK", 100).await;
    let began = Instant::now();
    desk.until_all("QUICK", "DONE", 100).await;
    println!("100 quick jobs beside a poison and a slow type: {:?}", began.elapsed());
    assert!(desk.states("SLOW").await.get("DONE") != Some(&6), "quick ones waited for slow ones");
    desk.until_all("POISON", "FAILED", 20).await;
    assert_eq!(calls.load(Ordering::SeqCst), 60, "three attempts each");
    desk.expect_once(&quick).await;
    let failed = desk.admin.get("/v1/jobs?state=FAILED&type=POISON").await.expect(200).body;
    assert_eq!(failed["total"], 20);
    let shown = failed["items"].as_array().expect("jobs").iter();
    assert!(
        shown.clone().all(|job| job["lastError"] == "poison" && job["attempts"] == 3),
        "{failed}"
    );
    cured.store(1, Ordering::SeqCst);
    let replayed = desk.admin.post("/v1/jobs:retryFailed", json!({})).await.expect(200).body;
    assert_eq!(replayed, json!({"retried": 20, "more": false}));
    desk.until_all("POISON", "DONE", 20).await;
    assert_eq!(calls.load(Ordering::SeqCst), 80);
    desk.until_all("SLOW", "DONE", 6).await;
    desk.expect_once(&[quick, poisoned].concat()).await;
    desk.close().await;
}

#[tokio::test]
async fn what_fails_for_good_is_not_tried_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    let desk = Desk::open(move || {
        vec![counted("HOPELESS", &seen, |_| Err(Failure::fail("no such address")))]
    })
    .await;
    let jobs = desk.insert("HOPELESS", 1).await;
    desk.until_all("HOPELESS", "FAILED", 1).await;
    let job = desk.job(jobs[0]).await;
    assert_eq!((&job["attempts"], &job["last_error"]), (&json!(1), &json!("no such address")));
    assert_eq!((calls.load(Ordering::SeqCst), desk.effects().await.len()), (1, 0));
    desk.close().await;
}

#[tokio::test]
async fn a_panic_and_a_timeout_are_attempts_and_leave_nothing() {
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    let desk = Desk::open(move || {
        let panics = counted("PANICS", &seen, |call| {
            assert!(call > 1, "the first time");
            Ok(())
        });
        let hangs = Handler::effect("HANGS", |work, job| {
            Box::pin(async move {
                mark(work, job).await?;
                std::future::pending().await
            })
        });
        vec![panics, hangs.timeout(Duration::from_secs(2))]
    })
    .await;
    let panics = desk.insert("PANICS", 1).await;
    let hangs = desk.insert_with(desk.institution, "HANGS", 1, "attempts", "2").await;
    desk.until_all("HANGS", "FAILED", 1).await;
    let hung = desk.job(hangs[0]).await;
    assert_eq!(hung["last_error"], "took longer than 2s");
    desk.until_all("PANICS", "DONE", 1).await;
    let job = desk.job(panics[0]).await;
    assert_eq!(job["attempts"], 2);
    assert!(job["last_error"].as_str().is_some_and(|why| why.starts_with("panicked")), "{job}");
    desk.expect_once(&panics).await;
    desk.close().await;
}

#[tokio::test]
async fn backoff_doubles_from_a_second_to_ten_minutes_with_jitter() {
    let desk = Desk::open(|| {
        vec![
            Handler::effect("AGAIN", |_, _| Box::pin(async { Err(Failure::retry("busy")) })),
            Handler::effect("LATER", |_, _| {
                let after = Some(Duration::from_hours(1));
                Box::pin(async move { Err(Failure::Retry { why: "come back".to_owned(), after }) })
            }),
        ]
    })
    .await;
    let waits: Vec<(i32, f64, f64)> = sqlx::query_as(
        "SELECT n, min(wait), max(wait) FROM (
             SELECT n, extract(epoch FROM job_backoff(n))::float8 AS wait
             FROM generate_series(1, 12) n, generate_series(1, 200)) waits GROUP BY n",
    )
    .fetch_all(&desk.sql)
    .await
    .expect("waits");
    assert_eq!(waits.len(), 12);
    for (attempt, least, most) in waits {
        let base = f64::from(2_i32.pow(attempt.unsigned_abs() - 1)).min(600.0);
        assert!(least >= base && most <= base * 1.5 && most > least, "{attempt}: {least} {most}");
    }
    let (again, later) = (desk.insert("AGAIN", 1).await[0], desk.insert("LATER", 1).await[0]);
    let left = "SELECT extract(epoch FROM run_at - now())::float8 FROM jobs
                WHERE id = $1 AND state = 'QUEUED' AND attempts = 1";
    let left = async |id: uuid::Uuid| -> Option<f64> {
        sqlx::query_scalar(left).bind(id).fetch_optional(&desk.sql).await.expect("a wait")
    };
    eventually("it rests", async || left(later).await.is_some()).await;
    assert!((3_500.0..=3_600.0).contains(&left(later).await.expect("a wait")));
    eventually("it rests", async || desk.job(again).await["attempts"] == 1).await;
    let began = Instant::now();
    eventually("it is tried again", async || desk.job(again).await["attempts"] == 2).await;
    println!("tried again after {:?}", began.elapsed());
    desk.close().await;
}

#[tokio::test]
async fn work_outside_of_the_database_ends_its_job_and_its_failures_too() {
    let sent = Arc::new(AtomicUsize::new(0));
    let seen = sent.clone();
    let desk = Desk::open_with(JobSettings::default(), move || {
        let sent = seen.clone();
        let mail = Handler::outside("MAIL", move |cx, job| {
            let sent = sent.clone();
            Box::pin(async move {
                let call = sent.fetch_add(1, Ordering::SeqCst);
                if call == 0 {
                    return Err(Failure::Retry {
                        why: "421".to_owned(),
                        after: Some(Duration::ZERO),
                    });
                }
                // What it writes is fenced as well.
                let mut tx = cx.begin().await?;
                let insert = "INSERT INTO courses (institution_id, id, code, title)
                              VALUES ($1, gen_random_uuid(), 'sent', $2)";
                sqlx::query(insert)
                    .bind(cx.institution.as_uuid())
                    .bind(job.id.to_string())
                    .execute(tx.connection())
                    .await
                    .map_err(shard_node::error::Error::from)?;
                tx.commit().await?;
                Ok(())
            })
        });
        let panics = Handler::outside("PANICS", |_, _| panic!("before any await"));
        vec![mail, panics.attempts(1)]
    })
    .await;
    let mail = desk.insert("MAIL", 1).await;
    desk.insert_with(desk.institution, "PANICS", 1, "attempts", "2").await;
    desk.until_all("MAIL", "DONE", 1).await;
    desk.until_all("PANICS", "FAILED", 1).await;
    assert_eq!(sent.load(Ordering::SeqCst), 2);
    desk.expect_once(&mail).await;
    let metrics = desk.served.node.metrics.render();
    for line in [
        r#"lxp_jobs_attempts_total{type="MAIL"} 2"#,
        r#"lxp_jobs_ended_total{outcome="done",type="MAIL"} 1"#,
        r#"lxp_jobs_ended_total{outcome="retry",type="MAIL"} 1"#,
        r#"lxp_jobs_ended_total{outcome="failed",type="PANICS"} 1"#,
        r#"lxp_jobs_duration_seconds_count{type="MAIL"} 2"#,
        r#"lxp_jobs_running{type="MAIL"} 0"#,
    ] {
        assert!(metrics.contains(line), "no {line} in\n{metrics}");
    }
    desk.close().await;
}

/// What was leased and not begun goes with its institution as it was.
#[tokio::test]
async fn while_a_move_closes_jobs_that_were_not_begun_are_given_back_with_their_attempts() {
    let gate = Arc::new(Semaphore::new(0));
    let at_gate = gate.clone();
    let desk = Desk::open(move || {
        let gate = at_gate.clone();
        vec![Handler::effect("STEP", move |work, job| {
            let gate = (job.payload["warm"] != true).then(|| gate.clone());
            Box::pin(async move {
                mark(work, job).await?;
                pass(gate.as_ref()).await;
                Ok(())
            })
        })]
    })
    .await;
    // Known to be quick, so that they are leased by the batch.
    let warm = desk.insert_with(desk.institution, "STEP", 20, "priority", "0").await;
    desk.run("UPDATE jobs SET payload = '{\"warm\": true}'").await;
    gate.add_permits(20);
    desk.until_all("STEP", "DONE", 20).await;
    gate.forget_permits(20);
    let insert = format!(
        "INSERT INTO jobs (institution_id, id, type, payload)
         SELECT '{}', gen_random_uuid(), 'STEP', '{{}}' FROM generate_series(1, 6) RETURNING id",
        desk.institution
    );
    let jobs: Vec<uuid::Uuid> =
        sqlx::query_scalar(AssertSqlSafe(insert)).fetch_all(&desk.sql).await.expect("queued");
    eventually("a batch is leased", async || desk.states("STEP").await.get("RUNNING") == Some(&6))
        .await;
    let state = |state: &str| format!("UPDATE ownership SET state = '{state}'");
    desk.run(&state("closing")).await;
    let closing = Verdict::Serve { epoch: Epoch(1), cached: false };
    eventually("the node knows", async || {
        desk.served.node.ownership.verdict(desk.institution) == closing
    })
    .await;
    gate.add_permits(1);
    eventually("they are given back", async || {
        let back = "SELECT count(*) FROM jobs WHERE state = 'QUEUED' AND attempts = 0";
        let back: i64 = sqlx::query_scalar(back).fetch_one(&desk.sql).await.expect("a count");
        back == 5
    })
    .await;
    gate.add_permits(5);
    desk.run(&state("active")).await;
    desk.until_all("STEP", "DONE", 26).await;
    desk.expect_once(&[warm, jobs].concat()).await;
    let most = "SELECT max(attempts)::bigint FROM jobs";
    let most: i64 = sqlx::query_scalar(most).fetch_one(&desk.sql).await.expect("a count");
    assert_eq!(most, 1);
    desk.close().await;
}

#[tokio::test]
async fn between_two_tries_lies_the_backoff() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = calls.clone();
    let desk = Desk::open(move || {
        let calls = seen.clone();
        vec![Handler::effect("AGAIN", move |_, _| {
            calls.lock().expect("no panic").push(Instant::now());
            Box::pin(async { Err(Failure::retry("busy")) })
        })]
    })
    .await;
    // The next attempt is its second: behind it are 2 to 3 s.
    desk.insert_with(desk.institution, "AGAIN", 1, "attempts", "1").await;
    desk.until_all("AGAIN", "FAILED", 1).await;
    let calls = calls.lock().expect("no panic").clone();
    assert_eq!(calls.len(), 2);
    let waited = calls[1].saturating_duration_since(calls[0]);
    assert!(waited >= Duration::from_secs(2), "{waited:?}");
    desk.close().await;
}
