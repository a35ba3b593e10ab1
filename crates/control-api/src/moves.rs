//! Plans, and the moves of institutions that they lead to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shard_map::{Epoch, InstitutionId, MapVersion, MovePhase, PlanKind, PlanState, ShardId};
use utoipa::ToSchema;
use uuid::Uuid;

/// `POST /v1/plans`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum NewPlan {
    /// One institution, to a shard that is named.
    Move {
        /// Which.
        institution: InstitutionId,
        /// Where to.
        to: ShardId,
    },
    /// Institutions to where pins and the ring want them.
    Rebalance {
        /// When moves may begin; at any time where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<Hours>,
    },
    /// Everybody away from a shard. Applied, it takes the shard out of the ring.
    Drain {
        /// Which.
        shard: ShardId,
        /// When moves may begin; at any time where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<Hours>,
    },
}

/// Hours of the day in UTC, from the first to before the second; `{from: 22, to: 6}` is a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The first hour, 0 to 23.
    pub from: u8,
    /// The hour before which it ends, 0 to 23; not the first.
    pub to: u8,
}

impl Hours {
    /// Whether both are hours, and differ.
    pub const fn is_valid(self) -> bool {
        self.from < 24 && self.to < 24 && self.from != self.to
    }

    /// Whether an hour of the day is one of them.
    pub const fn has(self, hour: u32) -> bool {
        let (from, to) = (self.from as u32, self.to as u32);
        if from < to { from <= hour && hour < to } else { from <= hour || hour < to }
    }
}

/// A plan: what would move and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub kind: PlanKind,
    /// The placement that it was made for.
    pub placement_version: MapVersion,
    /// How far it is.
    pub state: PlanState,
    /// What moves, in order.
    pub moves: Vec<PlannedMove>,
    /// The name of the token that asked for it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was applied.
    pub applied_at: Option<DateTime<Utc>>,
    /// The shard that is drained.
    #[serde(default)]
    pub shard: Option<ShardId>,
    /// When its moves may begin.
    #[serde(default)]
    pub window: Option<Hours>,
    /// What else is to be known of it, such as who stays for want of room.
    #[serde(default)]
    pub notes: Vec<String>,
    /// How its moves are.
    #[serde(default)]
    pub progress: Progress,
    /// How long the rest will take at the pace so far; none before there is a pace.
    #[serde(default)]
    pub eta_seconds: Option<i64>,
}

/// How many moves of a plan are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Progress {
    /// Not begun.
    pub waiting: i64,
    /// Under way.
    pub moving: i64,
    /// Arrived.
    pub done: i64,
    /// Given up.
    pub aborted: i64,
    /// Left out, because what they were planned for had changed.
    pub skipped: i64,
}

/// A move of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedMove {
    /// Which institution.
    pub institution: InstitutionId,
    /// Where it is.
    pub from: ShardId,
    /// Where it is to be.
    pub to: ShardId,
    /// Why.
    pub reason: String,
    /// How many rows it has; none where its shard did not say.
    pub rows: Option<i64>,
    /// How many bytes they have, about; none where its shard did not say.
    pub bytes: Option<i64>,
    /// The move, once the plan was applied.
    #[serde(rename = "move")]
    pub move_id: Option<Uuid>,
    /// How far that is.
    #[serde(default)]
    pub phase: Option<MovePhase>,
    /// Why it will not begin, where it was left out.
    #[serde(default)]
    pub skipped: Option<String>,
}

/// A move as the journal has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    /// Its id.
    pub id: Uuid,
    /// The plan that led to it.
    pub plan: Option<Uuid>,
    /// Which institution.
    pub institution: InstitutionId,
    /// Where it is.
    pub from: ShardId,
    /// Where it is to be.
    pub to: ShardId,
    /// How far it is.
    pub phase: MovePhase,
    /// The epochs that were allotted to it.
    pub epochs: MoveEpochs,
    /// Rows to copy, as counted at the start.
    pub rows: i64,
    /// Rows that were copied.
    pub rows_copied: i64,
    /// Keys that changed since and are to be copied once more.
    pub keys_to_catch_up: i64,
    /// The last round that was committed at the target.
    pub round: i64,
    /// How long writes were held back, in milliseconds.
    pub pause_ms: Option<f64>,
    /// The name of the token that asked for it.
    pub requested_by: String,
    /// Why it is given up, where it is.
    pub cancel_reason: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When its phase began.
    pub phase_started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long the copy will take at the pace so far; none before there is a pace.
    pub eta_seconds: Option<i64>,
    /// Steps that failed and were tried again, the last ones.
    pub retries: Vec<Retry>,
}

/// The epochs of a move, allotted at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MoveEpochs {
    /// While nobody serves it.
    pub fence: Epoch,
    /// At the target.
    pub commit: Epoch,
    /// At the source again.
    pub abort: Epoch,
}

impl MoveEpochs {
    /// Of a move that begins at this epoch.
    pub const fn after(Epoch(before): Epoch) -> Self {
        Self { fence: Epoch(before + 1), commit: Epoch(before + 2), abort: Epoch(before + 3) }
    }
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Retry {
    /// When.
    pub at: DateTime<Utc>,
    /// Why, in words.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_go_over_midnight() {
        let hours =
            |from, to| (0..24).filter(|hour| Hours { from, to }.has(*hour)).collect::<Vec<_>>();
        assert_eq!(hours(1, 4), [1, 2, 3]);
        assert_eq!(hours(22, 2), [0, 1, 22, 23]);
        assert!(Hours { from: 22, to: 0 }.is_valid());
        assert!(!Hours { from: 3, to: 3 }.is_valid() && !Hours { from: 3, to: 24 }.is_valid());
    }
}
