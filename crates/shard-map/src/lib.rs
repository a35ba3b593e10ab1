//! Who owns an institution: ids, the consistent-hash ring, and the shard map that routers hold.
//!
//! Pure: no IO, no clock, no runtime. What must stay true:
//! - The ring *proposes*, the directory *decides*: [`ShardMap::route`] answers the exception when there is
//!   one and the ring's owner otherwise, and an exception exists exactly when the directory's shard differs
//!   from the ring's owner ([`Ring::exception`] is the only place that decides it).
//! - A map is immutable. A newer one is made from an older one by a [`MapDelta`] and replaces it whole.
//! - Two parties that hold the same version hold the same checksum.
//!
//! Left alone on purpose: where the directory lives (the control plane) and how maps travel (`control-api`).

mod delta;
mod id;
mod map;
mod ring;
mod state;

pub use delta::{DeltaError, Entries, MapDelta, Removal};
pub use id::{Epoch, IdError, InstitutionId, MapVersion, NodeId, ShardId};
pub use map::{MapError, MapNode, MapShard, MapSnapshot, RingSettings, ShardMap};
pub use ring::{RING_HASH, Ring, VNODES_PER_WEIGHT};
pub use state::{
    InstitutionStatus, MovePhase, NodeState, OwnershipState, PlanKind, PlanState, ShardState,
    UnknownState,
};
