//! A plan as it is applied: each move begins once, or none where what it was made for has changed.

use control_api::MoveQuery;
use futures::future::join_all;
use shard_map::{Epoch, MovePhase, PlanState};

use super::{is_refused, planned, refused, school, sql, two_shards};
use crate::support::{sandbox, shard_id};

#[tokio::test]
async fn applying_begins_each_move_once_however_often_it_is_asked() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let north = school(&sandbox, "north").await;
        let plan = planned(&sandbox, north.id).await;
        let ops = sandbox.ops();
        let all = join_all((0..5).map(|_| ops.apply_plan(plan.id))).await;
        let again = ops.apply_plan(plan.id).await.expect("again");
        assert_eq!(again.state, PlanState::Running);
        assert!(all.into_iter().all(|answer| answer.expect("applied") == again));
        let moves = ops.moves(&MoveQuery::default()).await.expect("listed").items;
        let [it] = &moves[..] else { panic!("one move: {moves:?}") };
        assert_eq!((Some(it.id), Some(plan.id)), (again.moves[0].move_id, it.plan));
        assert_eq!((it.phase, it.epochs.fence), (MovePhase::Preflight, Epoch(2)));
        assert_eq!((&it.from, &it.to), (&north.shard, &shard_id("shard-b")));
        assert_eq!((Some(it.rows), &*it.requested_by), (plan.moves[0].rows, "test-platform-ops"));
        let audit = ops.audit(0, 200).await.expect("the audit").items;
        let of_plans: Vec<_> =
            audit.iter().filter(|entry| entry.target == plan.id.to_string()).collect();
        let actions: Vec<_> =
            of_plans.iter().map(|entry| (&*entry.actor, &*entry.action)).collect();
        let who = "test-platform-ops";
        assert_eq!(actions, [(who, "plan.propose"), (who, "plan.apply")]);
        let events = ops.events(0, 200).await.expect("events").items;
        assert!(
            events
                .iter()
                .any(|event| event.kind == "move.requested" && event.subject == it.id.to_string())
        );
    })
    .await;
}

#[tokio::test]
async fn a_plan_is_refused_when_what_it_was_made_for_has_changed() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (north, south) = (school(&sandbox, "north").await, school(&sandbox, "south").await);
        let plan = planned(&sandbox, north.id).await;
        let draining =
            |state: &str| format!("UPDATE shards SET state = '{state}' WHERE id = 'shard-b'");
        sql(&sandbox, draining("draining")).await;
        is_refused(sandbox.ops().apply_plan(plan.id).await, (409, "shard-not-active"));
        sql(&sandbox, draining("active")).await;
        // It was away and is back: the same shard at another epoch.
        sql(&sandbox, format!("UPDATE institutions SET epoch = 4 WHERE id = '{}'", north.id)).await;
        let (status, code, detail) = refused(sandbox.ops().apply_plan(plan.id).await);
        assert_eq!((status, &*code), (409, "plan-outdated"));
        assert!(detail.contains(&north.id.to_string()) && detail.contains("epoch 4"), "{detail}");
        let elsewhere = format!(
            "UPDATE institutions SET epoch = 1, shard_id = 'shard-b' WHERE id = '{}'",
            north.id
        );
        sql(&sandbox, elsewhere).await;
        is_refused(sandbox.ops().apply_plan(plan.id).await, (409, "plan-outdated"));
        let (first, second) =
            (planned(&sandbox, south.id).await, planned(&sandbox, south.id).await);
        sandbox.ops().apply_plan(first.id).await.expect("applied");
        is_refused(sandbox.ops().apply_plan(second.id).await, (409, "move-under-way"));
        // A change of others is none of theirs.
        let moves = sandbox.ops().moves(&MoveQuery::default()).await.expect("listed").items;
        assert_eq!(moves.iter().map(|it| it.institution).collect::<Vec<_>>(), [south.id]);
        assert_eq!(sandbox.ops().plan(plan.id).await.expect("shown").state, PlanState::Proposed);
    })
    .await;
}
