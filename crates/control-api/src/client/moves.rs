//! Plans and moves.

use reqwest::Method;
use shard_map::InstitutionId;
use uuid::Uuid;

use super::{Call, ControlClient, SHARD_CALL_DEADLINE};
use crate::{ClientError, List, Move, NewPlan, Plan};

/// Which moves to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct MoveQuery {
    /// Only this institution's.
    pub institution: Option<InstitutionId>,
    /// Only those under way.
    pub active: bool,
    /// How many at most, 1 to 200.
    pub limit: Option<i64>,
}

impl ControlClient {
    /// Makes a plan. Nothing moves before it is applied.
    pub async fn propose(&self, new: &NewPlan) -> Result<Plan, ClientError> {
        let call = Call::new(Method::POST, "/v1/plans").body(new)?;
        self.call(call.deadline(SHARD_CALL_DEADLINE)).await
    }

    /// Plans, the newest first.
    pub async fn plans(&self, limit: u32) -> Result<List<Plan>, ClientError> {
        self.call(Call::new(Method::GET, "/v1/plans").query("limit", Some(limit))).await
    }

    /// One plan.
    pub async fn plan(&self, id: Uuid) -> Result<Plan, ClientError> {
        self.get(&format!("/v1/plans/{id}")).await
    }

    /// Begins a plan's moves. Refused with `plan-outdated` where one of its institutions has changed.
    pub async fn apply_plan(&self, id: Uuid) -> Result<Plan, ClientError> {
        let call = Call::new(Method::POST, &format!("/v1/plans/{id}:apply"));
        self.call(call.deadline(SHARD_CALL_DEADLINE)).await
    }

    /// Begins no further move of a plan for now.
    pub async fn pause_plan(&self, id: Uuid) -> Result<Plan, ClientError> {
        self.call(Call::new(Method::POST, &format!("/v1/plans/{id}:pause"))).await
    }

    /// Goes on with a plan.
    pub async fn resume_plan(&self, id: Uuid) -> Result<Plan, ClientError> {
        self.call(Call::new(Method::POST, &format!("/v1/plans/{id}:resume"))).await
    }

    /// Gives up what of a plan is not committed.
    pub async fn cancel_plan(&self, id: Uuid) -> Result<Plan, ClientError> {
        self.call(Call::new(Method::POST, &format!("/v1/plans/{id}:cancel"))).await
    }

    /// Moves, the newest first.
    pub async fn moves(&self, query: &MoveQuery) -> Result<List<Move>, ClientError> {
        let call = Call::new(Method::GET, "/v1/moves")
            .query("institution", query.institution)
            .query("active", query.active.then_some(true))
            .query("limit", query.limit);
        self.call(call).await
    }

    /// One move.
    pub async fn one_move(&self, id: Uuid) -> Result<Move, ClientError> {
        self.get(&format!("/v1/moves/{id}")).await
    }

    /// Asks for a move to be given up; refused with `move-committed` where it is too late.
    pub async fn cancel_move(&self, id: Uuid) -> Result<Move, ClientError> {
        self.call(Call::new(Method::POST, &format!("/v1/moves/{id}:cancel"))).await
    }
}
