//! What a shard's databases say of themselves, asked anew: `GET /v1/shards/{id}/databases`.

use serde::{Deserialize, Serialize};
use shard_map::{InstitutionId, OwnershipState, ShardId};
use utoipa::ToSchema;
use uuid::Uuid;

/// A shard's databases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShardInspection {
    /// The shard.
    pub shard: ShardId,
    /// The primary first, then its replicas in the order in which they were named.
    pub databases: Vec<DatabaseInspection>,
    /// Ownership rows that name a move; each is to be one that is under way.
    pub moving: Vec<MovingRow>,
    /// What is there of institutions that have moved away, 100 findings at most.
    pub left: Vec<LeftOver>,
}

/// One database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseInspection {
    /// Whether it is meant to be a replica.
    pub replica: bool,
    /// `host:port/database`, without a secret.
    pub place: String,
    /// Why it could not be asked; all below is absent then.
    pub error: Option<String>,
    /// Whether it is in recovery: a replica is, a primary is not.
    pub in_recovery: Option<bool>,
    /// Its newest migration.
    pub schema_version: Option<i64>,
    /// Its clock against the control plane's, in milliseconds; positive: ahead. 0 where the difference is less than
    /// the answer took.
    pub clock_skew_ms: Option<i64>,
    /// A replica's: whether it receives from a primary.
    pub receiving: Option<bool>,
    /// A replica's: how far it is behind, in milliseconds; 0 where it has applied all that it has received.
    pub lag_ms: Option<i64>,
}

/// An ownership row that names a move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MovingRow {
    /// The institution.
    pub institution: InstitutionId,
    /// Its state here.
    pub state: OwnershipState,
    /// The move.
    #[serde(rename = "move")]
    pub move_id: Uuid,
}

/// Something that a move should have taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOver {
    /// The institution.
    pub institution: InstitutionId,
    /// The table that has rows of it.
    pub table: String,
}
