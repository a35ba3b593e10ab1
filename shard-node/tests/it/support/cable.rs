//! A cable between a node and its database, which can be made to swallow everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A proxy that forwards, or holds back every byte while both ends stay connected.
pub(crate) struct Cable {
    port: u16,
    swallows: Arc<AtomicBool>,
}

impl Cable {
    /// To the server of these options.
    pub(crate) async fn to(server: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let swallows = Arc::new(AtomicBool::new(false));
        let (server, swallow) =
            ((server.get_host().to_owned(), server.get_port()), swallows.clone());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(server.clone()).await else { continue };
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(forward(near_in, far_out, swallow.clone()));
                tokio::spawn(forward(far_in, near_out, swallow.clone()));
            }
        });
        Self { port, swallows }
    }

    /// The same options, through the cable.
    pub(crate) fn through(&self, server: PgConnectOptions) -> PgConnectOptions {
        server.host("127.0.0.1").port(self.port)
    }

    /// From now on nothing comes through, or everything does again.
    pub(crate) fn set_swallows(&self, swallows: bool) {
        self.swallows.store(swallows, Ordering::SeqCst);
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    swallows: Arc<AtomicBool>,
) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(bytes) = from.read(&mut buffer).await {
        if bytes == 0 {
            break;
        }
        if swallows.load(Ordering::SeqCst) {
            continue;
        }
        if to.write_all(&buffer[..bytes]).await.is_err() {
            break;
        }
    }
}
