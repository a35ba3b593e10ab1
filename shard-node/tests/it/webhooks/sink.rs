//! The server that webhooks lead to: it keeps what it gets and answers as a test tells it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::Value;
use standardwebhooks::Webhook;

use super::SOON;

/// A request as the sink got it.
#[derive(Debug, Clone)]
pub(super) struct Got {
    path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Got {
    pub(super) fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().expect("text")
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Whether the public verifier believes it.
    pub(super) fn is_signed_by(&self, secret: &str) -> bool {
        Webhook::new(secret).expect("a secret").verify(&self.body, &self.headers).is_ok()
    }
}

/// An HTTP server that keeps what it gets and answers as it is told.
#[derive(Clone)]
pub(super) struct Sink {
    pub(super) address: SocketAddr,
    pub(super) got: Arc<Mutex<Vec<Got>>>,
    status: Arc<AtomicU16>,
}

impl Sink {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let sink = Self { address, got: Arc::default(), status: Arc::new(AtomicU16::new(200)) };
        let app = Router::new().route("/{*path}", post(take)).with_state(sink.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        sink
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(super) fn answers(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    pub(super) fn got(&self, path: &str) -> Vec<Got> {
        let got = self.got.lock().expect("the list");
        got.iter().filter(|got| got.path == path).cloned().collect()
    }

    /// Waits until so many requests have come there.
    pub(super) async fn until(&self, path: &str, count: usize) -> Vec<Got> {
        let began = Instant::now();
        loop {
            let got = self.got(path);
            if got.len() >= count {
                return got;
            }
            assert!(began.elapsed() < SOON, "{} of {count} at {path}", got.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn take(
    State(sink): State<Sink>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    sink.got.lock().expect("the list").push(Got { path, headers, body });
    let status = StatusCode::from_u16(sink.status.load(Ordering::Relaxed)).expect("a status");
    let elsewhere = [(header::LOCATION, sink.url("elsewhere"))];
    (status, elsewhere, "x".repeat(100_000)).into_response()
}
