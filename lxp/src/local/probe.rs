//! Asks a process whether it serves: Postgres by a query, Redis by PING, a service by `/readyz`.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tokio::time::{sleep, timeout};

/// One question may take this long.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

const ASK_EVERY: Duration = Duration::from_millis(50);

/// How a process is asked.
#[derive(Debug, Clone)]
pub(crate) enum Probe {
    /// A DSN that can log in.
    Postgres(String),
    /// `redis://host:port`.
    Redis(String),
    /// A URL that answers 200.
    Http(String),
}

impl Probe {
    /// Asks until it serves. The caller has the deadline.
    pub(crate) async fn until_ready(&self) {
        while !matches!(timeout(ASK_TIMEOUT, self.ask()).await, Ok(true)) {
            sleep(ASK_EVERY).await;
        }
    }

    async fn ask(&self) -> bool {
        match self {
            Self::Postgres(dsn) => match PgConnection::connect(dsn).await {
                // A polite goodbye keeps the server's log clean; whether it is heard matters to nobody.
                Ok(connection) => connection.close().await.is_ok(),
                Err(_) => false,
            },
            Self::Redis(url) => ping(url).await.is_ok(),
            Self::Http(url) => {
                reqwest::get(url).await.is_ok_and(|response| response.status().is_success())
            }
        }
    }
}

async fn ping(url: &str) -> redis::RedisResult<()> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    redis::cmd("PING").query_async(&mut connection).await
}
