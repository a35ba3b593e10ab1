//! 421 answers: followed, remembered, bounded, and never seen by a client.

use reqwest::Method;

use crate::node::{Node, not_owner, ok};
use crate::platform::{Platform, institution, problem};

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_followed_once_and_remembered() {
    let a = Node::answering("node-a", "shard-a", |_| not_owner(Some("shard-b"), Some(5), Some(7)))
        .await;
    let b = Node::plain("node-b", "shard-b").await;
    let platform = Platform::start(&[&a, &b]).await;
    for (asked_a, asked_b) in [(1, 1), (1, 2)] {
        let answer = platform.post(institution(1), None, 1000).await;
        assert_eq!(answer.status(), 200);
        assert_eq!((a.seen().len(), b.seen().len()), (asked_a, asked_b));
    }
    assert!(b.seen().iter().all(|seen| seen.body.len() == 1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_ends_with_the_map_that_knows() {
    let a = Node::answering("node-a", "shard-a", |seen| match seen.header("lxp-map-version")[..] {
        ["1"] => not_owner(Some("shard-b"), Some(5), Some(2)),
        _ => ok("node-a"),
    })
    .await;
    let b = Node::plain("node-b", "shard-b").await;
    let platform = Platform::start(&[&a, &b]).await;
    assert_eq!(platform.get("/v1/programs", institution(1)).await.status(), 200);
    assert_eq!(b.seen().len(), 1);
    // The next map is past that version and sends the institution back: the map is right.
    platform.control.publish(3, "shard-a");
    platform
        .until("the new map is in use", async || {
            platform.metrics().await.contains("lxp_router_map_version 3")
        })
        .await;
    assert_eq!(platform.get("/v1/programs", institution(1)).await.status(), 200);
    assert_eq!((a.seen().len(), b.seen().len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_pieces_is_followed_too() {
    let a = Node::raw(
        "node-a",
        "shard-a",
        &[
            "HTTP/1.1 421 Misdirected Request\r\ntransfer-encoding: chunked\r\n\r\n",
            "19\r\n{\"code\":\"not-owner\",\"owne\r\n",
            "1e\r\nr\":\"shard-b\",\"epoch\":null,    \r\n",
            "11\r\n\"mapVersion\":9}  \r\n",
            "0\r\n\r\n",
        ],
    )
    .await;
    let b = Node::plain("node-b", "shard-b").await;
    let platform = Platform::start(&[&a, &b]).await;
    assert_eq!(platform.get("/v1/programs", institution(1)).await.status(), 200);
    assert_eq!((a.seen().len(), b.seen().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_still_a_421() {
    let a = Node::raw(
        "node-a",
        "shard-a",
        &["HTTP/1.1 421 Misdirected Request\r\ncontent-length: 99\r\n\r\n", "{\"code\":"],
    )
    .await;
    let b = Node::plain("node-b", "shard-b").await;
    let platform = Platform::start(&[&a, &b]).await;
    platform.control.publish_unseen(2, "shard-b").await;
    assert_eq!(platform.post(institution(1), None, 10).await.status(), 200);
    assert_eq!((a.seen().len(), b.seen().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_institution_is_unknown_with_a_large_body_too() {
    let a = Node::answering("node-a", "shard-a", |_| not_owner(None, None, None)).await;
    let platform = Platform::start(&[&a]).await;
    let answer = platform.post(institution(1), None, 200_000).await;
    problem(answer, 404, "institution-unknown").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_owner_the_map_is_asked_once_and_then_it_is_unknown() {
    let a = Node::answering("node-a", "shard-a", |_| not_owner(None, None, None)).await;
    let platform = Platform::start(&[&a]).await;
    let asked = platform.control.whole_maps_asked();
    let answer = platform.get("/v1/programs", institution(1)).await;
    problem(answer, 404, "institution-unknown").await;
    assert_eq!(a.seen().len(), 1);
    assert_eq!(platform.control.whole_maps_asked(), asked + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_owner_a_newer_map_is_followed() {
    let a = Node::answering("node-a", "shard-a", |_| not_owner(None, None, None)).await;
    let b = Node::plain("node-b", "shard-b").await;
    let platform = Platform::start(&[&a, &b]).await;
    platform.control.publish_unseen(2, "shard-b").await;
    assert_eq!(platform.get("/v1/programs", institution(1)).await.status(), 200);
    assert_eq!((a.seen().len(), b.seen().len()), (1, 1));
    assert_eq!(b.seen()[0].header("lxp-map-version"), ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_owner_and_a_control_plane_it_is_not_called_unknown() {
    let a = Node::answering("node-a", "shard-a", |_| not_owner(None, None, None)).await;
    let mut platform = Platform::start(&[&a]).await;
    platform.control.die().await;
    let answer = platform.get("/v1/programs", institution(1)).await;
    assert!(answer.headers().contains_key("retry-after"));
    problem(answer, 503, "shard-unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_head_has_no_body_and_is_followed_by_the_map() {
    let a = Node::answering("node-a", "shard-a", |_| not_owner(Some("shard-b"), Some(5), Some(2)))
        .await;
    let b = Node::plain("node-b", "shard-b").await;
    let platform = Platform::start(&[&a, &b]).await;
    platform.control.publish_unseen(2, "shard-b").await;
    let head = platform.request(Method::HEAD, "/v1/programs", institution(1));
    assert_eq!(head.send().await.expect("an answer").status(), 200);
    assert_eq!((a.seen().len(), b.seen().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_name_each_other_end_in_503() {
    let a = Node::answering("node-a", "shard-a", |_| not_owner(Some("shard-b"), Some(5), Some(7)))
        .await;
    let b = Node::answering("node-b", "shard-b", |_| not_owner(Some("shard-a"), Some(5), Some(7)))
        .await;
    let platform = Platform::start(&[&a, &b]).await;
    let answer = platform.post(institution(1), Some("k"), 10).await;
    assert!(answer.headers().contains_key("retry-after"));
    problem(answer, 503, "shard-unavailable").await;
    assert_eq!((a.seen().len(), b.seen().len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_too_large_to_be_sent_on_is_503() {
    let a = Node::answering("node-a", "shard-a", |_| not_owner(Some("shard-b"), Some(5), Some(7)))
        .await;
    let b = Node::plain("node-b", "shard-b").await;
    let platform = Platform::start(&[&a, &b]).await;
    let answer = platform.post(institution(1), None, 200_000).await;
    assert_eq!(answer.headers().get("retry-after").expect("a time"), "1");
    problem(answer, 503, "shard-unavailable").await;
    assert_eq!((a.seen().len(), b.seen().len()), (1, 0));
    // What it said is remembered all the same: the next one goes straight.
    assert_eq!(platform.post(institution(1), None, 200_000).await.status(), 200);
    assert_eq!(a.seen().len(), 1);
    assert_eq!(b.seen()[0].body.len(), 200_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_421_to_what_any_node_can_answer_is_503() {
    let a = Node::answering("node-a", "shard-a", |_| not_owner(None, None, None)).await;
    let platform = Platform::start(&[&a]).await;
    let answer = platform.client.get(platform.url("/docs")).send().await.expect("an answer");
    problem(answer, 503, "shard-unavailable").await;
}
