//! The listener: accepts connections, drives Pingora's proxy over each, and ends in order.
//!
//! Pingora's own server is not used: it sleeps its grace period in full and then drops what is in flight,
//! and panics where a port is taken. Its proxy is made for a loop like this one.
//!
//! What must stay true:
//! - Connections are bounded, and each must send a request's head within a deadline.
//! - After `stop` nobody is accepted, idle connections close, and requests in flight are finished, at most
//!   for [`DRAIN_DEADLINE`].

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pingora::apps::HttpServerApp;
use pingora::protocols::http::ServerSession;
use pingora::protocols::l4::stream::Stream;
use pingora::proxy::HttpProxy;
use prometheus::IntGauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{
    CONNECTIONS_MAX, DRAIN_DEADLINE, FIRST_HEAD_DEADLINE, IDLE_DEADLINE_S, NEXT_HEAD_DEADLINE,
};
use crate::proxy::Router;

/// How long to wait after a failed accept: without free file descriptors the next one fails as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

tokio::task_local! {
    /// Whether the head of the connection's current request has been read.
    static HEAD_READ: Arc<AtomicBool>;
}

/// Says that the current request's head has been read: its deadline no longer counts.
pub(crate) fn head_was_read() {
    // Outside a connection (in tests) there is nothing to say.
    let _ = HEAD_READ.try_with(|read| read.store(true, Ordering::Relaxed));
}

/// Serves until `stop`, then finishes what is in flight.
pub(crate) async fn serve(
    listener: TcpListener,
    proxy: HttpProxy<Router>,
    connections: IntGauge,
    stop: CancellationToken,
) {
    let proxy = Arc::new(proxy);
    let tracker = TaskTracker::new();
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (stopping, stopped) = watch::channel(false);
    let accepting = async {
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            let Some(stream) = accept(&listener).await else { continue };
            let (proxy, stopped) = (Arc::clone(&proxy), stopped.clone());
            let connections = connections.clone();
            tracker.spawn(async move {
                connections.inc();
                serve_connection(proxy, stream, stopped).await;
                connections.dec();
                drop(permit);
            });
        }
    };
    stop.run_until_cancelled(accepting).await;
    drop(listener);
    stopping.send_replace(true);
    proxy.http_cleanup().await;
    tracker.close();
    if tokio::time::timeout(DRAIN_DEADLINE, tracker.wait()).await.is_err() {
        tracing::warn!(connections = tracker.len(), "Stopping with requests still in flight");
    }
}

async fn accept(listener: &TcpListener) -> Option<TcpStream> {
    match listener.accept().await {
        Ok((stream, _)) => Some(stream),
        Err(error) => {
            tracing::warn!(error = %error, "A connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn serve_connection(
    proxy: Arc<HttpProxy<Router>>,
    stream: TcpStream,
    stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "The connection is gone already");
        return;
    }
    let head_read = Arc::new(AtomicBool::new(false));
    let serving = serve_requests(proxy, Stream::from(stream), stopped, Arc::clone(&head_read));
    HEAD_READ.scope(head_read, serving).await;
}

/// As Pingora's own loop over the requests of a connection, with a deadline for each head.
async fn serve_requests(
    proxy: Arc<HttpProxy<Router>>,
    stream: Stream,
    stopped: watch::Receiver<bool>,
    head_read: Arc<AtomicBool>,
) {
    let mut session = ServerSession::new_http1(Box::new(stream));
    session.set_keepalive(Some(IDLE_DEADLINE_S));
    let mut deadline = FIRST_HEAD_DEADLINE;
    loop {
        head_read.store(false, Ordering::Relaxed);
        let answered = proxy.process_new_http(session, &stopped);
        let Some(Some(reused)) = unless_head_is_late(answered, deadline, &head_read).await else {
            return;
        };
        let (stream, settings) = reused.consume();
        session = ServerSession::new_http1(stream);
        if let Some(settings) = settings {
            settings.apply_to_session(&mut session);
        }
        deadline = NEXT_HEAD_DEADLINE;
    }
}

/// What `answered` yields; none, and it is dropped, when the head was not read in time.
async fn unless_head_is_late<T>(
    answered: impl Future<Output = T>,
    deadline: Duration,
    head_read: &AtomicBool,
) -> Option<T> {
    let mut answered = std::pin::pin!(answered);
    match tokio::time::timeout(deadline, answered.as_mut()).await {
        Ok(answer) => Some(answer),
        Err(_) if head_read.load(Ordering::Relaxed) => Some(answered.await),
        Err(_) => None,
    }
}
