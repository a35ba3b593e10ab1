//! Fake nodes: ones that answer as told, ones that break connections, ones that are not there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use service_kit::problem::NOTHING_APPLIED_HEADER;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }
}

pub(crate) struct Node {
    pub(crate) id: &'static str,
    pub(crate) shard: &'static str,
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Between two pieces of a raw answer: long enough that they arrive one by one.
const PAUSE: Duration = Duration::from_millis(50);

/// 200 with the node's name.
pub(crate) fn ok(name: &'static str) -> Response {
    axum::Json(json!({ "node": name })).into_response()
}

/// A problem as nodes say it.
pub(crate) fn says(status: u16, code: &'static str) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    let body = json!({ "title": "t", "status": status.as_u16(), "code": code });
    let mut answer = (status, axum::Json(body)).into_response();
    if matches!(code, "overloaded" | "shard-unavailable") {
        answer.headers_mut().insert(NOTHING_APPLIED_HEADER, HeaderValue::from_static(code));
    }
    answer
}

/// A 421 as a node says it.
pub(crate) fn not_owner(
    owner: Option<&str>,
    epoch: Option<i64>,
    map_version: Option<i64>,
) -> Response {
    let body = json!({
        "type": "urn:lxp:problem:not-owner", "title": "Not the owner", "status": 421,
        "code": "not-owner", "owner": owner, "epoch": epoch, "mapVersion": map_version,
    });
    (StatusCode::MISDIRECTED_REQUEST, axum::Json(body)).into_response()
}

impl Node {
    /// A node that answers each request as told; it reads bodies whole.
    pub(crate) async fn answering(
        id: &'static str,
        shard: &'static str,
        answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::answering_later(id, shard, move |seen| {
            let response = answer(&seen);
            async move { response }
        })
        .await
    }

    /// The same, and it may take its time.
    pub(crate) async fn answering_later<F>(
        id: &'static str,
        shard: &'static str,
        answer: impl Fn(Seen) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response> + Send,
    {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let app = Router::new().fallback(move |request: Request| async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
            let this = Seen { path: head.uri.to_string(), headers: head.headers, body };
            log.lock().unwrap_or_else(PoisonError::into_inner).push(this.clone());
            answer(this).await
        });
        let (listener, address) = bind().await;
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("it serves");
        });
        Self { id, shard, address, seen, task: Some(task) }
    }

    /// A node that answers 200 with its name.
    pub(crate) async fn plain(id: &'static str, shard: &'static str) -> Self {
        Self::answering(id, shard, move |_| ok(id)).await
    }

    /// A node that reads a request's head and closes the connection.
    pub(crate) async fn breaking(id: &'static str, shard: &'static str) -> Self {
        Self::raw(id, shard, &[]).await
    }

    /// A node that reads a request with this many bytes of body, and closes the connection.
    pub(crate) async fn raw_after_body(
        id: &'static str,
        shard: &'static str,
        body_bytes: usize,
    ) -> Self {
        Self::raw_reading(id, shard, body_bytes, &[]).await
    }

    /// A node that sends these pieces for each request, with pauses between, and closes the connection.
    pub(crate) async fn raw(
        id: &'static str,
        shard: &'static str,
        answer: &'static [&'static str],
    ) -> Self {
        Self::raw_reading(id, shard, 0, answer).await
    }

    async fn raw_reading(
        id: &'static str,
        shard: &'static str,
        body_bytes: usize,
        answer: &'static [&'static str],
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let (listener, address) = bind().await;
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                let end_of = |head: &[u8]| head.windows(4).position(|end| end == b"\r\n\r\n");
                while end_of(&head).is_none_or(|end| head.len() < end + 4 + body_bytes) {
                    if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                        break;
                    }
                }
                let text = String::from_utf8_lossy(&head).into_owned();
                let this = Seen {
                    path: text.split(' ').nth(1).unwrap_or_default().to_owned(),
                    headers: HeaderMap::new(),
                    body: Bytes::new(),
                };
                log.lock().unwrap_or_else(PoisonError::into_inner).push(this);
                for piece in answer {
                    // The router may be gone already.
                    let _ = stream.write_all(piece.as_bytes()).await;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        });
        Self { id, shard, address, seen, task: Some(task) }
    }

    /// A node that begins an answer and never ends it.
    pub(crate) async fn raw_stuck(
        id: &'static str,
        shard: &'static str,
        begin: &'static str,
    ) -> Self {
        let (listener, address) = bind().await;
        let task = tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                // Late enough that a deadline for each read would end much later than the request's.
                tokio::time::sleep(PAUSE * 6).await;
                // The router may be gone already.
                let _ = stream.write_all(begin.as_bytes()).await;
                kept.push(stream);
            }
        });
        Self { id, shard, address, seen: Arc::default(), task: Some(task) }
    }

    /// A node at whose address nobody listens.
    pub(crate) async fn absent(id: &'static str, shard: &'static str) -> Self {
        let (listener, address) = bind().await;
        drop(listener);
        Self { id, shard, address, seen: Arc::default(), task: None }
    }

    /// What has arrived so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}
