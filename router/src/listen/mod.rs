//! The listener: accepts connections, drives Pingora's proxy over each, and ends in order.
//!
//! Pingora's own server is not used: it sleeps its grace period in full and then drops what is in flight,
//! and panics where a port is taken. Its proxy is made for a loop like this one.
//!
//! What must stay true:
//! - Connections are bounded; heads are read here (`head`), not by Pingora, which takes 1 MiB of them.
//! - A request ends shortly after its deadline, whoever is the slow one: with an answer where that can
//!   still be given, else with its connection (`ends`).
//! - After `stop` nobody is accepted, requests in flight are finished, at most for [`DRAIN_DEADLINE`], and
//!   each answer says that the connection ends. Idle connections are kept for a moment more: a request that
//!   is on its way is answered.
//! - A router that is started in the place of another gets its listeners (`handover`): no connection is
//!   refused in between.

mod answer;
mod client;
mod ends;
pub(crate) mod handover;
mod head;

use std::sync::Arc;
use std::time::{Duration, Instant};

use pingora::apps::{HttpPersistentSettings, HttpServerApp};
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::proxy::HttpProxy;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::client::Client;
use self::ends::Ends;
use self::head::NoHead;
use crate::config::{
    CLIENT_WRITE_DEADLINE, CONNECTIONS_MAX, CUT_SLACK, DRAIN_DEADLINE, HEAD_DEADLINE,
    IDLE_DEADLINE_S, LINGER, REQUEST_DEADLINE,
};
use crate::metrics::RouterMetrics;
use crate::proxy::Router;

#[cfg(test)]
pub(crate) use self::head::Scan;

/// How long to wait after a failed accept: without free file descriptors the next one fails as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

tokio::task_local! {
    /// When the connection's current request is over.
    static ENDS: Arc<Ends>;
}

/// Says until when the current request may take; shortly after that its connection is cut.
pub(crate) fn request_ends(at: Instant) {
    // Outside a connection (in tests) there is nothing to cut.
    let _ = ENDS.try_with(|ends| ends.request_until(at + CUT_SLACK));
}

/// What every connection needs.
struct Shared {
    proxy: Arc<HttpProxy<Router>>,
    metrics: RouterMetrics,
    stop: CancellationToken,
    /// Pingora's way to say the same as `stop`.
    stopped: watch::Receiver<bool>,
}

/// Serves until `stop`, then finishes what is in flight.
pub(crate) async fn serve(
    listener: TcpListener,
    proxy: HttpProxy<Router>,
    metrics: RouterMetrics,
    stop: CancellationToken,
) {
    let tracker = TaskTracker::new();
    let (_stopping, stopped) = watch::channel(false);
    let shared = Arc::new(Shared { proxy: Arc::new(proxy), metrics, stop: stop.clone(), stopped });
    let accepting = accept_at_most(&listener, CONNECTIONS_MAX, |stream, permit| {
        let shared = Arc::clone(&shared);
        tracker.spawn(async move {
            shared.metrics.connections.inc();
            serve_connection(&shared, stream).await;
            shared.metrics.connections.dec();
            drop(permit);
        });
    });
    stop.run_until_cancelled(accepting).await;
    drop(listener);
    tracker.close();
    if tokio::time::timeout(DRAIN_DEADLINE, tracker.wait()).await.is_err() {
        tracing::warn!(connections = tracker.len(), "Stopping with requests still in flight");
    }
}

/// Accepts as long as there are no more than so many connections: of each there is a permit until it ends.
async fn accept_at_most(
    listener: &TcpListener,
    connections_max: usize,
    serve: impl Fn(TcpStream, OwnedSemaphorePermit),
) {
    let permits = Arc::new(Semaphore::new(connections_max));
    // The semaphore is never closed.
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        if let Some(stream) = accept(listener).await {
            serve(stream, permit);
        }
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

async fn serve_connection(shared: &Shared, stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "The connection is gone already");
        return;
    }
    let ends = Arc::new(Ends::new(Instant::now(), HEAD_DEADLINE));
    let serving = serve_requests(shared, Box::new(Client::new(stream)), &ends);
    let serving = ends::unless_over(serving, &ends, &shared.stop);
    let is_over = ENDS.scope(Arc::clone(&ends), serving).await.is_none();
    if is_over && !ends.is_idle() {
        shared.metrics.cut.inc();
        tracing::info!("A request was cut off at its deadline");
    }
}

/// The requests of a connection, one after another.
async fn serve_requests(shared: &Shared, mut stream: Stream, ends: &Ends) {
    let mut settings = None;
    loop {
        let read = match head::read(&mut stream, ends).await {
            Ok(read) => read,
            Err(NoHead::Silent) => return,
            Err(NoHead::Refused(refusal)) => {
                let status = refusal.problem().status;
                shared.metrics.http.answered("other", "other", status, 0.0);
                ends.request_until(Instant::now() + CLIENT_WRITE_DEADLINE + LINGER + CUT_SLACK);
                return answer::refuse(stream, refusal).await;
            }
        };
        let mut session = ServerSession::new_http1(stream);
        match settings.take() {
            None => session.set_keepalive(Some(IDLE_DEADLINE_S)),
            Some(settings) => HttpPersistentSettings::apply_to_session(settings, &mut session),
        }
        session.set_pipelined_prefix(read);
        // Until the request has said how long it may take.
        ends.request_until(Instant::now() + REQUEST_DEADLINE + CUT_SLACK);
        match shared.proxy.process_new_http(session, &shared.stopped).await {
            Some(reused) => (stream, settings) = reused.consume(),
            None => return,
        }
        ends.idle_until(Instant::now() + Duration::from_secs(IDLE_DEADLINE_S));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn beyond_so_many_connections_the_next_waits_for_the_end_of_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (served, mut connections) = mpsc::channel(3);
        let accepting = accept_at_most(&listener, 2, |stream, permit| {
            served.try_send((stream, permit)).expect("there is room");
        });
        let clients = async {
            let mut clients = Vec::new();
            for _ in 0..3 {
                clients.push(TcpStream::connect(address).await.expect("the system's queue"));
            }
            let first = connections.recv().await.expect("the first");
            let _second = connections.recv().await.expect("the second");
            let third = timeout(Duration::from_millis(300), connections.recv()).await;
            assert!(third.is_err(), "a third was accepted beside two");
            drop(first);
            drop(connections.recv().await.expect("the third"));
        };
        tokio::select! {
            () = accepting => panic!("it does not end by itself"),
            () = clients => {}
        }
    }
}
