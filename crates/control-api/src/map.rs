//! What `GET /v1/map` answers.

use serde::{Deserialize, Serialize};
use shard_map::{MapDelta, MapSnapshot};
use utoipa::ToSchema;

/// A delta or a whole map; a delta is known by its member `from`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum MapAnswer {
    /// What changed since the version that was asked about.
    Delta(MapDelta),
    /// The whole map: that version is too old, or not known here.
    Snapshot(MapSnapshot),
}
