//! Plans: proposed. What is known is read as one snapshot, the planner decides, the plan is written and shown.
//!
//! What must stay true: nothing moves by a proposal, and nothing is refused but what cannot be.

use std::collections::BTreeMap;

use control_api::{Hours, NewPlan, Plan, PlannedMove};
use futures::future::join_all;
use serde_json::json;
use service_kit::problem::FieldProblem;
use shard_map::{InstitutionId, InstitutionStatus, PlanKind, ShardId, ShardState};
use sqlx::Connection;
use uuid::Uuid;

use super::Platform;
use super::plans::{is_active, no_move_under_way};
use crate::error::Error;
use crate::plan::{Aim, Solution, solve};
use crate::shard_db::TenantSize;
use crate::store::directory::{self, DirectoryRow};
use crate::store::journal::{self, Actor, Note};
use crate::store::map_head;
use crate::store::plans::{self, NewRow, PlannedRow};
use crate::store::shards::{self, ShardRow};
use crate::store::{pins, world};

/// Why something moves that somebody asked to be moved.
const ASKED_FOR: &str = "asked for";
/// Moves of one plan: more than anybody reads, few enough for one answer.
const MOVES_MAX: usize = 1_000;

impl Platform {
    /// Makes a plan. Nothing moves before it is applied.
    pub async fn propose(&self, actor: &Actor, new: &NewPlan) -> Result<Plan, Error> {
        match new {
            NewPlan::Move { institution, to } => self.propose_move(actor, *institution, to).await,
            NewPlan::Rebalance { window } => {
                self.propose_many(actor, Aim::Rebalance, *window).await
            }
            NewPlan::Drain { shard, window } => {
                self.may_drain(shard).await?;
                self.propose_many(actor, Aim::Drain(shard.clone()), *window).await
            }
        }
    }

    async fn propose_move(
        &self,
        actor: &Actor,
        institution: InstitutionId,
        to: &ShardId,
    ) -> Result<Plan, Error> {
        let mut connection = self.pool.acquire().await?;
        // Read first: whatever changes from now on is later than the plan says.
        let head = map_head::head(&mut connection).await?;
        let row = directory::find(&mut connection, institution).await?;
        let row = row.ok_or_else(|| Error::not_found("institution", &institution))?;
        let target = shards::find(&mut connection, to).await?;
        let target = target.ok_or_else(|| Error::not_found("shard", to))?;
        may_move(&row, &target)?;
        no_move_under_way(&mut connection, institution).await?;
        drop(connection);
        let (from, epoch) = (row.institution.shard, row.institution.epoch);
        let reason = ASKED_FOR.to_owned();
        let shown = planned(institution, from, to.clone(), reason);
        let mut moves = [PlannedRow { shown, epoch, is_waiting: false }];
        self.measure(&mut moves).await?;
        let [PlannedRow { shown, .. }] = &moves;
        let detail =
            json!({"institution": institution, "from": shown.from, "to": to, "epoch": epoch});
        let plan = NewRow {
            id: Uuid::now_v7(),
            kind: PlanKind::Move,
            shard: None,
            window: None,
            placement_version: head.placement_version,
            created_by: &actor.name,
            notes: &[],
            moves: &moves,
        };
        self.write(actor, &plan, detail).await
    }

    async fn propose_many(
        &self,
        actor: &Actor,
        aim: Aim,
        window: Option<Hours>,
    ) -> Result<Plan, Error> {
        if window.is_some_and(|hours| !hours.is_valid()) {
            let allowed = "two hours of the day, 0 to 23, that differ";
            return Err(Error::Invalid(vec![FieldProblem::new("/window", "window", allowed)]));
        }
        let mut connection = self.pool.acquire().await?;
        let mut tx =
            connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let head = map_head::head(&mut tx).await?;
        let (world, epochs) = world::read(&mut tx).await?;
        tx.rollback().await?;
        drop(connection);
        let asked = aim.clone();
        let solution = tokio::task::spawn_blocking(move || solve(&world, &asked, MOVES_MAX))
            .await
            .map_err(|error| Error::Corrupt(format!("what cannot be planned: {error}")))?;
        let notes = notes(&solution);
        let rows = solution.steps.into_iter().map(|step| {
            let epoch = epochs.get(&step.institution).copied();
            let epoch = epoch.ok_or_else(|| Error::Corrupt("no epoch".to_owned()))?;
            let shown = planned(step.institution, step.from, step.to, step.why.to_string());
            Ok(PlannedRow { shown, epoch, is_waiting: false })
        });
        let mut moves = rows.collect::<Result<Vec<_>, Error>>()?;
        self.measure(&mut moves).await?;
        let (kind, shard) = match &aim {
            Aim::Rebalance => (PlanKind::Rebalance, None),
            Aim::Drain(shard) => (PlanKind::Drain, Some(shard)),
        };
        let detail = json!({"kind": kind, "shard": shard, "moves": moves.len()});
        let plan = NewRow {
            id: Uuid::now_v7(),
            kind,
            shard,
            window,
            placement_version: head.placement_version,
            created_by: &actor.name,
            notes: &notes,
            moves: &moves,
        };
        self.write(actor, &plan, detail).await
    }

