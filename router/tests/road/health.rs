//! Nodes that fail, as the router sees it: put out, tried, back; and what that may cost in retries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use axum::response::IntoResponse as _;
use reqwest::Method;

use crate::node::{Node, ok, says};
use crate::platform::{Platform, institution, problem};

async fn is_out(platform: &Platform, node: &str) -> bool {
    let line = format!("lxp_router_node_out{{node=\"{node}\"}} 1");
    platform.metrics().await.contains(&line)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_fails_is_put_out_and_comes_back() {
    let fails = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&fails);
    let one = Node::answering("node-1", "shard-a", move |_| {
        if switch.load(Ordering::SeqCst) { says(500, "internal") } else { ok("node-1") }
    })
    .await;
    let two = Node::plain("node-2", "shard-a").await;
    let platform = Platform::start(&[&one, &two]).await;
    platform
        .until("the node is out", async || {
            platform.get("/v1/programs", institution(1)).await;
            is_out(&platform, "node-1").await
        })
        .await;
    let (before, mut failed) = (one.seen().len(), 0);
    for _ in 0..100 {
        let answer = platform.get("/v1/programs", institution(1)).await;
        failed += usize::from(answer.status() == 500);
    }
    // What still went there were trials, further and further apart.
    assert_eq!(one.seen().len() - before, failed);
    assert!(failed <= 5, "{failed} of 100 went to a node that is out");
    fails.store(false, Ordering::SeqCst);
    platform
        .until("the node is back", async || {
            platform.get("/v1/programs", institution(1)).await;
            !is_out(&platform, "node-1").await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_gone_costs_a_few_retries_and_no_request() {
    let gone = Node::absent("node-1", "shard-a").await;
    let there = Node::plain("node-2", "shard-a").await;
    let platform = Platform::start(&[&gone, &there]).await;
    for _ in 0..200 {
        assert_eq!(platform.post(institution(1), None, 10).await.status(), 200);
    }
    let retries = platform.again("connect").await;
    assert!((2..=10).contains(&retries), "{retries}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_do_not_put_a_node_out_and_its_own_failures_do() {
    for (status, code, goes_out) in [
        (503, "overloaded", false),
        (503, "cutover-timeout", false),
        (501, "not-implemented", false),
        (502, "outcome-unknown", false),
        (429, "rate-limited", false),
        (503, "shard-unavailable", true),
        (500, "internal", true),
    ] {
        let one = Node::answering("node-1", "shard-a", move |_| says(status, code)).await;
        let two = Node::plain("node-2", "shard-a").await;
        let platform = Platform::start(&[&one, &two]).await;
        for _ in 0..40 {
            platform.get("/v1/programs", institution(1)).await;
        }
        assert_eq!(is_out(&platform, "node-1").await, goes_out, "{status} {code}");
        assert!(!is_out(&platform, "node-2").await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shards_only_node_is_never_held_out() {
    let only = Node::answering("node-1", "shard-a", |_| says(500, "internal")).await;
    let platform = Platform::start(&[&only]).await;
    for count in 1..=30 {
        assert_eq!(platform.get("/v1/programs", institution(1)).await.status(), 500);
        assert_eq!(only.seen().len(), count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn short_deadlines_of_clients_do_not_put_a_node_out() {
    let silent = Node::answering_later("node-1", "shard-a", |_| std::future::pending()).await;
    let platform = Platform::start(&[&silent]).await;
    for _ in 0..8 {
        let request = platform.request(Method::GET, "/v1/programs", institution(1));
        let answer = request.header("lxp-deadline-ms", "20").send().await.expect("an answer");
        assert!(answer.status().is_server_error());
    }
    assert!(!is_out(&platform, "node-1").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_closes_its_connections_is_passed_over() {
    let leaves = Node::answering("node-1", "shard-a", |_| {
        ([("connection", "close")], ok("node-1")).into_response()
    })
    .await;
    let stays = Node::plain("node-2", "shard-a").await;
    let platform = Platform::start(&[&leaves, &stays]).await;
    for _ in 0..40 {
        assert_eq!(platform.get("/v1/programs", institution(1)).await.status(), 200);
    }
    assert!((1..=3).contains(&leaves.seen().len()), "{}", leaves.seen().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_node_breaks_attempts_stay_within_a_fifth_more() {
    const REQUESTS: usize = 400;
    let one = Node::breaking("node-1", "shard-a").await;
    let two = Node::breaking("node-2", "shard-a").await;
    let other = Node::plain("node-3", "shard-b").await;
    let platform = Platform::start(&[&one, &two, &other]).await;
    for count in 0..REQUESTS {
        let answer = platform.get("/v1/programs", institution(1)).await;
        problem(answer, 502, "outcome-unknown").await;
        if count % 40 == 0 {
            assert_eq!(platform.get("/v1/programs", institution(2)).await.status(), 200);
        }
    }
    let attempts = one.seen().len() + two.seen().len();
    assert!(attempts > REQUESTS && attempts * 10 <= REQUESTS * 12, "{attempts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_is_there_it_is_said_at_once() {
    const REQUESTS: u64 = 300;
    let gone = [
        Node::absent("node-1", "shard-a").await,
        Node::absent("node-2", "shard-a").await,
        Node::plain("node-3", "shard-b").await,
    ];
    let platform = Platform::start(&gone.each_ref()).await;
    for _ in 0..REQUESTS {
        let answer = platform.post(institution(1), None, 10).await;
        assert_eq!(answer.headers().get("retry-after").expect("a time"), "1");
        problem(answer, 503, "shard-unavailable").await;
    }
    let (retried, refused) = (platform.again("connect").await, platform.again("refused").await);
    assert!(retried * 5 <= REQUESTS, "{retried}");
    assert_eq!(retried + refused, REQUESTS);
    assert_eq!(platform.get("/v1/programs", institution(2)).await.status(), 200);
}

/// A node that fails every other request has no run of failures: it stays in, and does not go in and out.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_fails_every_other_time_does_not_flap() {
    let turn = Arc::new(AtomicU16::new(0));
    let one = Node::answering("node-1", "shard-a", move |_| {
        if turn.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            says(500, "internal")
        } else {
            ok("node-1")
        }
    })
    .await;
    let two = Node::plain("node-2", "shard-a").await;
    let platform = Platform::start(&[&one, &two]).await;
    for _ in 0..200 {
        platform.get("/v1/programs", institution(1)).await;
    }
    assert!(!platform.metrics().await.contains("lxp_router_node_put_out_total"));
}
