//! What crosses the wire to and from the control plane: types, the client, and the feed of the shard map.
//!
//! What must stay true:
//! - The control plane encodes and every client decodes by these same types.
//! - A DSN never shows in `Debug` and is in no answer's type: it goes one way, to the control plane.
//! - Each call has a deadline, and each error names the component and the URL.
//!
//! Left alone on purpose: what a map means (`shard-map`), and what a router does with one.

mod client;
mod error;
mod feed;
mod inspection;
mod institution;
mod journal;
mod map;
mod moves;
mod node;
mod ownership;
mod shard;
mod stage;

pub use client::{ControlClient, InstitutionQuery, MoveQuery};
pub use error::{ClientError, Refusal, RefusedField};
pub use feed::follow;
pub use inspection::{DatabaseInspection, LeftOver, MovingRow, ShardInspection};
pub use institution::{
    Institution, InstitutionDetail, NewInstitution, Ownership, Pin, Placement, UnreachableShard,
};
pub use journal::{AuditEntry, Event, MapChange};
pub use map::MapAnswer;
pub use moves::{Hours, Move, MoveEpochs, NewPlan, Plan, PlannedMove, Progress, Retry};
pub use node::{DownReason, Heartbeat, Node, NodeRegistration};
pub use ownership::{CLAIMS_MAX, Elsewhere, OwnershipClaims, Reconciled};
pub use shard::{Dsn, NewShard, Shard, ShardChange, ShardPostgres, ShardRemoval};
pub use stage::{STEPS, short_digits, span};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long `GET /v1/map?after=V` waits for news, in seconds.
pub const MAP_WAIT_S: u64 = 25;

/// A list that fits one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// Its entries.
    pub items: Vec<T>,
}

/// One page of a long list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// Its entries.
    pub items: Vec<T>,
    /// Entries of all pages together.
    pub total: i64,
    /// The number of this page, from 1.
    pub page: i64,
    /// Entries a page at most.
    pub limit: i64,
    /// How many pages there are.
    pub total_pages: i64,
}
