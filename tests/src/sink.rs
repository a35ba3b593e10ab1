//! Where webhooks are sent to: whatever comes is taken and kept.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a request may have in all.
const REQUEST_MAX_BYTES: usize = 1 << 20;

/// Listens until the test ends.
#[derive(Debug, Clone)]
pub struct Sink {
    /// Where.
    pub url: String,
    ids: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    /// On a free port of loopback.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let sink = Self { url, ids: Arc::default() };
        let ids = sink.ids.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(stream, ids.clone()));
            }
        });
        sink
    }

    /// The `webhook-id` of each request so far.
    pub fn ids(&self) -> Vec<String> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One request of a connection; it is kept once all of it is here.
async fn take(mut stream: TcpStream, ids: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    let id = loop {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(bytes) if bytes > 0 && request.len() < REQUEST_MAX_BYTES => {
                request.extend_from_slice(&piece[..bytes]);
            }
            _ => return,
        }
        if let Some(id) = whole(&request) {
            break id;
        }
    };
    ids.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
}

/// The `webhook-id` of a request that is here to its last byte.
fn whole(request: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(request);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let header = |wanted: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then(|| value.trim()))
    };
    let length: usize = header("content-length")?.parse().ok()?;
    (body.len() >= length).then(|| header("webhook-id").unwrap_or_default().to_owned())
}
