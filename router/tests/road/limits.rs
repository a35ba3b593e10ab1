//! Sizes, and shapes that two readers could understand differently.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::node::{Node, not_owner};
use crate::platform::{Platform, institution, problem};

/// Sends bytes as they are; what comes back until the router closes or 5 s have passed.
async fn raw(platform: &Platform, request: &str) -> String {
    let mut stream = TcpStream::connect(platform.address()).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    // Either end is fine: what matters is what has been answered until then.
    let _ = tokio::time::timeout(Duration::from_secs(5), reading).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let long = format!("/v1/programs?q={}", "a".repeat(9000));
    problem(platform.get(&long, institution(1)).await, 414, "uri-too-long").await;
    let large = platform
        .request(reqwest::Method::GET, "/v1/programs", institution(1))
        .header("x-large", "a".repeat(40_000));
    problem(large.send().await.expect("an answer"), 431, "head-too-large").await;
    let body = platform.post(institution(1), None, 9 << 20).await;
    problem(body, 413, "body-too-large").await;
    assert!(a.seen().is_empty());
    assert_eq!(platform.post(institution(1), None, 8 << 20).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_length_is_counted() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let mut stream = TcpStream::connect(platform.address()).await.expect("a connection");
    let head = format!(
        "POST /v1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        platform.token(institution(1))
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let (mut reader, mut writer) = stream.into_split();
    let endless =
        tokio::spawn(async move { while writer.write_all(chunk.as_bytes()).await.is_ok() {} });
    let mut answer = vec![0; 12];
    let began = Instant::now();
    let read = tokio::time::timeout(Duration::from_secs(20), reader.read_exact(&mut answer)).await;
    read.expect("in time").expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");
    assert!(began.elapsed() < Duration::from_secs(20));
    tokio::time::timeout(Duration::from_secs(20), endless).await.expect("cut off").expect("ended");
}

/// What the router itself says of bytes that are no request: always a problem.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_told_so_by_a_problem() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let large = format!("GET /v1/a HTTP/1.1\r\nX: {}", "a".repeat(40_000));
    let long = format!("GET /{}", "a".repeat(20_000));
    let many = format!("GET /v1/a HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(500));
    let token = platform.token(institution(1));
    let twice = format!(
        "GET /v1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    let other = "GET /v1/a HTTP/1.1\r\nX-Institution-Id: a\r\nX-Institution-Id: b\r\n\
                 Connection: close\r\n\r\n";
    let key = "POST /v1/a HTTP/1.1\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n\
               Content-Length: 0\r\nConnection: close\r\n\r\n";
    for (request, status, code) in [
        ("\0\0\0\r\n\r\n", 400, "bad-request"),
        ("GET / HTTP/1.1\n\n", 400, "bad-request"),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n", 400, "bad-request"),
        ("GET http://other/v1/a HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad-request"),
        ("GET /v1/a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "bad-request"),
        ("GET /v1/\u{e4} HTTP/1.1\r\n\r\n", 400, "bad-request"),
        ("GET /docs/../v1 HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "bad-request"),
        ("GET /docs/%2e%2e/v1 HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "bad-request"),
        ("PROPFIND /v1/a HTTP/1.1\r\nConnection: close\r\n\r\n", 405, "method-not-allowed"),
        (&large, 431, "head-too-large"),
        (&many, 431, "head-too-large"),
        (&long, 414, "uri-too-long"),
        (&twice, 400, "bad-request"),
        (other, 400, "bad-request"),
        (key, 400, "bad-request"),
    ] {
        let answer = raw(&platform, request).await;
        let shown = request.get(..80).unwrap_or(request).escape_debug();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}\n{answer}");
        assert_eq!(answer.matches("HTTP/1.1 4").count(), 1, "{shown}\n{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.to_lowercase().contains("application/problem+json"), "{shown}\n{answer}");
        let body: serde_json::Value = serde_json::from_str(body).expect("json");
        assert_eq!(body["code"], code, "{shown}\n{answer}");
        assert!(body["requestId"].is_string(), "{shown}");
    }
    assert!(a.seen().is_empty(), "{:?}", a.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_the_deadline_travels_with_each_attempt() {
    let slow = Node::answering_later("node-a", "shard-a", |_| async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        not_owner(Some("shard-b"), Some(5), Some(7))
    })
    .await;
    let b = Node::plain("node-b", "shard-b").await;
    let platform = Platform::start(&[&slow, &b]).await;
    // A map that is newer than what the node says: nothing is remembered, each request is sent on anew.
    platform.control.publish(9, "shard-a");
    platform
        .until("the new map is in use", async || {
            platform.metrics().await.contains("lxp_router_map_version 9")
        })
        .await;
    for (asked, at_most) in [("5000", 5000), ("99999999999999999999", 30_000), ("x", 30_000)] {
        let request = platform.request(reqwest::Method::POST, "/v1/programs", institution(1));
        let answer = request.header("lxp-deadline-ms", asked).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let left = |node: &Node| -> u64 {
            node.seen().last().expect("seen").header("lxp-deadline-ms")[0].parse().expect("ms")
        };
        assert!(left(&slow) <= at_most, "{}", left(&slow));
        assert!(left(&b) <= at_most - 300, "{} of {asked}", left(&b));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_end_is_cut_at_the_deadline() {
    let stuck =
        Node::raw_stuck("node-1", "shard-a", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            .await;
    let platform = Platform::start(&[&stuck]).await;
    let began = Instant::now();
    let request = platform.request(reqwest::Method::GET, "/v1/programs", institution(1));
    let answer = request.header("lxp-deadline-ms", "500").send().await.expect("a head");
    assert!(answer.bytes().await.is_err(), "the body cannot have ended");
    // Twice the deadline is what a deadline for each read would have come to.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(platform.metrics().await.contains("lxp_router_cut_total 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_coming_is_408_at_the_deadline() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let head = format!(
        "POST /v1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Lxp-Deadline-Ms: 300\r\nContent-Length: 100\r\n\r\nhalf",
        platform.token(institution(1))
    );
    let answer = raw(&platform, &head).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("body-too-slow"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_kept_for_the_next_request() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let mut stream = TcpStream::connect(platform.address()).await.expect("a connection");
    let token = platform.token(institution(1));
    for (authorization, status) in
        [(token.as_str(), "200"), ("bad", "401"), (token.as_str(), "200")]
    {
        let request = format!(
            "GET /v1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {authorization}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        while !answer.ends_with('}') {
            let mut piece = vec![0; 4096];
            let read = stream.read(&mut piece).await.expect("read");
            assert_ne!(read, 0, "closed after {answer}");
            answer.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}
