//! A node: how it registers, says that it lives, and is shown.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shard_map::{NodeId, NodeState, ShardId};
use utoipa::ToSchema;

/// `POST /v1/nodes`; repeating it is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeRegistration {
    /// Its id.
    pub id: NodeId,
    /// The shard it serves.
    pub shard: ShardId,
    /// Where routers reach it: `http://ip:port`.
    pub url: String,
    /// Where the control plane finds its `/readyz`: `http://ip:port`. Without it the node is not probed.
    #[serde(default, rename = "adminUrl", skip_serializing_if = "Option::is_none")]
    pub admin_url: Option<String>,
}

/// `POST /v1/nodes/{id}:heartbeat`, once a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// Whether it takes requests.
    pub ready: bool,
    /// How busy it is: 0 idle, 1 at its limit, above it overloaded.
    pub load: f64,
}

/// `POST /v1/nodes/{id}:down`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DownReason {
    /// What the health checker saw.
    pub reason: String,
}

/// A node as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// The shard it serves.
    pub shard: ShardId,
    /// Where routers reach it.
    pub url: String,
    /// Whether it is sent requests.
    pub state: NodeState,
    /// How busy it said it is; none before its first heartbeat.
    pub load: Option<f64>,
    /// Why a health checker holds it down; none when none does.
    pub held_down: Option<String>,
    /// Where it is probed; none when it is not.
    #[serde(default)]
    pub admin_url: Option<String>,
    /// Since when its state is what it is.
    #[serde(default)]
    pub since: Option<DateTime<Utc>>,
    /// Why, in words.
    #[serde(default)]
    pub why: String,
    /// Who said so: the name of a token, or `control-plane`.
    #[serde(default)]
    pub by: String,
    /// The last heartbeat.
    #[serde(default)]
    pub last_heartbeat_at: Option<DateTime<Utc>>,
    /// The last probe.
    #[serde(default)]
    pub last_probe_at: Option<DateTime<Utc>>,
    /// What was wrong with it; none when it passed.
    #[serde(default)]
    pub last_probe_error: Option<String>,
}
