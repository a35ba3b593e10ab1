//! Plans: applied, paused, resumed, cancelled. `planning` makes them.
//!
//! What must stay true: a plan is applied only while each of its institutions is where it was when it was made, at
//! the same epoch; all of its moves begin (or wait for their turn), or none; asking twice does no harm. A move that
//! waited begins only if all that is still so, by the leader's term; one that may not is left out and stops no other.
//!
//! Left alone on purpose: what becomes of a move once it has begun (`operation`).

use std::collections::BTreeSet;

use control_api::{Move, Plan, PlannedMove};
use serde_json::json;
use shard_map::{InstitutionId, PlanKind, PlanState, ShardId, ShardState};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Platform;
use crate::error::Error;
use crate::store::journal::{self, Actor, Note};
use crate::store::map_head::MapTx;
use crate::store::moves::{self, NewMove};
use crate::store::plans::{self, PlannedRow};
use crate::store::queue::{self, Waiting};
use crate::store::{leader, shards};

/// Institutions that a refusal names; of the others it says how many there are.
const NAMED_MAX: usize = 5;

/// What a person wants of a plan that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanWord {
    /// Begin no further move for now.
    Pause,
    /// Go on.
    Resume,
    /// Give up what is not committed.
    Cancel,
}

impl PlanWord {
    /// The state that it leads to; none where it is said of a plan that is so already.
    fn next(self, now: PlanState) -> Result<Option<PlanState>, Error> {
        match (self, now) {
            (Self::Pause, PlanState::Running) => Ok(Some(PlanState::Paused)),
            (Self::Resume, PlanState::Paused) => Ok(Some(PlanState::Running)),
            (Self::Cancel, PlanState::Proposed | PlanState::Running | PlanState::Paused) => {
                Ok(Some(PlanState::Cancelled))
            }
            (Self::Pause, PlanState::Paused)
            | (Self::Resume, PlanState::Running)
            | (Self::Cancel, PlanState::Cancelled) => Ok(None),
            (_, PlanState::Proposed) => Err(Error::conflict(
                "plan-not-applied",
                "it is only proposed: nothing of it runs that could be paused or resumed",
            )),
            (_, PlanState::Cancelled) => Err(cancelled()),
            (_, _) => Err(Error::conflict("plan-done", "all its moves have ended")),
        }
    }

    const fn action(self) -> &'static str {
        match self {
            Self::Pause => "plan.pause",
            Self::Resume => "plan.resume",
            Self::Cancel => "plan.cancel",
        }
    }

    const fn event(self) -> &'static str {
        match self {
            Self::Pause => "plan.paused",
            Self::Resume => "plan.resumed",
            Self::Cancel => "plan.cancelled",
        }
    }
}

impl Platform {
    /// Applies a plan: all of its moves begin, or wait for their turn, or none does.
    ///
    /// Of a drain the shard leaves the ring first: what the planner took for granted.
    pub async fn apply_plan(&self, actor: &Actor, id: Uuid) -> Result<Plan, Error> {
        let plan = self.plan(id).await?;
        if let (PlanState::Proposed, Some(shard)) = (plan.state, &plan.shard) {
            let mut connection = self.pool.acquire().await?;
            still_as_planned(&mut connection, &plan).await?;
            drop(connection);
            self.drain_shard(actor, shard).await?;
        }
        // Under the map's head, so that neither directory nor ring changes between the checks and the commit.
        let mut tx = MapTx::open(&self.pool).await?;
        let plan = locked(tx.connection(), id).await?;
        match plan.state {
            PlanState::Proposed => {}
            PlanState::Running | PlanState::Paused | PlanState::Done => return Ok(plan),
            PlanState::Cancelled => return Err(cancelled()),
        }
        still_as_planned(tx.connection(), &plan).await?;
        if let Some(shard) = &plan.shard {
            still_draining(tx.connection(), shard).await?;
        }
        let detail = json!({"kind": plan.kind, "moves": plan.moves.len()});
        let mut notes = vec![
            Note::audit("plan.apply", &id, detail.clone()),
            Note::event("plan.applied", &id, detail),
        ];
        if plan.kind == PlanKind::Move {
            for row in plans::planned(tx.connection(), id).await? {
                notes.push(begin(tx.connection(), &actor.name, id, &row).await?);
            }
        } else {
            queue::enter(tx.connection(), id).await?;
        }
        plans::set_state(tx.connection(), id, PlanState::Running).await?;
        tx.commit_unpublished(actor, &notes).await?;
        self.wake.notify_waiters();
        self.plan(id).await
    }

