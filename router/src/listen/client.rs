//! A client's connection as Pingora's proxy uses it: what is written waits until it is flushed, so that the head of an
//! answer and its body leave together. Pingora's own stream does that only where Pingora accepts.

use std::io;
use std::os::fd::AsRawFd as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    TimingDigest, UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufWriter, ReadBuf};
use tokio::net::TcpStream;

/// Most answers fit in, in bytes; of a larger one the body follows its head.
const BUFFER_BYTES: usize = 4 * 1024;

/// A connection.
#[derive(Debug)]
pub(super) struct Client(BufWriter<TcpStream>);

impl Client {
    /// One that was accepted.
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(BufWriter::with_capacity(BUFFER_BYTES, stream))
    }
}

impl AsyncRead for Client {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Client {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // As far as the system takes it now; a connection that is dropped is not waited for.
        let _ = Pin::new(&mut self.0).poll_flush(&mut Context::from_waker(Waker::noop()));
    }
}

#[async_trait]
impl Shutdown for Client {
    async fn shutdown(&mut self) {
        if let Err(error) = self.0.shutdown().await {
            tracing::debug!(error = %error, "The client went away first");
        }
    }
}

impl UniqueID for Client {
    fn id(&self) -> UniqueIDType {
        self.0.get_ref().as_raw_fd()
    }
}

// What nobody here asks for.
impl Ssl for Client {}
impl Peek for Client {}
impl GetTimingDigest for Client {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}
impl GetProxyDigest for Client {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}
impl GetSocketDigest for Client {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[tokio::test]
    async fn what_is_written_leaves_together_when_it_is_flushed_or_dropped() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut peer = std::net::TcpStream::connect(address).expect("connected");
        let (accepted, _) = listener.accept().await.expect("accepted");
        let mut client = Client::new(accepted);
        let mut read = [0; 64];

        client.write_all(b"head ").await.expect("taken");
        client.write_all(b"body").await.expect("taken");
        peer.set_nonblocking(true).expect("set");
        assert!(peer.read(&mut read).is_err(), "a part left before the flush");
        client.flush().await.expect("flushed");
        peer.set_nonblocking(false).expect("set");
        assert_eq!(peer.read(&mut read).expect("bytes"), b"head body".len());

        client.write_all(b"rest").await.expect("taken");
        drop(client);
        assert_eq!(peer.read(&mut read).expect("bytes"), b"rest".len());
        assert_eq!(peer.read(&mut read).expect("the end"), 0);
    }
}
