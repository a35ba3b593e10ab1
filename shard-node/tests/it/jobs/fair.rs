//! One institution's backlog holds up no other.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use shard_node::jobs::Handler;

use super::{Desk, eventually};

const BACKLOG: i32 = 100_000;

#[tokio::test]
async fn behind_a_backlog_of_100_000_anothers_job_starts_within_a_second() {
    let started = Arc::new(Mutex::new(Vec::new()));
    let seen = started.clone();
    let desk = Desk::open(move || {
        let started = seen.clone();
        vec![
            Handler::effect("BACKLOG", |_, _| Box::pin(async { Ok(()) })),
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
    for number in 0..5 {
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
