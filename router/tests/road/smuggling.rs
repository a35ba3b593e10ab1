//! Suite S8: bytes that two readers could split into different requests.
//!
//! The node writes down what reaches it. Each case may reach it as the one request that the router
//! understood, or not at all; what is hidden in it never does; and who comes next, on the same connection
//! or on another that shares the node's, gets an answer of their own.

use std::time::Duration;

use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::node::Node;
use crate::platform::{Platform, SOON, institution};

/// What must never be seen as a request, though it would be let in.
fn hidden(token: &str) -> String {
    format!("GET /v1/smuggled HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// Headers and a body behind `POST /v1/outer HTTP/1.1` with `Host` and `Authorization`.
const FRAMINGS: &[&str] = &[
    "Content-Length: 61\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{hidden}",
    "Content-Length: 0\r\nContent-Length: 61\r\n\r\n{hidden}",
    "Content-Length: 0\r\nContent-Length: 0\r\n\r\n{hidden}",
    "Content-Length: 0, 61\r\n\r\n{hidden}",
    "Content-Length: 0,0\r\n\r\n{hidden}",
    "Content-Length: +0\r\n\r\n{hidden}",
    "Content-Length: -0\r\n\r\n{hidden}",
    "Content-Length: 0x0\r\n\r\n{hidden}",
    "Content-Length: 00\r\n\r\n",
    "Content-Length: 0\0\r\n\r\n{hidden}",
    "Content-Length:\r\n\r\n{hidden}",
    "Content-Length: \u{b}0\r\n\r\n{hidden}",
    "Content-Length : 0\r\n\r\n{hidden}",
    "Content-Length\t: 0\r\n\r\n{hidden}",
    " Content-Length: 0\r\n\r\n{hidden}",
    "X: a\r\n Content-Length: 0\r\n\r\n{hidden}",
    "Content-Length: 1\r\n 0\r\n\r\n{hidden}",
    "Content-Length: 99999999999999999999999\r\n\r\n{hidden}",
    "Content-Length: 18446744073709551616\r\n\r\n{hidden}",
    "X: a\nContent-Length: 0\r\n\r\n{hidden}",
    "X: a\rContent-Length: 0\r\n\r\n{hidden}",
    "X: a\0b\r\nContent-Length: 0\r\n\r\n{hidden}",
    "\r\n{hidden}",
    "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\nX: y\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n3;a=\"\r\nabc\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n3\rabc\r0\r\r{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\nzz\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 61\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n0\r\n{hidden}",
    "Content-Length: 3\r\nConnection: content-length\r\n\r\nabc{hidden}",
    "Transfer-Encoding: chunked\r\nConnection: transfer-encoding\r\n\r\n3\r\nabc\r\n0\r\n\r\n{hidden}",
    "Content-Length: 0\r\nConnection: keep-alive, host, authorization\r\n\r\n{hidden}",
    "Content-Length: 0\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n{hidden}",
    "Content-Length: 0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n{hidden}",
    "Content-Length: 61\r\nExpect: 100-continue\r\n\r\n",
    "Host: y\r\nContent-Length: 0\r\n\r\n{hidden}",
    "Content-Length: 3\r\n\r\nabc{hidden}",
];

/// First lines, with a whole head of their own.
const FIRST_LINES: &[&str] = &[
    "GET http://other/v1/outer HTTP/1.1",
    "GET //other/v1/outer HTTP/1.1",
    "GET /v1/outer HTTP/1.1 HTTP/1.1",
    "GET /v1/outer\tHTTP/1.1",
    "GET  /v1/outer HTTP/1.1",
    "GET /v1/outer HTTP/0.9",
    "GET /v1/outer HTTP/1.1\r",
    "GET /v1/outer\r\nX: HTTP/1.1",
    "GET /v1/outer",
    "CONNECT x:80 HTTP/1.1",
    "PRI * HTTP/2.0",
    "OPTIONS * HTTP/1.1",
    "TRACE /v1/outer HTTP/1.1",
    "GET /v1/outer%0d%0aX:y HTTP/1.1",
    "GET /v1/\u{0}outer HTTP/1.1",
    "GET /v1/outer#/../x HTTP/1.1",
    "GE\u{0}T /v1/outer HTTP/1.1",
    "\r\nGET /v1/outer HTTP/1.1",
];

fn cases(token: &str) -> Vec<String> {
    let common = format!("Host: x\r\nAuthorization: Bearer {token}\r\n");
    let hidden = hidden(token);
    let framings = FRAMINGS.iter().map(|lines| {
        format!(
            "POST /v1/outer HTTP/1.1\r\n{common}{}",
            lines.replace("61", &hidden.len().to_string()).replace("{hidden}", &hidden)
        )
    });
    let first = FIRST_LINES.iter().map(|line| format!("{line}\r\n{common}\r\n{hidden}"));
    framings.chain(first).collect()
}

/// One answer with its body, or nothing where the connection ended first.
async fn answer(stream: &mut TcpStream) -> Option<(u16, String)> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let status: u16 = head.get(9..12)?.parse().ok()?;
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:").and_then(|length| length.trim().parse().ok())
            });
            if status == 100 {
                return Some((status, String::new()));
            }
            if length.is_some_and(|length: usize| body.len() >= length) {
                return Some((status, body.to_owned()));
            }
        }
        match stream.read_buf(&mut read).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled() {
    let node = Node::answering("node-a", "shard-a", |seen| {
        axum::Json(json!({ "path": seen.path })).into_response()
    })
    .await;
    let platform = Platform::start(&[&node]).await;
    let token = platform.token(institution(1));
    let cases = cases(&token);
    assert!(cases.len() >= 30);
    for (number, case) in cases.iter().enumerate() {
        let before = node.seen().len();
        let mut stream = TcpStream::connect(platform.address()).await.expect("a connection");
        stream.write_all(case.as_bytes()).await.expect("written");
        let case = case.replace(&token, "TOKEN").escape_debug().to_string();
        // A body that never ends is cut; there is no need to wait for that here.
        let first = tokio::time::timeout(Duration::from_secs(2), answer(&mut stream)).await;
        if let Ok(Some((status, body))) = &first {
            assert!(*status < 500, "{case}\n{status} {body}");
        }
        let after = format!(
            "GET /v1/after/{number} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        if matches!(first, Ok(Some((200..300, _))))
            && stream.write_all(after.as_bytes()).await.is_ok()
            && let Some((status, body)) =
                tokio::time::timeout(SOON, answer(&mut stream)).await.expect("in time")
        {
            assert_eq!((status, path_in(&body)), (200, format!("/v1/after/{number}")), "{case}");
        }
        let other = format!("/v1/other/{number}");
        let body: Value = platform.get(&other, institution(1)).await.json().await.expect("json");
        assert_eq!(body["path"], other.as_str(), "{case}");
        let seen = node.seen();
        let outer = seen[before..].iter().filter(|seen| seen.path.starts_with("/v1/outer"));
        assert!(outer.count() <= 1, "{case}");
        let strange = seen[before..].iter().find(|seen| {
            !["/v1/outer", "/v1/after/", "/v1/other/"].iter().any(|ok| seen.path.starts_with(ok))
        });
        assert!(strange.is_none(), "{case}\n{strange:?}");
    }
}

fn path_in(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    body["path"].as_str().unwrap_or_default().to_owned()
}
