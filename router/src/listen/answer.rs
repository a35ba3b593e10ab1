//! The answer to a head that is refused before there is a request: problem+json, then the connection ends.

use pingora::protocols::Stream;
use service_kit::problem::PROBLEM_JSON;
use service_kit::request_id::RequestId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt};
use tokio::time::timeout;

use crate::config::{CLIENT_WRITE_DEADLINE, LINGER};
use crate::error::Refusal;

/// Most of what a refused client still sends that is read, in bytes.
const LINGER_MAX_BYTES: usize = 1024 * 1024;

/// Answers, and ends the connection so that the client gets to see the answer: closing while it still sends
/// would reset the connection.
pub(super) async fn refuse(mut stream: Stream, refusal: Refusal) {
    let answer = answer(refusal);
    let written = timeout(CLIENT_WRITE_DEADLINE, async {
        stream.write_all(&answer).await?;
        stream.flush().await?;
        AsyncWriteExt::shutdown(&mut stream).await
    });
    if !matches!(written.await, Ok(Ok(()))) {
        tracing::debug!("The client went away before its answer");
        return;
    }
    let rest = async {
        let mut buffer = [0; 4096];
        let mut read = 0;
        while read < LINGER_MAX_BYTES {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(length) => read += length,
            }
        }
    };
    // Running out of time is the ordinary case with a client that goes on sending.
    let _ = timeout(LINGER, rest).await;
}

fn answer(refusal: Refusal) -> Vec<u8> {
    let id = RequestId::keep_or_make(None);
    let problem = refusal.problem().request_id(id.as_str());
    let status = problem.status_code();
    let body = problem.to_json();
    let mut answer = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nx-request-id: {}\r\nconnection: close\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
        id.as_str(),
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    answer
}