    /// Begins a move that waited, if it is still as it was planned; else it is left out, and says why. Answers whether
    /// it begins. For the leader.
    pub(crate) async fn begin_waiting(&self, term: i64, next: &Waiting) -> Result<bool, Error> {
        let mut tx = MapTx::open(&self.pool).await?;
        if !leader::hold(tx.connection(), term).await? {
            return Ok(false);
        }
        let plan = locked(tx.connection(), next.plan).await?;
        if plan.state != PlanState::Running {
            return Ok(false);
        }
        let only = Some(next.institution);
        let changed = queue::changed(tx.connection(), next.plan, only, 1).await?.pop();
        let why = changed.map(|(_, how)| format!("it {how}"));
        if !queue::leave(tx.connection(), next.plan, next.institution, why.as_deref()).await? {
            return Ok(false);
        }
        let note = if let Some(why) = &why {
            let detail = json!({"plan": next.plan, "to": next.to, "why": why});
            Note::event("move.skipped", &next.institution, detail)
        } else {
            let planned = plans::planned(tx.connection(), next.plan).await?;
            let row = planned.iter().find(|row| row.shown.institution == next.institution);
            let row =
                row.ok_or_else(|| Error::Corrupt("a planned move that vanished".to_owned()))?;
            begin(tx.connection(), &next.applied_by, next.plan, row).await?
        };
        tx.commit_unpublished(&Actor::reconciler(), &[note]).await?;
        Ok(why.is_none())
    }

    /// Pauses, resumes or cancels a plan.
    pub async fn say_of_plan(
        &self,
        actor: &Actor,
        id: Uuid,
        word: PlanWord,
    ) -> Result<Plan, Error> {
        let mut tx = self.pool.begin().await?;
        let plan = locked(&mut tx, id).await?;
        let Some(next) = word.next(plan.state)? else { return Ok(plan) };
        if word == PlanWord::Cancel && plan.state != PlanState::Proposed {
            match plan.kind {
                PlanKind::Move => give_up(&mut tx, actor, &plan).await?,
                // What moves arrives; nothing else begins.
                PlanKind::Rebalance | PlanKind::Drain => {
                    let why = format!("its plan was cancelled by {}", actor.name);
                    queue::clear(&mut tx, id, &why).await?;
                }
            }
        }
        plans::set_state(&mut tx, id, next).await?;
        let notes = [
            Note::audit(word.action(), &id, json!({})),
            Note::event(word.event(), &id, json!({"from": plan.state})),
        ];
        journal::write(&mut tx, actor, &notes).await?;
        tx.commit().await?;
        self.wake.notify_waiters();
        self.plan(id).await
    }

    /// One plan.
    pub async fn plan(&self, id: Uuid) -> Result<Plan, Error> {
        let mut connection = self.pool.acquire().await?;
        let plan = plans::find(&mut connection, id).await?;
        plan.ok_or_else(|| Error::not_found("plan", &id))
    }

    /// Plans, the newest first.
    pub async fn plans(&self, limit: i64) -> Result<Vec<Plan>, Error> {
        let mut connection = self.pool.acquire().await?;
        plans::list(&mut connection, limit).await
    }
}

/// Only an active shard takes institutions.
pub(super) fn is_active(shard: &ShardId, state: Option<ShardState>) -> Result<(), Error> {
    if state == Some(ShardState::Active) {
        return Ok(());
    }
    let state = state.map_or("gone", ShardState::as_str);
    let detail = format!("shard `{shard}` is {state}; only an active one takes institutions");
    Err(Error::conflict("shard-not-active", detail))
}

