//! A node that says 503 and "nothing was applied": the request goes to another node of its shard, within the
//! budget of retries.

use reqwest::Response;
use serde_json::Value;
use service_kit::problem::NOTHING_APPLIED_HEADER;

use crate::node::{Node, ok, says};
use crate::platform::{Platform, institution, problem};

/// The node's own answer.
async fn refused(answer: Response, code: &str) {
    assert_eq!(answer.status(), 503);
    let body: Value = answer.json().await.expect("a problem");
    assert_eq!(body["code"], code);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_refuses_without_effect_another_one_answers() {
    for (code, requests) in [("shard-unavailable", 16), ("overloaded", 4)] {
        let one = Node::answering("node-1", "shard-a", move |_| says(503, code)).await;
        let two = Node::plain("node-2", "shard-a").await;
        let other = Node::plain("node-3", "shard-b").await;
        let platform = Platform::start(&[&one, &two, &other]).await;
        for _ in 0..requests {
            // Without a key: what had no effect may be sent again all the same.
            assert_eq!(platform.post(institution(1), None, 1_000).await.status(), 200, "{code}");
        }
        let refused = one.seen().len();
        assert!(refused > 0, "{code}: no request went to the node that refuses");
        assert_eq!(two.seen().len(), requests);
        assert_eq!(platform.again("elsewhere").await, refused as u64);
        assert_eq!(other.seen().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_replayed_is_not_sent_elsewhere() {
    let nodes = [
        Node::answering("node-1", "shard-a", |_| says(503, "overloaded")).await,
        Node::answering("node-2", "shard-a", |_| says(503, "overloaded")).await,
    ];
    let platform = Platform::start(&nodes.each_ref()).await;
    refused(platform.post(institution(1), None, 200_000).await, "overloaded").await;
    assert_eq!(nodes[0].seen().len() + nodes[1].seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_503_that_does_not_say_so_is_passed_on_as_it_is() {
    let one = Node::answering("node-1", "shard-a", |_| says(503, "cutover-timeout")).await;
    let two = Node::answering("node-2", "shard-a", |_| says(503, "cutover-timeout")).await;
    let platform = Platform::start(&[&one, &two]).await;
    for _ in 0..8 {
        refused(platform.post(institution(1), None, 10).await, "cutover-timeout").await;
    }
    assert_eq!(one.seen().len() + two.seen().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_nodes_refusal_is_passed_on_and_its_header_is_not() {
    let only = Node::answering("node-1", "shard-a", |_| says(503, "overloaded")).await;
    let platform = Platform::start(&[&only]).await;
    let answer = platform.post(institution(1), None, 10).await;
    assert!(!answer.headers().contains_key(NOTHING_APPLIED_HEADER));
    refused(answer, "overloaded").await;
    assert_eq!(only.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_node_refuses_attempts_stay_within_a_fifth_more() {
    const REQUESTS: usize = 400;
    for code in ["overloaded", "shard-unavailable"] {
        let one = Node::answering("node-1", "shard-a", move |_| says(503, code)).await;
        let two = Node::answering("node-2", "shard-a", move |_| says(503, code)).await;
        let platform = Platform::start(&[&one, &two]).await;
        for _ in 0..REQUESTS {
            refused(platform.get("/v1/programs", institution(1)).await, code).await;
        }
        let attempts = one.seen().len() + two.seen().len();
        assert!(attempts > REQUESTS && attempts * 10 <= REQUESTS * 12, "{code}: {attempts}");
    }
}

/// The first attempt may have been applied: that the second was not says nothing about it.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_broken_attempt_a_refusal_is_an_unknown_outcome() {
    let breaks = Node::raw_after_body("node-1", "shard-a", 10).await;
    let refuses = Node::answering("node-2", "shard-a", |_| says(503, "overloaded")).await;
    let platform = Platform::start(&[&breaks, &refuses]).await;
    let mut met = false;
    for number in 0..4 {
        let before = breaks.seen().len();
        let answer = platform.post(institution(1), Some(&format!("k{number}")), 10).await;
        // Where the one that refuses came first, both orders end at the one that breaks.
        met |= breaks.seen().len() > before;
        if breaks.seen().len() > before {
            problem(answer, 502, "outcome-unknown").await;
        } else {
            refused(answer, "overloaded").await;
        }
    }
    assert!(met, "no request went to the node that breaks");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_held_down_is_not_elsewhere() {
    let one = Node::answering("node-1", "shard-a", |_| says(503, "overloaded")).await;
    let gone = Node::absent("node-2", "shard-a").await;
    let platform = Platform::start(&[&one, &gone]).await;
    for _ in 0..10 {
        let answer = platform.get("/v1/programs", institution(1)).await;
        assert_eq!(answer.status(), 503);
    }
    let before = platform.again("elsewhere").await;
    for _ in 0..5 {
        refused(platform.get("/v1/programs", institution(1)).await, "overloaded").await;
    }
    // The other one is out by now: there is nobody to send to.
    assert_eq!(platform.again("elsewhere").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_second_answers_the_client() {
    let one = Node::answering("node-1", "shard-a", |_| says(503, "shard-unavailable")).await;
    let two = Node::answering("node-2", "shard-a", |_| ok("node-2")).await;
    let platform = Platform::start(&[&one, &two]).await;
    for _ in 0..6 {
        let answer = platform.get("/v1/programs", institution(1)).await;
        assert_eq!(answer.text().await.expect("a body"), "{\"node\":\"node-2\"}");
    }
}
