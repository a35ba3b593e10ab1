//! Asks a process whether it serves: Postgres by a query, Redis by PING, a service by `/readyz`.

use std::str::FromStr as _;
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// One question may take this long.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// One that served before is not taken for hung on a busy machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

const ASK_EVERY: Duration = Duration::from_millis(50);

/// The `SSLRequest` of Postgres: its length and its code. A server answers one byte before anybody has logged in.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Made once, because each reads a hundred files of trusted authorities. It connects for each question: whether the
/// process still accepts is part of it.
static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build();
    // With no options but these two there is nothing that could fail.
    client.unwrap_or_default()
});

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

    /// Whether it still answers: cheap, as it is asked all the time.
    pub(crate) async fn answers(&self) -> bool {
        let asked = async {
            match self {
                Self::Postgres(dsn) => greets(dsn).await.is_ok(),
                Self::Redis(_) | Self::Http(_) => self.ask().await,
            }
        };
        timeout(ANSWER_TIMEOUT, asked).await.unwrap_or(false)
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
                HTTP.get(url).send().await.is_ok_and(|response| response.status().is_success())
            }
        }
    }
}

async fn greets(dsn: &str) -> anyhow::Result<()> {
    let options = PgConnectOptions::from_str(dsn)?;
    let mut stream = TcpStream::connect((options.get_host(), options.get_port())).await?;
    stream.write_all(&SSL_REQUEST).await?;
    stream.read_u8().await?;
    Ok(())
}

async fn ping(url: &str) -> redis::RedisResult<()> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    redis::cmd("PING").query_async(&mut connection).await
}
