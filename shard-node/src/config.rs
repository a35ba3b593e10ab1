//! The node's settings: `--config FILE`, overridden by `LXP_NODE__...`. Reference: docs/SETTINGS.md.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use service_kit::token::TokenSettings;
use shard_map::{NodeId, ShardId};

use crate::domain::api_clients::ApiClientSettings;
use crate::domain::webhooks::WebhookSettings;
use crate::jobs::JobSettings;
use crate::limits::LimitSettings;
use crate::mail::MailSettings;

/// Everything a node is told.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its id, unique on the platform.
    #[schemars(with = "String")]
    pub id: NodeId,
    /// The shard it serves.
    #[schemars(with = "String")]
    pub shard: ShardId,
    /// Where it serves requests.
    pub listen: SocketAddr,
    /// Where it serves `/healthz`, `/readyz` and `/metrics`.
    pub admin_listen: SocketAddr,
    /// Where routers reach it: `http://ip:port`.
    pub public_url: String,
    /// The control plane.
    pub control_url: String,
    /// File with a bearer token of role `node`.
    pub control_token_file: PathBuf,
    /// Directory that survives restarts: the primary that was confirmed is remembered there.
    pub state_dir: PathBuf,
    /// A `tracing` filter.
    #[serde(default = "default_log")]
    pub log: String,
    /// How tokens are verified.
    pub tokens: TokenSettings,
    /// The shard's database.
    pub postgres: PostgresSettings,
    /// The shard's Redis Cluster.
    pub redis: RedisSettings,
    /// How much callers may ask, and how much may be under way at once.
    #[serde(default)]
    pub limits: LimitSettings,
    /// Work in the background.
    #[serde(default)]
    pub jobs: JobSettings,
    /// How mail leaves; where it is absent, none does.
    #[serde(default)]
    pub mail: Option<MailSettings>,
    /// Tokens of api clients.
    #[serde(default)]
    pub api_clients: ApiClientSettings,
    /// Where events may be sent.
    #[serde(default)]
    pub webhooks: WebhookSettings,
}

impl Settings {
    /// Where the control plane may probe it; none where that would be another machine's loopback.
    pub fn admin_url(&self) -> Option<String> {
        let public: SocketAddr = self.public_url.strip_prefix("http://")?.parse().ok()?;
        let admin = self.admin_listen;
        let ip = if admin.ip().is_unspecified() { public.ip() } else { admin.ip() };
        let is_reachable = !ip.is_loopback() || public.ip().is_loopback();
        is_reachable.then(|| format!("http://{}", SocketAddr::new(ip, admin.port())))
    }
}

/// The shard's database, as `lxp_app`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresSettings {
    /// DSN of the primary.
    pub primary: String,
    /// DSNs of its streaming replicas.
    #[serde(default)]
    pub replicas: Vec<String>,
    /// A replica that is further behind answers nothing, not even what may lag.
    #[schemars(extend("x-unit" = "ms"))]
    #[serde(default = "default_max_lag")]
    pub replica_max_lag_ms: u64,
    /// Connections to the primary, and to each replica, at most.
    #[schemars(extend("x-unit" = "connections"))]
    #[serde(default = "default_connections")]
    pub max_connections: u32,
    /// Whether another server may become the primary: then each poll is confirmed by a synchronous commit.
    #[serde(default)]
    pub failover: bool,
    /// Whether a standby that is promoted has every acknowledged commit: then it may serve although the control
    /// plane cannot be asked about it.
    #[serde(default)]
    pub synchronous_standby: bool,
}

/// The shard's Redis Cluster.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// Some of its nodes, `redis://host:port`.
    pub nodes: Vec<String>,
}

fn default_log() -> String {
    "info".to_owned()
}

fn default_max_lag() -> u64 {
    5_000
}

fn default_connections() -> u32 {
    16
}
