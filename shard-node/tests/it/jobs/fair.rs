//! One institution's backlog holds up no other.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use shard_node::jobs::Handler;
use tokio::sync::Semaphore;

use super::{Desk, eventually, marks, pass};

const BACKLOG: i32 = 100_000;
/// Those of it that are quick, so that it is under way.
const QUICK: i64 = 150;
/// How long each of the others takes.
const SLOW: Duration = Duration::from_secs(4);

#[tokio::test]
async fn behind_a_backlog_of_100_000_anothers_job_starts_within_a_second() {
    let started = Arc::new(Mutex::new(Vec::new()));
    let seen = started.clone();
    let desk = Desk::open(move || {
        let started = seen.clone();
        vec![
            // Slow, but for the first: were there no places for others, they would wait for each of them.
            Handler::effect("BACKLOG", |_, job| {
                let is_slow = job.payload["n"].as_i64().is_some_and(|n| n > QUICK);
                Box::pin(async move {
                    if is_slow {
                        tokio::time::sleep(SLOW).await;
                    }
                    Ok(())
                })
            }),
            Handler::effect("TERM_CREATED", move |_, _| {
                started.lock().expect("no panic").push(Instant::now());
                Box::pin(async { Ok(()) })
            }),
        ]
    })
    .await;
    let quiet = desk.shard.admit().await;
    let other = desk.served.admin(quiet);
    desk.insert("BACKLOG", BACKLOG).await;
    eventually("the backlog is being done", async || {
        desk.states("BACKLOG").await.get("DONE").is_some_and(|done| *done > 100)
    })
    .await;
    let running = || {
        let metrics = desk.served.node.metrics.render();
        let name = r#"lxp_jobs_running{type="BACKLOG"} "#;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.parse::<i64>().ok());
        line.unwrap_or_default()
    };
    eventually("the slow ones are under way", async || running() >= 3).await;
    for number in 0..5 {
        assert!(running() <= 3, "of eight places one type of one institution has {}", running());
        let term = json!({"code": format!("T{number}"), "name": "T", "startsOn": "2026-09-01",
                          "endsOn": "2026-12-14"});
        other.post("/v1/terms", term).await.expect(201);
        let committed = Instant::now();
        eventually("it starts", async || started.lock().expect("no panic").len() > number).await;
        let waited = started.lock().expect("no panic")[number].saturating_duration_since(committed);
        println!("started {waited:?} after its commit");
        assert!(waited < Duration::from_secs(1), "{waited:?}");
    }
    // Found without a word within the process, too.
    let began = Instant::now();
    desk.insert_with(quiet, "TERM_CREATED", 1, "priority", "0").await;
    eventually("it starts", async || started.lock().expect("no panic").len() > 5).await;
    let waited = began.elapsed();
    println!("found {waited:?} after it was put there");
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    let left = desk.states("BACKLOG").await;
    assert!(left.get("QUEUED").is_some_and(|left| *left > 10_000), "no backlog any more: {left:?}");
    desk.close().await;
}

/// As mail and webhooks are when nobody answers them, for many institutions at once.
#[tokio::test]
async fn two_slow_types_that_work_outside_leave_places_to_effects() {
    let gate = Arc::new(Semaphore::new(0));
    let at_gate = gate.clone();
    let desk = Desk::open(move || {
        let outside = |kind| {
            let gate = at_gate.clone();
            Handler::outside(kind, move |_, _| {
                let gate = gate.clone();
                Box::pin(async move {
                    pass(Some(&gate)).await;
                    Ok(())
                })
            })
            .at_once(4)
            .timeout(Duration::from_secs(25))
        };
        vec![outside("MAIL"), outside("WEBHOOK"), marks("EFFECT")]
    })
    .await;
    let mut institutions = vec![desk.institution];
    for _ in 0..5 {
        institutions.push(desk.shard.admit().await);
    }
    for kind in ["MAIL", "WEBHOOK"] {
        for institution in &institutions {
            desk.insert_with(*institution, kind, 4, "priority", "0").await;
        }
    }
    let waits = |states: &std::collections::BTreeMap<String, i64>| {
        states.get("RUNNING").copied().unwrap_or_default()
    };
    eventually("they take what they may", async || {
        let (mail, webhook) = (desk.states("MAIL").await, desk.states("WEBHOOK").await);
        waits(&mail) + waits(&webhook) == 6
    })
    .await;
    let began = Instant::now();
    let effects = desk.insert("EFFECT", 20).await;
    desk.until_all("EFFECT", "DONE", 20).await;
    println!("20 effects beside two slow types: {:?}", began.elapsed());
    let (mail, webhook) = (desk.states("MAIL").await, desk.states("WEBHOOK").await);
    assert_eq!(waits(&mail) + waits(&webhook), 6, "they have not ended: {mail:?} {webhook:?}");
    desk.expect_once(&effects).await;
    gate.add_permits(100);
    desk.until_all("MAIL", "DONE", 24).await;
    desk.until_all("WEBHOOK", "DONE", 24).await;
    desk.close().await;
}
