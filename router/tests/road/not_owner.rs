//! 421 answers: followed, remembered, bounded, and never seen by a client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::node::{Node, Seen, not_owner, ok};
use crate::platform::{Platform, SOON, institution, problem};

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
async fn an_answer_to_head_names_the_owner_in_its_head() {
    let a = Node::answering("node-a", "shard-a", |_| {
        let said = r#"{"owner":"shard-b","epoch":5,"mapVersion":2}"#.parse().expect("a value");
        let mut answer = not_owner(Some("shard-b"), Some(5), Some(2));
        answer.headers_mut().insert("lxp-not-owner", said);
        answer
    })
    .await;
    let b = Node::plain("node-b", "shard-b").await;
    let platform = Platform::start(&[&a, &b]).await;
    let asked = platform.control.whole_maps_asked();
    for count in 1..=2 {
        let head = platform.request(Method::HEAD, "/v1/programs", institution(1));
        assert_eq!(head.send().await.expect("an answer").status(), 200);
        assert_eq!((a.seen().len(), b.seen().len()), (1, count));
    }
    assert_eq!(platform.control.whole_maps_asked(), asked, "the map was asked for");
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
async fn a_421_to_what_any_node_can_answer_is_503() {
    let a = Node::answering("node-a", "shard-a", |_| not_owner(None, None, None)).await;
    let platform = Platform::start(&[&a]).await;
    let answer = platform.client.get(platform.url("/docs")).send().await.expect("an answer");
    problem(answer, 503, "shard-unavailable").await;
}

/// A node that answers its first two requests when it is told to, as one does that has kept them until a move's end.
async fn until_told(said: [(&'static str, i64, i64); 2]) -> (Node, Arc<[Notify; 2]>) {
    let (told, count) = (Arc::new([Notify::new(), Notify::new()]), AtomicUsize::new(0));
    let (wait, count) = (told.clone(), Arc::new(count));
    let node = Node::answering_later("node-a", "shard-a", move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst) % 2;
        let wait = wait.clone();
        async move {
            wait[number].notified().await;
            let (owner, epoch, version) = said[number];
            not_owner(Some(owner), Some(epoch), Some(version))
        }
    });
    (node.await, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_the_map_has_outdated_is_not_followed() {
    let (a, told) = until_told([("shard-b", 3, 7); 2]).await;
    let b = Node::plain("node-b", "shard-b").await;
    let c = Node::plain("node-c", "shard-c").await;
    let platform = Arc::new(Platform::start(&[&a, &b, &c]).await);
    let asking = ask(&platform);
    platform.until("a is asked", async || a.seen().len() == 1).await;
    platform.control.publish(9, "shard-c");
    platform
        .until("the new map is in use", async || {
            platform.metrics().await.contains("lxp_router_map_version 9")
        })
        .await;
    told[0].notify_one();
    assert_eq!(asking.await.expect("an answer"), 200);
    assert_eq!(platform.post(institution(1), None, 10).await.status(), 200);
    assert_eq!((a.seen().len(), b.seen().len(), c.seen().len()), (1, 0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_of_an_older_epoch_that_is_heard_of_late_is_not_followed() {
    let (a, told) = until_told([("shard-b", 3, 7), ("shard-c", 5, 8)]).await;
    let b = Node::plain("node-b", "shard-b").await;
    let c = Node::plain("node-c", "shard-c").await;
    let platform = Arc::new(Platform::start(&[&a, &b, &c]).await);
    let first = ask(&platform);
    platform.until("a is asked", async || a.seen().len() == 1).await;
    let second = ask(&platform);
    platform.until("a is asked again", async || a.seen().len() == 2).await;
    for (number, asked) in [(1, second), (0, first)] {
        told[number].notify_one();
        assert_eq!(asked.await.expect("an answer"), 200);
    }
    assert_eq!(platform.post(institution(1), None, 10).await.status(), 200);
    assert_eq!((a.seen().len(), b.seen().len(), c.seen().len()), (2, 0, 3));
}

fn ask(platform: &Arc<Platform>) -> JoinHandle<u16> {
    let platform = platform.clone();
    tokio::spawn(async move { platform.post(institution(1), None, 10).await.status().as_u16() })
}

/// What Pingora keeps of a body to send it again.
const REPLAYED: usize = 64 << 10;

/// A connection to the router, and the requests on it.
struct Wire {
    stream: TcpStream,
    head: String,
}

impl Wire {
    async fn to(platform: &Platform) -> Self {
        let stream = TcpStream::connect(platform.address()).await.expect("a connection");
        let token = platform.token(institution(1));
        let head = format!("/v1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
        Self { stream, head }
    }

    /// Sends a request and reads its answer, to the end of its JSON.
    async fn ask(&mut self, method: &str, rest: &str) -> String {
        let request = format!("{method} {}{rest}", self.head);
        self.stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        while !answer.ends_with('}') {
            let mut piece = vec![0; 4096];
            let reading = tokio::time::timeout(SOON, self.stream.read(&mut piece));
            let read = reading.await.expect("in time").expect("read");
            assert_ne!(read, 0, "closed after {answer}");
            answer.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        answer
    }
}

fn sized(bytes: usize) -> String {
    format!("Content-Length: {bytes}\r\n\r\n{}", "x".repeat(bytes))
}

/// In chunks that do not fit the sizes in which anybody reads.
fn chunked(bytes: usize) -> String {
    let body = "x".repeat(bytes);
    let chunks = body
        .as_bytes()
        .chunks(1_777)
        .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)));
    format!("Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunks.collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_up_to_64_kib_is_sent_on_whole_and_its_connection_is_kept() {
    for framed in [sized, chunked] {
        for bytes in [0, 1, REPLAYED - 1, REPLAYED] {
            // As it would be if no override were learned: each request meets the 421.
            let a = Node::answering("node-a", "shard-a", |_| {
                not_owner(Some("shard-b"), Some(3), Some(1))
            })
            .await;
            let b = Node::plain("node-b", "shard-b").await;
            let platform = Platform::start(&[&a, &b]).await;
            let mut wire = Wire::to(&platform).await;
            for count in 1..=3 {
                let answer = wire.ask("POST", &framed(bytes)).await;
                assert!(answer.starts_with("HTTP/1.1 200"), "{bytes} bytes: {answer}");
                assert_eq!((a.seen().len(), b.seen().len()), (count, count));
                assert!(b.seen().iter().all(|seen| seen.body == "x".repeat(bytes)));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_larger_body_is_told_to_come_again_and_has_no_effect() {
    for framed in [sized, chunked] {
        for bytes in [REPLAYED + 1, 200_000] {
            let a = Node::answering("node-a", "shard-a", |_| {
                not_owner(Some("shard-b"), Some(5), Some(7))
            })
            .await;
            let b = Node::plain("node-b", "shard-b").await;
            let platform = Platform::start(&[&a, &b]).await;
            let mut wire = Wire::to(&platform).await;
            let answer = wire.ask("POST", &framed(bytes)).await;
            assert!(answer.starts_with("HTTP/1.1 503"), "{bytes} bytes: {answer}");
            assert!(answer.contains("cutover-timeout"), "{answer}");
            assert!(answer.to_lowercase().contains("retry-after: 1\r\n"), "{answer}");
            assert_eq!((a.seen().len(), b.seen().len()), (1, 0));
            let ended = tokio::time::timeout(SOON, wire.stream.read(&mut [0; 16])).await;
            assert_eq!(ended.expect("in time").expect("an end"), 0, "more than one answer");
            // What it said is remembered all the same: the next one goes straight.
            let answer = Wire::to(&platform).await.ask("POST", &framed(bytes)).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert_eq!((a.seen().len(), b.seen()[0].body.len()), (1, bytes));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_came_in_time_is_not_too_slow_when_it_is_sent_on_late() {
    let a = Node::answering_later("node-a", "shard-a", |_| async {
        // Longer than a body may come as slowly as it likes.
        tokio::time::sleep(Duration::from_millis(8_500)).await;
        not_owner(Some("shard-b"), Some(5), Some(7))
    })
    .await;
    let b = Node::plain("node-b", "shard-b").await;
    let platform = Platform::start(&[&a, &b]).await;
    assert_eq!(platform.post(institution(1), None, 100).await.status(), 200);
    assert_eq!(b.seen()[0].body.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_are_followed_and_a_third_is_not() {
    let says = |id, shard, owner, epoch| {
        let answer = move |_: &Seen| not_owner(Some(owner), Some(epoch), Some(epoch));
        Node::answering(id, shard, answer)
    };
    let a = says("node-a", "shard-a", "shard-b", 3).await;
    let b = says("node-b", "shard-b", "shard-c", 5).await;
    let c = says("node-c", "shard-c", "shard-a", 7).await;
    let platform = Platform::start(&[&a, &b, &c]).await;
    let answer = platform.post(institution(1), None, 10).await;
    assert_eq!(answer.headers().get("retry-after").expect("a time"), "1");
    problem(answer, 503, "shard-unavailable").await;
    assert_eq!((a.seen().len(), b.seen().len(), c.seen().len()), (1, 1, 1));
}
