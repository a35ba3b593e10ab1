//! Sizes, and shapes that two readers could understand differently.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::node::Node;
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

#[tokio::test(flavor = "multi_thread")]
async fn smuggling_shapes_are_400_and_reach_no_node() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let token = platform.token(institution(1));
    let smuggled = "GET /v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for lines in [
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
            5 + smuggled.len()
        ),
        format!("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{smuggled}"),
        "Content-Length: 0\r\nContent-Length: 0\r\n\r\n".to_owned(),
        format!("Content-Length: 0\r\nContent-Length: 44\r\n\r\n{smuggled}"),
        "Content-Length: +0\r\n\r\n".to_owned(),
        format!("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{smuggled}"
        ),
        "Host: y\r\nContent-Length: 0\r\n\r\n".to_owned(),
        format!("Authorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n"),
        "X-Institution-Id: a\r\nX-Institution-Id: b\r\nContent-Length: 0\r\n\r\n".to_owned(),
    ] {
        let head =
            format!("POST /v1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
        let answer = raw(&platform, &format!("{head}Connection: close\r\n{lines}")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{lines}\n{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{lines}\n{answer}");
    }
    for target in ["http://other/v1/programs", "/docs/../v1/programs", "/docs/%2e%2e/v1", "//v1/x"]
    {
        let answer = raw(
            &platform,
            &format!("GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{target}\n{answer}");
    }
    assert!(a.seen().is_empty(), "{:?}", a.seen());
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