    async fn write(
        &self,
        actor: &Actor,
        plan: &NewRow<'_>,
        detail: serde_json::Value,
    ) -> Result<Plan, Error> {
        let notes = [
            Note::audit("plan.propose", &plan.id, detail.clone()),
            Note::event("plan.proposed", &plan.id, detail),
        ];
        let mut tx = self.pool.begin().await?;
        plans::insert(&mut tx, plan).await?;
        journal::write(&mut tx, actor, &notes).await?;
        tx.commit().await?;
        self.plan(plan.id).await
    }

    /// How much is to be moved, asked of all sources at once; what one does not say in time stays unknown. Nothing
    /// depends on it.
    async fn measure(&self, moves: &mut [PlannedRow]) -> Result<(), Error> {
        let mut of_each: BTreeMap<ShardId, Vec<InstitutionId>> = BTreeMap::new();
        for PlannedRow { shown, .. } in moves.iter() {
            of_each.entry(shown.from.clone()).or_default().push(shown.institution);
        }
        let mut connection = self.pool.acquire().await?;
        let all = shards::all(&mut connection).await?;
        drop(connection);
        let asked = all.iter().filter_map(|shard| Some((shard, of_each.get(&shard.id)?)));
        let answers = join_all(asked.map(|(shard, ids)| self.sizes(shard, ids))).await;
        let sizes: BTreeMap<InstitutionId, TenantSize> = answers.into_iter().flatten().collect();
        for PlannedRow { shown, .. } in moves {
            let size = sizes.get(&shown.institution);
            (shown.rows, shown.bytes) = (size.map(|size| size.rows), size.map(|size| size.bytes));
        }
        Ok(())
    }

    async fn sizes(
        &self,
        source: &ShardRow,
        institutions: &[InstitutionId],
    ) -> BTreeMap<InstitutionId, TenantSize> {
        let sizes = self.shards.sizes(&source.id, &source.primary, institutions).await;
        sizes.unwrap_or_else(|error| {
            tracing::warn!(shard.id = %source.id, error = %error, "A plan does not say how much is to be moved");
            BTreeMap::new()
        })
    }

    /// Refuses to drain what cannot be.
    async fn may_drain(&self, id: &ShardId) -> Result<(), Error> {
        let mut connection = self.pool.acquire().await?;
        let shard = shards::find(&mut connection, id).await?;
        let shard = shard.ok_or_else(|| Error::not_found("shard", id))?;
        if shard.state == ShardState::Joining {
            let detail =
                format!("shard `{id}` has not joined the ring yet: it has nothing to drain");
            return Err(Error::conflict("shard-joining", detail));
        }
        nobody_pinned(id, &pins::on(&mut connection, id).await?)
    }
}

/// Refuses to take a shard away from those who are pinned to it.
pub(super) fn nobody_pinned(
    shard: &ShardId,
    pinned: &[(InstitutionId, String)],
) -> Result<(), Error> {
    let Some((_, first)) = pinned.first() else { return Ok(()) };
    let slugs: Vec<&str> = pinned.iter().take(5).map(|(_, slug)| slug.as_str()).collect();
    let more = match pinned.len() - slugs.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let detail = format!(
        "pinned to `{shard}`: {}{more}. Let go of them first: lxp institution unpin {first}",
        slugs.join(", ")
    );
    Err(Error::conflict("institutions-pinned", detail))
}

fn planned(institution: InstitutionId, from: ShardId, to: ShardId, reason: String) -> PlannedMove {
    PlannedMove {
        institution,
        from,
        to,
        reason,
        rows: None,
        bytes: None,
        move_id: None,
        phase: None,
        skipped: None,
    }
}

/// What the planner could not bring about.
fn notes(solution: &Solution) -> Vec<String> {
    let mut full: BTreeMap<&ShardId, usize> = BTreeMap::new();
    for (_, shard) in &solution.no_room {
        *full.entry(shard).or_default() += 1;
    }
    let stay = full.iter().map(|(shard, count)| {
        format!("{count} more belong on {shard}, which is full: raise its capacity, or add a shard")
    });
    let more = (solution.more > 0)
        .then(|| format!("{} more would move: plan again when this has ended", solution.more));
    stay.chain(more).collect()
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
    if let Some(pin) = institution.pinned.as_ref().filter(|pin| **pin != target.id) {
        let slug = &institution.slug;
        let detail = format!(
            "institution `{slug}` is pinned to `{pin}`: lxp institution pin {slug} --to {}, or unpin it",
            target.id
        );
        return Err(Error::conflict("institution-pinned", detail));
    }
    is_active(&target.id, Some(target.state))
}
