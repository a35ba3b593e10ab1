//! An institution: how it is created, where it lives, and what each shard's database says of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shard_map::{Epoch, InstitutionId, InstitutionStatus, MapVersion, OwnershipState, ShardId};
use utoipa::ToSchema;
use uuid::Uuid;

/// `POST /v1/institutions`; the same slug with the same content again is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInstitution {
    /// Its id; made where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<InstitutionId>,
    /// Its name in commands: 1 to 63 of a-z, 0-9 and -.
    pub slug: String,
    /// Its name for people: 1 to 200 characters.
    pub name: String,
    /// Its IANA time zone, such as `Europe/London`.
    pub timezone: String,
    /// Where it is to live; the ring decides where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardId>,
}

/// An institution as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Institution {
    /// Its id.
    pub id: InstitutionId,
    /// Its name in commands.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Its IANA time zone.
    pub timezone: String,
    /// Whether it is served.
    pub status: InstitutionStatus,
    /// The shard that owns it.
    pub shard: ShardId,
    /// The epoch of that ownership.
    pub epoch: Epoch,
    /// The shard that a person pinned it to; none: the ring decides where it belongs.
    #[serde(default)]
    pub pinned: Option<ShardId>,
}

/// `POST /v1/institutions/{id}:pin`. Nothing moves by it: plans go by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pin {
    /// Where it is to live; where it lives if none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardId>,
    /// Nobody else is to live there: the shard leaves the ring with a weight of 0.
    pub alone: bool,
}

/// `GET /v1/institutions/{id}`: the directory's word and the shards' own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstitutionDetail {
    /// The directory's word.
    #[serde(flatten)]
    pub institution: Institution,
    /// The rows of the shards' databases, for each that has one.
    pub ownership: Vec<Ownership>,
    /// Whether its shard's database has yet to be told of the status; that is finished by itself.
    pub pending: bool,
    /// What kept its shard from being told of the status, as of the last try.
    pub last_error: Option<String>,
    /// Shards that did not answer in time: what they have is not known.
    pub unreachable: Vec<UnreachableShard>,
    /// Where it has lived, the oldest first.
    pub history: Vec<Placement>,
}

/// One shard database's own word on an institution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ownership {
    /// The shard whose database says it.
    pub shard: ShardId,
    /// What it does with the institution's requests.
    pub state: OwnershipState,
    /// The epoch it is at.
    pub epoch: Epoch,
    /// The shard it takes for the owner.
    pub owner: ShardId,
    /// The move that is in progress, or made this row.
    #[serde(rename = "move")]
    pub move_id: Option<Uuid>,
    /// The term of the leader that wrote it last.
    pub term: i64,
}

/// A shard that did not say what it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnreachableShard {
    /// The shard.
    pub shard: ShardId,
    /// Why.
    pub detail: String,
}

/// A home of an institution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// Since when.
    pub at: DateTime<Utc>,
    /// The shard.
    pub shard: ShardId,
    /// The epoch that began there.
    pub epoch: Epoch,
    /// The version of the map that said so first.
    pub map_version: MapVersion,
    /// Why: `created`.
    pub reason: String,
}
