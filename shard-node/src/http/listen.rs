//! The node's listener, and how it ends without a failed request.
//!
//! What must stay true: once the node is to stop, each answer says that its connection ends, and for
//! [`LEAVE`] it goes on accepting and serving. The first such answer makes a router prefer other nodes, so
//! that nothing is on its way on an idle connection when those are closed: a request that is lost so could
//! not be sent again without an Idempotency-Key.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long a node that stops still takes requests.
const LEAVE: Duration = Duration::from_secs(1);

/// Serves until `stop`, takes leave, and ends when what is in flight has been answered.
///
/// # Errors
/// When the listener fails.
pub async fn listen(
    listener: TcpListener,
    app: Router,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let leaving = stop.clone();
    let app = app.layer(from_fn(move |request: Request, next: Next| {
        let leaving = leaving.clone();
        async move {
            let mut response = next.run(request).await;
            if leaving.is_cancelled() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            response
        }
    }));
    let left = async move {
        stop.cancelled().await;
        tokio::time::sleep(LEAVE).await;
    };
    axum::serve(listener, app).with_graceful_shutdown(left).await
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    async fn ask(stream: &mut TcpStream) -> String {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(&answer[..read]).to_lowercase()
    }

    #[tokio::test]
    async fn a_node_that_stops_says_so_before_it_closes_anything() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let app = Router::new().route("/", get(|| async { "here" }));
        let serving = tokio::spawn(listen(listener, app, stop.clone()));
        let mut kept = TcpStream::connect(address).await.expect("a connection");
        let answer = ask(&mut kept).await;
        assert!(answer.contains("200 ok") && !answer.contains("connection: close"), "{answer}");
        stop.cancel();
        let mut fresh = TcpStream::connect(address).await.expect("a connection");
        for stream in [&mut kept, &mut fresh] {
            let answer = ask(stream).await;
            assert!(answer.contains("200 ok") && answer.contains("connection: close"), "{answer}");
        }
        serving.await.expect("it ended").expect("in order");
        assert!(TcpStream::connect(address).await.is_err());
    }
}