pub(super) async fn no_move_under_way(
    connection: &mut PgConnection,
    institution: InstitutionId,
) -> Result<(), Error> {
    match moves::list(connection, Some(institution), true, 1).await?.pop() {
        None => Ok(()),
        Some(Move { id, from, to, phase, .. }) => Err(Error::conflict(
            "move-under-way",
            format!(
                "institution {institution} is being moved from {from} to {to} ({phase}, move {id}): \
                 lxp move status {institution}"
            ),
        )),
    }
}

async fn locked(connection: &mut PgConnection, id: Uuid) -> Result<Plan, Error> {
    if !plans::lock(connection, id).await? {
        return Err(Error::not_found("plan", &id));
    }
    let plan = plans::find(connection, id).await?;
    plan.ok_or_else(|| Error::Corrupt("a plan that vanished".to_owned()))
}

/// Refuses what is not any more as it was planned, naming the institutions.
async fn still_as_planned(connection: &mut PgConnection, plan: &Plan) -> Result<(), Error> {
    for to in plan.moves.iter().map(|planned| &planned.to).collect::<BTreeSet<_>>() {
        let target = shards::find(connection, to).await?;
        is_active(to, target.map(|shard| shard.state))?;
    }
    if let [planned] = &plan.moves[..] {
        no_move_under_way(connection, planned.institution).await?;
    }
    let changed = queue::changed(connection, plan.id, None, i64::MAX).await?;
    if changed.is_empty() {
        return Ok(());
    }
    let named = changed.iter().take(NAMED_MAX).map(|(id, how)| format!("institution {id} {how}"));
    let named = named.collect::<Vec<_>>().join("; ");
    let more = match changed.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Err(Error::conflict("plan-outdated", format!("{named}{more}: make a new plan")))
}

/// It left the ring a moment ago; nobody may wait to leave a shard that was put back meanwhile.
async fn still_draining(connection: &mut PgConnection, shard: &ShardId) -> Result<(), Error> {
    let found = shards::find(connection, shard).await?;
    if found.is_some_and(|found| found.state == ShardState::Draining) {
        return Ok(());
    }
    let detail = format!("shard `{shard}` was put back into the ring meanwhile: make a new plan");
    Err(Error::conflict("plan-outdated", detail))
}

/// Begins a move. Answers what is to be told of it.
async fn begin(
    connection: &mut PgConnection,
    requested_by: &str,
    plan: Uuid,
    row: &PlannedRow,
) -> Result<Note, Error> {
    let PlannedMove { institution, from, to, rows, .. } = &row.shown;
    let id = Uuid::now_v7();
    let new = NewMove {
        id,
        plan,
        institution: *institution,
        from,
        to,
        epoch: row.epoch,
        rows: *rows,
        requested_by,
    };
    if !moves::insert(connection, &new).await? {
        let detail = format!("institution {institution} is being moved already");
        return Err(Error::conflict("move-under-way", detail));
    }
    let detail = json!({"institution": institution, "from": from, "to": to, "plan": plan});
    Ok(Note::event("move.requested", &id, detail))
}

/// Gives up the moves of a plan that are not committed; refused where none is left.
async fn give_up(connection: &mut PgConnection, actor: &Actor, plan: &Plan) -> Result<(), Error> {
    let why = format!("its plan was cancelled by {}", actor.name);
    let mut any = false;
    for id in plan.moves.iter().filter_map(|planned| planned.move_id) {
        any |= moves::cancel(connection, id, &why).await?;
    }
    if any {
        return Ok(());
    }
    Err(Error::conflict(
        "move-committed",
        "all its moves are committed and go on to their end; going back is another move",
    ))
}

fn cancelled() -> Error {
    Error::conflict("plan-cancelled", "it was cancelled: make a new one")
}
