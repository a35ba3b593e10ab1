//! Nodes that are not there, and connections that break.

use std::time::Duration;

use reqwest::Method;

use crate::node::Node;
use crate::platform::{Platform, institution, problem};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_there_is_replaced_by_another() {
    let gone = Node::absent("node-1", "shard-a").await;
    let there = Node::plain("node-2", "shard-a").await;
    let platform = Platform::start(&[&gone, &there]).await;
    for count in 1..=4 {
        assert_eq!(platform.post(institution(1), None, 100).await.status(), 200);
        assert_eq!(there.seen().len(), count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_without_a_node_is_503_for_its_institutions_only() {
    let gone = Node::absent("node-a", "shard-a").await;
    let there = Node::plain("node-b", "shard-b").await;
    let platform = Platform::start(&[&gone, &there]).await;
    let answer = platform.get("/v1/programs", institution(1)).await;
    assert_eq!(answer.headers().get("retry-after").expect("a time"), "1");
    problem(answer, 503, "shard-unavailable").await;
    assert_eq!(platform.get("/v1/programs", institution(2)).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_two_nodes_are_tried() {
    let gone = [
        Node::absent("node-1", "shard-a").await,
        Node::absent("node-2", "shard-a").await,
        Node::absent("node-3", "shard-a").await,
    ];
    let platform = Platform::start(&gone.each_ref()).await;
    let answer = platform.get("/v1/programs", institution(1)).await;
    problem(answer, 503, "shard-unavailable").await;
    assert!(platform.metrics().await.contains(r#"lxp_router_again_total{why="connect"} 1"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_post_is_not_sent_again() {
    let one = Node::breaking("node-1", "shard-a").await;
    let two = Node::breaking("node-2", "shard-a").await;
    let platform = Platform::start(&[&one, &two]).await;
    problem(platform.post(institution(1), None, 100).await, 502, "outcome-unknown").await;
    assert_eq!(one.seen().len() + two.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_post_with_a_key_is_sent_again_once() {
    let one = Node::breaking("node-1", "shard-a").await;
    let two = Node::breaking("node-2", "shard-a").await;
    let platform = Platform::start(&[&one, &two]).await;
    problem(platform.post(institution(1), Some("k"), 100).await, 502, "outcome-unknown").await;
    assert_eq!((one.seen().len(), two.seen().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_node_is_asked_again_with_a_key() {
    let only = Node::breaking("node-1", "shard-a").await;
    let platform = Platform::start(&[&only]).await;
    problem(platform.post(institution(1), Some("k"), 100).await, 502, "outcome-unknown").await;
    assert_eq!(only.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_get_succeeds_at_the_other_node() {
    let broken = Node::breaking("node-1", "shard-a").await;
    let there = Node::plain("node-2", "shard-a").await;
    let platform = Platform::start(&[&broken, &there]).await;
    for _ in 0..4 {
        assert_eq!(platform.get("/v1/programs", institution(1)).await.status(), 200);
    }
    assert_eq!(there.seen().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_request_with_a_body_too_large_to_replay_is_not_sent_again() {
    let one = Node::raw_after_body("node-1", "shard-a", 200_000).await;
    let platform = Platform::start(&[&one]).await;
    let answer = platform.post(institution(1), Some("k"), 200_000).await;
    problem(answer, 502, "outcome-unknown").await;
    assert_eq!(one.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_after_a_broken_one_is_not_called_unapplied() {
    let broken = Node::breaking("node-1", "shard-a").await;
    let gone = Node::absent("node-2", "shard-a").await;
    let platform = Platform::start(&[&broken, &gone]).await;
    // Whichever is first: with the broken one in it, something may have been applied.
    for _ in 0..2 {
        let answer = platform.post(institution(1), Some("k"), 10).await;
        problem(answer, 502, "outcome-unknown").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_answer_is_given_up_at_the_deadline() {
    let silent = Node::answering_later("node-1", "shard-a", |_| std::future::pending()).await;
    let platform = Platform::start(&[&silent]).await;
    let began = std::time::Instant::now();
    let answer = platform
        .request(Method::GET, "/v1/programs", institution(1))
        .header("lxp-deadline-ms", "300")
        .send()
        .await
        .expect("an answer");
    problem(answer, 502, "outcome-unknown").await;
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(5), "{took:?}");
    assert_eq!(silent.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_time_left_is_not_sent() {
    let a = Node::plain("node-1", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let request = platform.request(Method::GET, "/v1/programs", institution(1));
    let answer = request.header("lxp-deadline-ms", "0").send().await.expect("an answer");
    assert_eq!(answer.headers().get("retry-after").expect("a time"), "1");
    problem(answer, 503, "overloaded").await;
    assert!(a.seen().is_empty());
}
