//! An end that is announced: what runs ends, what has not begun is given back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use shard_node::jobs::Handler;
use tokio::sync::Semaphore;

use super::{Desk, eventually, mark, pass};

#[tokio::test]
async fn a_node_that_stops_ends_what_it_does_and_gives_back_the_rest() {
    let gate = Arc::new(Semaphore::new(0));
    let at_gate = gate.clone();
    let desk = Desk::open(move || {
        let gate = at_gate.clone();
        vec![Handler::effect("GATED", move |work, job| {
            let gate = gate.clone();
            Box::pin(async move {
                mark(work, job).await?;
                pass(Some(&gate)).await;
                Ok(())
            })
        })]
    })
    .await;
    // It knows then that these are quick, and takes a batch.
    gate.add_permits(1);
    desk.insert("GATED", 1).await;
    desk.until_all("GATED", "DONE", 1).await;
    desk.run("DELETE FROM jobs; DELETE FROM courses").await;
    let jobs = desk.insert("GATED", 100).await;
    eventually("it has as many as it may", async || {
        desk.states("GATED").await.get("RUNNING") == Some(&24)
    })
    .await;
    // Leased is not yet begun.
    eventually("three are under way", async || {
        desk.served.node.metrics.render().contains(r#"lxp_jobs_running{type="GATED"} 3"#)
    })
    .await;
    desk.served.rest.cancel();
    gate.add_permits(100);
    let node = &desk.served.node;
    node.tasks.close();
    tokio::time::timeout(Duration::from_secs(15), node.tasks.wait()).await.expect("ended");
    let states = desk.states("GATED").await;
    assert_eq!(states.get("RUNNING"), None, "{states:?}");
    // Three slots had one each under way.
    assert_eq!((states["DONE"], states["QUEUED"]), (3, 97));
    let done: Vec<uuid::Uuid> = sqlx::query_scalar("SELECT id FROM jobs WHERE state = 'DONE'")
        .fetch_all(&desk.sql)
        .await
        .expect("ids");
    desk.expect_once(&done).await;
    for id in jobs.iter().filter(|id| !done.contains(id)) {
        assert_eq!(desk.job(*id).await["attempts"], json!(0), "an attempt that was none");
    }
    desk.close().await;
}

/// Their leases ran out meanwhile, and another one has begun with them.
#[tokio::test]
async fn what_another_has_in_hand_is_not_given_back() {
    let (begun, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, at_gate) = (begun.clone(), gate.clone());
    let desk = Desk::open(move || {
        let (begun, gate) = (count.clone(), at_gate.clone());
        vec![Handler::effect("GATED", move |work, job| {
            let (begun, gate) = (begun.clone(), gate.clone());
            Box::pin(async move {
                mark(work, job).await?;
                begun.fetch_add(1, Ordering::SeqCst);
                pass(Some(&gate)).await;
                Ok(())
            })
        })]
    })
    .await;
    // Known to be quick then: they are taken by the batch.
    gate.add_permits(1);
    desk.insert("GATED", 1).await;
    desk.until_all("GATED", "DONE", 1).await;
    desk.run("DELETE FROM jobs; DELETE FROM courses").await;
    desk.insert("GATED", 6).await;
    desk.until_all("GATED", "RUNNING", 6).await;
    eventually("one is under way", async || begun.load(Ordering::SeqCst) == 2).await;
    // All but the one that is under way, which is locked.
    desk.run(
        "UPDATE jobs SET fence = fence + 1, attempts = 2 WHERE id IN (
             SELECT id FROM jobs WHERE state = 'RUNNING' FOR UPDATE SKIP LOCKED)",
    )
    .await;
    desk.served.rest.cancel();
    gate.add_permits(10);
    let node = &desk.served.node;
    node.tasks.close();
    tokio::time::timeout(Duration::from_secs(15), node.tasks.wait()).await.expect("ended");
    let expected = BTreeMap::from([("DONE".to_owned(), 1), ("RUNNING".to_owned(), 5)]);
    assert_eq!(desk.states("GATED").await, expected);
    desk.close().await;
}
