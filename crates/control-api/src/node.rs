//! A node: how it registers, says that it lives, and is shown.

use serde::{Deserialize, Serialize};
use shard_map::{NodeId, NodeState, ShardId};

/// `POST /v1/nodes`; repeating it is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeRegistration {
    /// Its id.
    pub id: NodeId,
    /// The shard it serves.
    pub shard: ShardId,
    /// Where routers reach it: `http://ip:port`.
    pub url: String,
}

/// `POST /v1/nodes/{id}:heartbeat`, once a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// Whether it takes requests.
    pub ready: bool,
    /// How busy it is: 0 idle, 1 at its limit, above it overloaded.
    pub load: f64,
}

/// `POST /v1/nodes/{id}:down`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DownReason {
    /// What the health checker saw.
    pub reason: String,
}

/// A node as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}
