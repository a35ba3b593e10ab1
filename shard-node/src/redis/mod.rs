//! The shard's Redis Cluster: nothing in it must survive, every call has a deadline, and a failure is `None`.
//!
//! What must stay true:
//! - A Redis that fails is not asked again until a probe has found it: one failed call ends the asking
//!   ([`health`]), so requests wait for a dead Redis once, not each. It is used whole or not at all: where one
//!   master of the cluster is away, so are all, until it or its replica answers.
//! - Where an invalidation was missed, that is made good before what Redis keeps is believed again
//!   ([`Redis::is_trusted`]).
//! - A generation counts only in the life of the server process that made it: its token begins with the
//!   process' run id. A master that came back with an old snapshot, or a replica that was promoted before it had
//!   an invalidation, has other run ids, so that what it kept is not found.

mod health;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::redis::cluster::ClusterClient;
use ::redis::cluster_async::ClusterConnection;
use ::redis::{AsyncCommands, FromRedisValue, RedisResult};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::health::Health;

/// How long a request waits for Redis where it can do without: it reads from the database, or counts for itself.
pub(crate) const PATIENCE: Duration = Duration::from_millis(30);

/// How long an invalidation may take. One that fails ends the belief in all that Redis keeps, for seconds.
pub(crate) const DEADLINE: Duration = Duration::from_millis(100);

const PROBE_EVERY: Duration = Duration::from_millis(250);
const PROBE_AGAIN: Duration = Duration::from_millis(20);
const PROBE_DEADLINE: Duration = Duration::from_millis(250);
const CONNECT_DEADLINE: Duration = Duration::from_millis(500);

