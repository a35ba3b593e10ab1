//! What a node gets to see, and what it does not.

use reqwest::Method;

use crate::node::Node;
use crate::platform::{Platform, institution};

#[tokio::test(flavor = "multi_thread")]
async fn internal_headers_from_outside_are_not_honoured() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let answer = platform
        .request(Method::GET, "/v1/programs", institution(1))
        .header("lxp-map-version", "999")
        .header("lxp-anything", "x")
        .header("lxp-deadline-ms", "99999999")
        .header("lxp-session", "5/1/AB")
        .header("lxp-consistency", "eventual")
        .header("x-request-id", "r-1")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.headers().get("x-request-id").expect("an id"), "r-1");
    let seen = &a.seen()[0];
    assert_eq!(seen.header("lxp-map-version"), ["1"]);
    assert!(seen.header("lxp-anything").is_empty());
    assert_eq!(seen.header("lxp-session"), ["5/1/AB"]);
    assert_eq!(seen.header("lxp-consistency"), ["eventual"]);
    assert_eq!(seen.header("x-request-id"), ["r-1"]);
    assert_eq!(seen.header("x-institution-id"), [institution(1).to_string()]);
    assert!(seen.header("traceparent")[0].contains("0af7651916cd43dd8448eb211c80319c"));
    let deadline: u64 = seen.header("lxp-deadline-ms")[0].parse().expect("a number");
    assert!((1..=30_000).contains(&deadline), "{deadline}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_header_does_not_strip_the_institution() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let stripped = "x-institution-id, lxp-map-version, x-request-id, idempotency-key";
    let answer = platform
        .request(Method::GET, "/v1/programs", institution(1))
        .header("connection", stripped)
        .header("x-institution-id", institution(1).to_string())
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let seen = &a.seen()[0];
    assert_eq!(seen.header("x-institution-id"), [institution(1).to_string()]);
    assert_eq!(seen.header("lxp-map-version"), ["1"]);
    assert_eq!(seen.header("x-request-id").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_client_had_stripped_protects_nothing() {
    let a = Node::breaking("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let answer = platform
        .request(Method::POST, "/v1/programs", institution(1))
        .header("connection", "idempotency-key")
        .header("idempotency-key", "k")
        .body("{}")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 502);
    assert_eq!(a.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ill_formed_ids_are_replaced_and_each_answer_has_one() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let answer = platform
        .request(Method::GET, "/v1/programs", institution(1))
        .header("x-request-id", "no spaces allowed")
        .header("traceparent", "garbage")
        .send()
        .await
        .expect("an answer");
    let id = answer.headers().get("x-request-id").cloned().expect("an id");
    let seen = &a.seen()[0];
    assert_eq!(seen.header("x-request-id"), [id.to_str().expect("text")]);
    assert_ne!(id, "no spaces allowed");
    assert_eq!(seen.header("traceparent")[0].len(), 55);
}
