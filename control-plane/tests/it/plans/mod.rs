//! Plans and moves as operators ask for them. No reconciler runs here, so no move goes on by itself.

mod apply;
mod cancel;
mod lists;
mod propose;

use control_api::{Dsn, Institution, Move, NewInstitution, NewPlan, Plan};
use control_plane::service::ring::RingEdit;
use control_plane::shard_db::migrate;
use control_plane::store::journal::Actor;
use control_plane::store::moves;
use shard_map::{InstitutionId, InstitutionStatus, MovePhase};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::support::{Sandbox, eventually, new_institution, shard_id};

/// Two shards that are active. Answers the first one's database.
pub(crate) async fn two_shards(sandbox: &Sandbox) -> Dsn {
    let first = active(sandbox, "shard-a").await;
    active(sandbox, "shard-b").await;
    first
}

pub(crate) async fn active(sandbox: &Sandbox, id: &str) -> Dsn {
    let new = sandbox.new_shard(id).await;
    sandbox.ops().add_shard(&new).await.expect("added");
    let dsn = new.postgres.primary;
    // On a busy machine its database may not answer at once.
    eventually("the migrations", async || migrate(&dsn).await.is_ok()).await;
    let (edit, actor) = (RingEdit::Activate, Actor::reconciler());
    sandbox.platform.change_ring(&new.id, edit, &actor, &[]).await.expect("active");
    dsn
}

/// An institution on the first shard.
async fn school(sandbox: &Sandbox, slug: &str) -> Institution {
    school_with_id(sandbox, None, slug).await
}

pub(crate) async fn school_with_id(
    sandbox: &Sandbox,
    id: Option<InstitutionId>,
    slug: &str,
) -> Institution {
    let new = NewInstitution { id, shard: Some(shard_id("shard-a")), ..new_institution(slug) };
    let made = sandbox.ops().create_institution(&new).await.expect("created");
    eventually("its shard to have it", async || {
        let again = sandbox.ops().create_institution(&new).await.expect("created");
        again.status == InstitutionStatus::Active
    })
    .await;
    made
}

fn to(institution: InstitutionId, shard: &str) -> NewPlan {
    NewPlan::Move { institution, to: shard_id(shard) }
}

async fn planned(sandbox: &Sandbox, institution: InstitutionId) -> Plan {
    sandbox.ops().propose(&to(institution, "shard-b")).await.expect("proposed")
}

/// A plan that was applied, and its move.
async fn applied(sandbox: &Sandbox, institution: InstitutionId) -> (Plan, Move) {
    let plan = planned(sandbox, institution).await;
    let plan = sandbox.ops().apply_plan(plan.id).await.expect("applied");
    let id = plan.moves[0].move_id.expect("a move");
    (plan, sandbox.ops().one_move(id).await.expect("the move"))
}

pub(crate) async fn advance(sandbox: &Sandbox, id: Uuid, from: MovePhase, to: MovePhase) {
    let mut connection = sandbox.pool().acquire().await.expect("a connection");
    assert!(moves::advance(&mut connection, id, from, to).await.expect("written"));
}

pub(crate) async fn sql(sandbox: &Sandbox, statement: String) {
    sqlx::query(AssertSqlSafe(statement)).execute(sandbox.pool()).await.expect("written");
}

pub(crate) fn refused<T: std::fmt::Debug>(
    answer: Result<T, control_api::ClientError>,
) -> (u16, String, String) {
    let error = answer.expect_err("refused");
    let refusal = error.refusal().expect("a refusal").clone();
    (refusal.status, refusal.code, refusal.detail.unwrap_or_default())
}

#[track_caller]
pub(crate) fn is_refused<T: std::fmt::Debug>(
    answer: Result<T, control_api::ClientError>,
    code: (u16, &str),
) {
    let (status, word, _) = refused(answer);
    assert_eq!((status, &*word), code);
}