/// Gives the generation at a key, or makes one.
const GENERATION: &str = r"
local run = string.sub(string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'), 1, 12)
local token = redis.call('GET', KEYS[1])
if token and string.sub(token, 1, 12) == run then return token end
token = run .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return token";

/// Replaces the generation at a key.
const RAISE: &str = r"
local run = string.sub(string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'), 1, 12)
local token = run .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return token";

/// A connection that is made and watched in the background, and commands that never fail.
pub struct Redis {
    connection: watch::Receiver<Option<ClusterConnection>>,
    health: Arc<Mutex<Health>>,
    /// Wakes the probe.
    failed: Arc<Notify>,
}

impl Redis {
    /// A Redis Cluster, some of whose nodes are given; it is looked for until `stop`.
    pub fn connect_in_background(nodes: Vec<String>, stop: CancellationToken) -> Self {
        let (connected, connection) = watch::channel(None);
        let health = Arc::new(Mutex::new(Health::default()));
        let failed = Arc::new(Notify::new());
        tokio::spawn(look_after(nodes, connected, health.clone(), failed.clone(), stop));
        Self { connection, health, failed }
    }

    /// Whether it answered when it was asked last.
    pub fn is_reachable(&self) -> bool {
        self.health().is_reachable()
    }

    /// Whether what it keeps may be believed: it answers, and no invalidation of ours or of another node can
    /// have been missed.
    pub fn is_trusted(&self) -> bool {
        self.health().is_trusted(Instant::now())
    }

    /// What a relay round that begins now would prove, if it left nothing behind: hand it to [`Self::settle`].
    pub fn ticket(&self) -> Option<u64> {
        self.health().ticket(Instant::now())
    }

    /// All that was missed up to the ticket has been made good.
    pub fn settle(&self, ticket: u64) {
        if self.health().settle(ticket) {
            tracing::info!("Redis is used again");
        }
    }

    /// Whether we hear of invalidations that other nodes could not bring to Redis.
    pub fn listening(&self, listening: bool) {
        self.health().listening(listening, Instant::now());
    }

    pub(crate) async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let mut connection = self.connection()?;
        let call = async move { connection.get::<_, Option<Vec<u8>>>(key).await };
        self.timely("GET", PATIENCE, call).await?
    }

    pub(crate) async fn set(&self, key: &str, value: &[u8], ttl: Duration) {
        let Some(mut connection) = self.connection() else { return };
        let call = async move { connection.pset_ex::<_, _, ()>(key, value, ms(ttl)).await };
        self.timely("PSETEX", PATIENCE, call).await;
    }

    /// The generation at a key; `fresh` becomes part of it where there is none.
    pub(crate) async fn generation(&self, key: &str, fresh: &str, ttl: Duration) -> Option<String> {
        let arguments = [fresh.to_owned(), ms(ttl).to_string()];
        self.eval(PATIENCE, "generation", GENERATION, &[key], &arguments).await
    }

    /// Replaces the generation at a key, and answers the new one.
    pub(crate) async fn raise(&self, key: &str, fresh: &str, ttl: Duration) -> Option<String> {
        let arguments = [fresh.to_owned(), ms(ttl).to_string()];
        let raised = self.eval(DEADLINE, "raise", RAISE, &[key], &arguments).await;
        if raised.is_none() {
            self.health().doubt(Instant::now());
        }
        raised
    }

    /// Runs a script on keys of one slot. The text goes along each time: a Redis that was restarted knows it
    /// at once, and one that has seen it finds it by its hash.
    pub(crate) async fn eval<T: FromRedisValue>(
        &self,
        deadline: Duration,
        name: &'static str,
        script: &str,
        keys: &[&str],
        arguments: &[String],
    ) -> Option<T> {
        let mut connection = self.connection()?;
        let mut command = ::redis::cmd("EVAL");
        command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
        let call = async move { command.query_async(&mut connection).await };
        self.timely(name, deadline, call).await
    }

    fn connection(&self) -> Option<ClusterConnection> {
        if !self.is_reachable() {
            return None;
        }
        self.connection.borrow().clone()
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        lock(&self.health)
    }

    async fn timely<T>(
        &self,
        command: &'static str,
        deadline: Duration,
        call: impl Future<Output = RedisResult<T>>,
    ) -> Option<T> {
        let why = match timeout(deadline, call).await {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {deadline:?}"),
        };
        if self.health().failed() {
            tracing::warn!(command, error = why, "Redis failed; reads go to the database");
            self.failed.notify_one();
        }
        None
    }
}

/// Probes it, and connects anew where the connection does not come back by itself.
async fn look_after(
    nodes: Vec<String>,
    connected: watch::Sender<Option<ClusterConnection>>,
    health: Arc<Mutex<Health>>,
    failed: Arc<Notify>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let connection = connected.borrow().clone();
        let answered = match connection {
            Some(connection) => probe(connection).await,
            None => false,
        };
        if answered {
            lock(&health).answered(Instant::now());
        } else {
            if lock(&health).failed() {
                tracing::warn!("Redis does not answer; reads go to the database");
            }
            if let Ok(Ok(connection)) = timeout(CONNECT_DEADLINE, connect(&nodes)).await {
                let _ = connected.send(Some(connection));
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PROBE_EVERY) => {}
            // A moment's trouble is over in a moment.
            () = failed.notified() => tokio::time::sleep(PROBE_AGAIN).await,
        }
    }
}

/// Whether every master answers.
async fn probe(mut connection: ClusterConnection) -> bool {
    let ping = ::redis::cmd("PING");
    let all = ping.query_async::<::redis::Value>(&mut connection);
    matches!(timeout(PROBE_DEADLINE, all).await, Ok(Ok(_)))
}

async fn connect(nodes: &[String]) -> RedisResult<ClusterConnection> {
    let client = ClusterClient::builder(nodes.to_vec())
        .connection_timeout(CONNECT_DEADLINE)
        .response_timeout(PROBE_DEADLINE)
        .overall_response_timeout(Some(PROBE_DEADLINE))
        .retries(1)
        .build()?;
    client.get_async_connection().await
}

fn lock(health: &Mutex<Health>) -> MutexGuard<'_, Health> {
    health.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ms(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
}
