//! The shard's Redis Cluster as a cache: every call has a deadline, and a failure is a miss.

use std::time::Duration;

use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncCommands, ExistenceCheck, SetExpiry, SetOptions};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a command may take.
pub(super) const DEADLINE: Duration = Duration::from_millis(200);

/// How long a generation is kept when nobody writes.
pub(super) const GENERATION_TTL: Duration = Duration::from_hours(24);

const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
const CONNECT_EVERY: Duration = Duration::from_secs(1);

/// A connection that is made in the background, and commands that never fail.
pub(super) struct Redis {
    connection: watch::Receiver<Option<ClusterConnection>>,
}

impl Redis {
    /// Tries to connect every second until it works or `stop`; from then on the driver reconnects.
    pub(super) fn connect_in_background(nodes: Vec<String>, stop: CancellationToken) -> Self {
        let (connected, connection) = watch::channel(None);
        tokio::spawn(async move {
            while !stop.is_cancelled() {
                match connect(&nodes).await {
                    Ok(connection) => {
                        let _ = connected.send(Some(connection));
                        // The receiver keeps the connection as long as the sender lives.
                        stop.cancelled().await;
                    }
                    Err(error) => {
                        tracing::warn!(error = %error, "Redis is away; reads go to the database");
                        tokio::select! {
                            () = stop.cancelled() => {}
                            () = tokio::time::sleep(CONNECT_EVERY) => {}
                        }
                    }
                }
            }
        });
        Self { connection }
    }

    /// Whether a connection was ever made.
    pub(super) fn is_up(&self) -> bool {
        self.connection.borrow().is_some()
    }

    pub(super) async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let mut connection = self.connection()?;
        timely("GET", async move { connection.get::<_, Option<Vec<u8>>>(key).await }).await?
    }

    /// Answers whether Redis took it.
    pub(super) async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> bool {
        let Some(mut connection) = self.connection() else { return false };
        let ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        timely("PSETEX", async move { connection.pset_ex::<_, _, ()>(key, value, ms).await })
            .await
            .is_some()
    }

    /// What is there, else the value given, which is then there.
    pub(super) async fn get_or_set(
        &self,
        key: &str,
        value: &[u8],
        ttl: Duration,
    ) -> Option<Vec<u8>> {
        let mut connection = self.connection()?;
        let options = SetOptions::default()
            .conditional_set(ExistenceCheck::NX)
            .get(true)
            .with_expiration(SetExpiry::PX(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)));
        let set = async move {
            connection.set_options::<_, _, Option<Vec<u8>>>(key, value, options).await
        };
        let found = timely("SET NX GET", set).await?;
        Some(found.unwrap_or_else(|| value.to_vec()))
    }

    fn connection(&self) -> Option<ClusterConnection> {
        self.connection.borrow().clone()
    }
}

async fn connect(nodes: &[String]) -> redis::RedisResult<ClusterConnection> {
    let client = ClusterClient::builder(nodes.to_vec())
        .connection_timeout(CONNECT_DEADLINE)
        .response_timeout(DEADLINE)
        .overall_response_timeout(Some(DEADLINE))
        .retries(1)
        .build()?;
    client.get_async_connection().await
}

async fn timely<T>(
    command: &'static str,
    call: impl Future<Output = redis::RedisResult<T>>,
) -> Option<T> {
    match timeout(DEADLINE, call).await {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            tracing::debug!(command, error = %error, "Redis failed");
            None
        }
        Err(_) => {
            tracing::debug!(command, "Redis did not answer in time");
            None
        }
    }
}
