//! For tests: a server that answers what it is told to.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Answers one connection after another with what is given; gives back the requests' heads.
pub(crate) async fn serve(listener: TcpListener, answers: &[(u16, &str)]) -> Vec<String> {
    let mut heads = Vec::new();
    for (status, body) in answers {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.expect("a request");
        heads.push(String::from_utf8_lossy(&request[..read]).into_owned());
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await.expect("the answer is taken");
    }
    heads
}
