//! An end that is announced: what runs ends, what has not begun is given back.

use std::sync::Arc;
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
