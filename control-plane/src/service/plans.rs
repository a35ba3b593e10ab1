//! Plans: proposed, applied, paused, resumed, cancelled.
//!
//! What must stay true: a plan is applied only while each of its institutions is where it was when it was made, at
//! the same epoch; all of its moves begin, or none; asking twice does no harm.
//!
//! Left alone on purpose: what becomes of a move once it has begun (`operation`).

use control_api::{Move, NewPlan, Plan, PlannedMove};
use serde_json::json;
use shard_map::{Epoch, InstitutionId, InstitutionStatus, PlanState, ShardId, ShardState};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Platform;
use crate::error::Error;
use crate::shard_db::TenantSize;
use crate::store::directory::{self, DirectoryRow};
use crate::store::journal::{self, Actor, Note};
use crate::store::map_head::{self, MapTx};
use crate::store::moves::{self, NewMove};
use crate::store::plans::{self, PlannedRow};
use crate::store::shards::{self, ShardRow};

/// Why something moves that somebody asked to be moved.
const ASKED_FOR: &str = "asked for";

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
    /// Makes a plan. Nothing moves before it is applied.
    pub async fn propose(&self, actor: &Actor, new: &NewPlan) -> Result<Plan, Error> {
        let NewPlan::Move { institution, to } = new;
        let mut connection = self.pool.acquire().await?;
        // Read first: whatever changes from now on is later than the plan says.
        let head = map_head::head(&mut connection).await?;
        let row = directory::find(&mut connection, *institution).await?;
        let row = row.ok_or_else(|| Error::not_found("institution", institution))?;
        let target = shards::find(&mut connection, to).await?;
        let target = target.ok_or_else(|| Error::not_found("shard", to))?;
        may_move(&row, &target)?;
        no_move_under_way(&mut connection, *institution).await?;
        let from = &row.institution.shard;
        let source = shards::find(&mut connection, from).await?;
        let source = source.ok_or_else(|| Error::Corrupt(format!("no shard `{from}`")))?;
        drop(connection);
        let size = self.size(&source, *institution).await;
        let planned = PlannedRow {
            shown: PlannedMove {
                institution: *institution,
                from: source.id,
                to: to.clone(),
                reason: ASKED_FOR.to_owned(),
                rows: size.map(|size| size.rows),
                bytes: size.map(|size| size.bytes),
                move_id: None,
            },
            epoch: row.institution.epoch,
        };
        let id = Uuid::now_v7();
        let detail = json!({
            "institution": institution, "from": planned.shown.from, "to": to, "epoch": planned.epoch,
        });
        let notes = [
            Note::audit("plan.propose", &id, detail.clone()),
            Note::event("plan.proposed", &id, detail),
        ];
        let mut tx = self.pool.begin().await?;
        plans::insert(&mut tx, id, head.placement_version, &actor.name, &[planned]).await?;
        journal::write(&mut tx, actor, &notes).await?;
        tx.commit().await?;
        self.plan(id).await
    }

    /// Begins a plan's moves, all of them or none.
    pub async fn apply_plan(&self, actor: &Actor, id: Uuid) -> Result<Plan, Error> {
        // Under the map's head, so that neither directory nor ring changes between the checks and the commit.
        let mut tx = MapTx::open(&self.pool).await?;
        let plan = locked(tx.connection(), id).await?;
        match plan.state {
            PlanState::Proposed => {}
            PlanState::Running | PlanState::Paused | PlanState::Done => return Ok(plan),
            PlanState::Cancelled => return Err(cancelled()),
        }
        let planned = plans::planned(tx.connection(), id).await?;
        let detail = json!({"moves": planned.len()});
        let mut notes = vec![
            Note::audit("plan.apply", &id, detail.clone()),
            Note::event("plan.applied", &id, detail),
        ];
        for row in &planned {
            still_as_planned(tx.connection(), row).await?;
            notes.push(begin(tx.connection(), actor, id, row).await?);
        }
        plans::set_state(tx.connection(), id, PlanState::Running).await?;
        tx.commit_unpublished(actor, &notes).await?;
        self.wake.notify_waiters();
        self.plan(id).await
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
            give_up(&mut tx, actor, &plan).await?;
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

    /// How much is to be moved; none where the source does not say. Nothing depends on it.
    async fn size(&self, source: &ShardRow, institution: InstitutionId) -> Option<TenantSize> {
        let size = self.shards.size(&source.id, &source.primary, institution).await;
        size.inspect_err(|error| {
            tracing::warn!(shard.id = %source.id, error = %error, "A plan does not say how much is to be moved");
        })
        .ok()
    }
}

/// Refuses a move that its institution and its target do not allow.
fn may_move(row: &DirectoryRow, target: &ShardRow) -> Result<(), Error> {
    let institution = &row.institution;
    if institution.status == InstitutionStatus::Creating {
        return Err(Error::conflict(
            "institution-creating",
            format!(
                "institution `{}` is still being created on {}",
                institution.slug, institution.shard
            ),
        ));
    }
    if institution.shard == target.id {
        return Err(Error::conflict(
            "already-there",
            format!("institution `{}` is on shard `{}` already", institution.slug, target.id),
        ));
    }
    is_active(&target.id, target.state)
}

fn is_active(shard: &ShardId, state: ShardState) -> Result<(), Error> {
    if state == ShardState::Active {
        return Ok(());
    }
    let detail = format!("shard `{shard}` is {state}; only an active one takes institutions");
    Err(Error::conflict("shard-not-active", detail))
}

async fn no_move_under_way(
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

/// Refuses what is not any more as it was planned.
async fn still_as_planned(connection: &mut PgConnection, row: &PlannedRow) -> Result<(), Error> {
    let PlannedMove { institution, from, to, .. } = &row.shown;
    let now = directory::find(connection, *institution).await?;
    let now =
        now.ok_or_else(|| Error::Corrupt(format!("no institution {institution}")))?.institution;
    if (&now.shard, now.epoch) != (from, row.epoch) {
        return Err(outdated(*institution, (from, row.epoch), (&now.shard, now.epoch)));
    }
    let target = shards::find(connection, to).await?;
    let target = target.ok_or_else(|| Error::Corrupt(format!("no shard `{to}`")))?;
    is_active(to, target.state)?;
    no_move_under_way(connection, *institution).await
}

fn outdated(
    institution: InstitutionId,
    (from, planned): (&ShardId, Epoch),
    (shard, epoch): (&ShardId, Epoch),
) -> Error {
    Error::conflict(
        "plan-outdated",
        format!(
            "institution {institution} was on {from} at epoch {planned} when this was planned, and is on {shard} at \
             epoch {epoch} now: make a new plan"
        ),
    )
}

/// Begins a move. Answers what is to be told of it.
async fn begin(
    connection: &mut PgConnection,
    actor: &Actor,
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
        requested_by: &actor.name,
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
