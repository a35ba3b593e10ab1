//! The admin listener of every service: `/healthz` (alive), `/readyz` (serving), `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// Whether the service takes requests. Starts as not ready.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says whether the service takes requests from now on.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    /// Whether it does.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Serves the admin pages until `stop` is cancelled.
///
/// # Errors
/// When the address cannot be bound; the error names it.
pub async fn serve(
    listen: SocketAddr,
    metrics: Metrics,
    readiness: Readiness,
    stop: CancellationToken,
) -> std::io::Result<()> {
    serve_on(bind(listen).await?, metrics, readiness, stop).await
}

/// The same on a listener that is there already.
///
/// # Errors
/// When the listener fails.
pub async fn serve_on(
    listener: tokio::net::TcpListener,
    metrics: Metrics,
    readiness: Readiness,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route(
            "/metrics",
            get(|State((metrics, _)): State<(Metrics, Readiness)>| async move { metrics.render() }),
        )
        .with_state((metrics, readiness));
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Binds a TCP listener; the error names the address and what to do.
pub async fn bind(listen: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind(listen).await.map_err(|error| {
        let hint = "choose another address in the settings, or stop what listens there";
        std::io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}; {hint}"))
    })
}

async fn ready(State((_, readiness)): State<(Metrics, Readiness)>) -> (StatusCode, &'static str) {
    if readiness.get() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
