//! What a shard's database says it owns, held against the directory: a node asks before it serves from a primary
//! that it does not know (a failover, a restore from a backup).

use serde::{Deserialize, Serialize};
use shard_map::{Epoch, InstitutionId, MapVersion, ShardId};
use utoipa::ToSchema;

/// Most institutions that one call names.
pub const CLAIMS_MAX: usize = 1_000;

/// `POST /v1/shards/{id}:reconcile`: at most [`CLAIMS_MAX`] of the institutions that the shard's database would
/// serve, each with its epoch there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnershipClaims {
    /// `[["<institution>", <epoch>], ...]`.
    pub owned: Vec<(InstitutionId, Epoch)>,
}

/// Those of the named that the shard must not serve: the rest is the shard's, at that epoch or an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reconciled {
    /// In the order of the claims.
    pub elsewhere: Vec<Elsewhere>,
}

/// An institution that another shard owns, or that the same shard owns at a later epoch than its database says
/// (it was away meanwhile: that database is an older copy), or that the directory does not know (no owner).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Elsewhere {
    /// The institution.
    pub institution: InstitutionId,
    /// Its owner by the directory.
    pub owner: Option<ShardId>,
    /// The epoch of that ownership.
    pub epoch: Option<Epoch>,
    /// The version of the map that published it.
    pub map_version: Option<MapVersion>,
}
