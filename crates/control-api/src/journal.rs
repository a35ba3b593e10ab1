//! What happened: the map's history, events, and who did what.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shard_map::{Entries, MapVersion, Removal};
use utoipa::ToSchema;

/// One version of the map and what it changed: `GET /v1/map/history`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MapChange {
    /// The version that it made.
    pub version: MapVersion,
    /// The placement version from then on.
    pub placement_version: MapVersion,
    /// When.
    pub at: DateTime<Utc>,
    /// What was done, such as `shard.activated`.
    pub kind: String,
    /// To what: an id.
    pub subject: String,
    /// Entries that were new or changed.
    pub set: Entries,
    /// Entries that were gone.
    pub remove: Removal,
    /// Exceptions that changed, too, and are not listed because they are more than 50,000.
    #[serde(default)]
    pub exceptions_left_out: i64,
}

/// Something that happened: `GET /v1/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number, rising.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// What, such as `institution.created`.
    pub kind: String,
    /// To what: an id.
    pub subject: String,
    /// What else is known; no secrets, nothing personal.
    pub detail: Value,
}

/// Who did something: `GET /v1/audit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its number, rising.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// The name of the token.
    pub actor: String,
    /// The role of the token.
    pub role: String,
    /// What was done, such as `institution.suspend`.
    pub action: String,
    /// To what: an id.
    pub target: String,
    /// What was asked for; no secrets.
    pub detail: Value,
}
