//! Plans and moves that are paused, resumed or cancelled: what is not committed is given up, and nothing else.

use control_plane::store::moves;
use shard_map::{MovePhase, PlanState};
use uuid::Uuid;

use super::{advance, applied, is_refused, planned, school, two_shards};
use crate::support::{Sandbox, sandbox};

/// The mover's question.
async fn due(sandbox: &Sandbox) -> Vec<Uuid> {
    let mut connection = sandbox.pool().acquire().await.expect("a connection");
    moves::due(&mut connection, 10).await.expect("an answer")
}

#[tokio::test]
async fn of_a_paused_plan_no_move_begins_until_it_is_resumed() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (north, south) = (school(&sandbox, "north").await, school(&sandbox, "south").await);
        let proposed = planned(&sandbox, south.id).await;
        is_refused(sandbox.ops().pause_plan(proposed.id).await, (409, "plan-not-applied"));
        let (plan, it) = applied(&sandbox, north.id).await;
        assert_eq!(due(&sandbox).await, [it.id]);
        for _ in 0..2 {
            let paused = sandbox.ops().pause_plan(plan.id).await.expect("paused");
            assert_eq!(paused.state, PlanState::Paused);
        }
        assert!(due(&sandbox).await.is_empty());
        assert_eq!(
            sandbox.ops().apply_plan(plan.id).await.expect("harmless").state,
            PlanState::Paused
        );
        for _ in 0..2 {
            let resumed = sandbox.ops().resume_plan(plan.id).await.expect("resumed");
            assert_eq!(resumed.state, PlanState::Running);
        }
        assert_eq!(due(&sandbox).await, [it.id]);
        // What has begun goes on.
        advance(&sandbox, it.id, MovePhase::Preflight, MovePhase::Copying).await;
        sandbox.ops().pause_plan(plan.id).await.expect("paused");
        assert_eq!(due(&sandbox).await, [it.id]);
        advance(&sandbox, it.id, MovePhase::Copying, MovePhase::Done).await;
        assert_eq!(sandbox.ops().plan(plan.id).await.expect("shown").state, PlanState::Done);
        is_refused(sandbox.ops().resume_plan(plan.id).await, (409, "plan-done"));
        is_refused(sandbox.ops().cancel_plan(plan.id).await, (409, "plan-done"));
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_plan_gives_up_what_is_not_committed() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (north, south) = (school(&sandbox, "north").await, school(&sandbox, "south").await);
        let proposed = planned(&sandbox, north.id).await;
        for _ in 0..2 {
            let cancelled = sandbox.ops().cancel_plan(proposed.id).await.expect("cancelled");
            assert_eq!(cancelled.state, PlanState::Cancelled);
        }
        is_refused(sandbox.ops().apply_plan(proposed.id).await, (409, "plan-cancelled"));
        is_refused(sandbox.ops().resume_plan(proposed.id).await, (409, "plan-cancelled"));

        let (plan, it) = applied(&sandbox, north.id).await;
        sandbox.ops().pause_plan(plan.id).await.expect("paused");
        sandbox.ops().cancel_plan(plan.id).await.expect("cancelled");
        let it = sandbox.ops().one_move(it.id).await.expect("the move");
        assert!(it.cancel_reason.is_some_and(|why| why.contains("test-platform-ops")));
        assert_eq!(due(&sandbox).await, [it.id]);

        let (plan, it) = applied(&sandbox, south.id).await;
        advance(&sandbox, it.id, MovePhase::Preflight, MovePhase::Cleaning).await;
        is_refused(sandbox.ops().cancel_plan(plan.id).await, (409, "move-committed"));
        assert_eq!(sandbox.ops().plan(plan.id).await.expect("shown").state, PlanState::Running);
    })
    .await;
}

#[tokio::test]
async fn a_move_is_cancelled_once_and_only_before_its_commit() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (north, south) = (school(&sandbox, "north").await, school(&sandbox, "south").await);
        let (_, it) = applied(&sandbox, north.id).await;
        for _ in 0..2 {
            let cancelled = sandbox.ops().cancel_move(it.id).await.expect("cancelled");
            assert_eq!(cancelled.cancel_reason.as_deref(), Some("cancelled by test-platform-ops"));
        }
        advance(&sandbox, it.id, MovePhase::Preflight, MovePhase::Aborted).await;
        let ended = sandbox.ops().cancel_move(it.id).await.expect("harmless");
        assert_eq!(ended.phase, MovePhase::Aborted);
        let audit = sandbox.ops().audit(0, 200).await.expect("the audit").items;
        let asked = audit.iter().filter(|entry| entry.action == "move.cancel");
        assert_eq!(asked.map(|entry| &*entry.target).collect::<Vec<_>>(), [it.id.to_string()]);

        let (_, it) = applied(&sandbox, south.id).await;
        advance(&sandbox, it.id, MovePhase::Preflight, MovePhase::Cleaning).await;
        is_refused(sandbox.ops().cancel_move(it.id).await, (409, "move-committed"));
        advance(&sandbox, it.id, MovePhase::Cleaning, MovePhase::Done).await;
        is_refused(sandbox.ops().cancel_move(it.id).await, (409, "move-committed"));
    })
    .await;
}
