//! Plans of many moves, pins, drained shards. No mover runs here: what begins stays where it begins.

use std::collections::BTreeSet;

use control_api::{
    Hours, Institution, MoveQuery, NewPlan, Pin, Plan, PlannedMove, ShardChange, ShardRemoval,
};
use control_plane::operation::plans::begin_due;
use control_plane::store::leader;
use shard_map::{InstitutionId, MovePhase, PlanKind, PlanState, ShardMap, ShardState};

use uuid::Uuid;

use crate::plans::{
    active, advance, is_refused, refused, school_with_id as school, sql, two_shards,
};
use crate::support::{Sandbox, new_institution, sandbox, shard_id};

pub(crate) const KEEP: ShardRemoval = ShardRemoval { database_is_lost: false };
pub(crate) const REBALANCE: NewPlan = NewPlan::Rebalance { window: None };

pub(crate) fn drain(shard: &str) -> NewPlan {
    NewPlan::Drain { shard: shard_id(shard), window: None }
}

/// Two shards, with everybody on the first. Answers those that belong on the second: every other one.
pub(crate) async fn lopsided(sandbox: &Sandbox, count: usize) -> Vec<Institution> {
    two_shards(sandbox).await;
    let map = sandbox.ops().map_snapshot().await.expect("the map");
    let map = ShardMap::from_snapshot(map).expect("a map");
    let mut belong = vec![];
    for number in 0..count {
        let owner = shard_id(["shard-a", "shard-b"][number % 2]);
        let mut some = std::iter::repeat_with(|| InstitutionId::new(Uuid::now_v7()));
        let id = some.find(|id| map.ring().owner(*id) == Some(&owner));
        let made = school(sandbox, id, &format!("i-{number:02}")).await;
        belong.extend((owner.as_str() == "shard-b").then_some(made));
    }
    belong
}

pub(crate) async fn propose(sandbox: &Sandbox, new: &NewPlan) -> Plan {
    sandbox.ops().propose(new).await.expect("proposed")
}

pub(crate) async fn apply(sandbox: &Sandbox, new: &NewPlan) -> Plan {
    let plan = propose(sandbox, new).await;
    sandbox.ops().apply_plan(plan.id).await.expect("applied")
}

async fn shown(sandbox: &Sandbox, plan: &Plan) -> Plan {
    sandbox.ops().plan(plan.id).await.expect("shown")
}

pub(crate) fn who(plan: &Plan) -> BTreeSet<InstitutionId> {
    plan.moves.iter().map(|planned| planned.institution).collect()
}

/// Takes the lead. Answers its term.
async fn term(sandbox: &Sandbox) -> i64 {
    sql(sandbox, "UPDATE leader SET expires_at = clock_timestamp()".to_owned()).await;
    let mut connection = sandbox.pool().acquire().await.expect("a connection");
    leader::take(&mut connection, "test", 600.0).await.expect("an answer").expect("the lead")
}

/// The leader looks once. Answers the moves that have begun by now.
async fn look(sandbox: &Sandbox, plan: &Plan, term: i64) -> Vec<PlannedMove> {
    begin_due(&sandbox.platform, term).await.expect("looked");
    let begun = shown(sandbox, plan).await.moves.into_iter();
    begun.filter(|planned| planned.move_id.is_some()).collect()
}

#[tokio::test]
async fn a_rebalancing_is_what_the_ring_asks_for_with_pins_before_it() {
    sandbox(async |sandbox| {
        let belong = lopsided(&sandbox, 14).await;
        let ids: BTreeSet<_> = belong.iter().map(|one| one.id).collect();
        let plan = propose(&sandbox, &REBALANCE).await;
        assert_eq!((plan.kind, plan.state), (PlanKind::Rebalance, PlanState::Proposed));
        assert_eq!(who(&plan), ids);
        assert!(ids.len() > 2, "{ids:?}");
        for planned in &plan.moves {
            assert_eq!((&planned.from, &planned.to), (&shard_id("shard-a"), &shard_id("shard-b")));
            assert_eq!(planned.reason, "the ring gives it to shard-b");
            assert!(planned.rows.is_some_and(|rows| rows > 0), "{planned:?}");
        }
        let shown = sandbox.ops().shard(&shard_id("shard-b")).await.expect("the shard");
        assert_eq!(usize::try_from(shown.arriving).ok(), Some(ids.len()));
        assert_eq!(shown.next.as_deref(), Some("lxp rebalance plan"));
        // One stays by its pin, one that belongs where it is goes by its pin.
        let stays = belong[0].id;
        sandbox.ops().pin_institution(stays, &Pin::default()).await.expect("pinned");
        let page = sandbox.ops().institutions(&control_api::InstitutionQuery::default()).await;
        let page = page.expect("listed").items;
        let goes = page.iter().find(|one| !ids.contains(&one.id)).expect("one").id;
        let there = Pin { shard: Some(shard_id("shard-b")), alone: false };
        let pinned = sandbox.ops().pin_institution(goes, &there).await.expect("pinned");
        assert_eq!((&pinned.shard, &pinned.pinned), (&shard_id("shard-a"), &there.shard));
        let plan = propose(&sandbox, &REBALANCE).await;
        let expected: BTreeSet<_> =
            ids.iter().copied().filter(|id| *id != stays).chain([goes]).collect();
        assert_eq!(who(&plan), expected);
        assert_eq!(
            (plan.moves[0].institution, &*plan.moves[0].reason),
            (goes, "pinned to shard-b")
        );
        sandbox.ops().unpin_institution(stays).await.expect("unpinned");
        sandbox.ops().unpin_institution(goes).await.expect("unpinned");
        assert_eq!(who(&propose(&sandbox, &REBALANCE).await), ids);
        assert!(sandbox.ops().moves(&MoveQuery::default()).await.expect("listed").items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn moves_begin_in_order_so_many_at_once_and_a_pause_and_a_cancel_begin_none() {
    sandbox(async |sandbox| {
        lopsided(&sandbox, 24).await;
        let (term, plan) = (term(&sandbox).await, apply(&sandbox, &REBALANCE).await);
        let all = i64::try_from(plan.moves.len()).expect("a count");
        assert_eq!((plan.state, plan.progress.waiting), (PlanState::Running, all));
        assert!(all > 7, "{all}");
        assert_eq!(sandbox.ops().apply_plan(plan.id).await.expect("again").progress.waiting, all);
        for _ in 0..2 {
            assert_eq!(look(&sandbox, &plan, term).await.len(), 4, "of one shard");
        }
        let begun = look(&sandbox, &plan, term).await;
        let first: Vec<_> = plan.moves.iter().take(4).map(|planned| planned.institution).collect();
        assert_eq!(begun.iter().map(|planned| planned.institution).collect::<Vec<_>>(), first);
        let ids: Vec<_> = begun.iter().map(|planned| planned.move_id.expect("a move")).collect();
        // What an earlier plan has under way, or has still to begin, no other one plans.
        assert_eq!(propose(&sandbox, &REBALANCE).await.moves, vec![]);
        sandbox.ops().pause_plan(plan.id).await.expect("paused");
        advance(&sandbox, ids[0], MovePhase::Preflight, MovePhase::Done).await;
        assert_eq!(look(&sandbox, &plan, term).await.len(), 4);
        sandbox.ops().resume_plan(plan.id).await.expect("resumed");
        assert_eq!(look(&sandbox, &plan, term - 1).await.len(), 4, "by a leader of before");
        assert_eq!(look(&sandbox, &plan, term).await.len(), 5);
        // One that fails stops no other.
        advance(&sandbox, ids[1], MovePhase::Preflight, MovePhase::Aborted).await;
        assert_eq!(look(&sandbox, &plan, term).await.len(), 6);
        let now = shown(&sandbox, &plan).await;
        assert_eq!((now.progress.done, now.progress.aborted, now.progress.moving), (1, 1, 4));
        assert!(now.eta_seconds.is_some());
        let now = sandbox.ops().cancel_plan(plan.id).await.expect("cancelled");
        assert_eq!((now.state, now.progress.skipped), (PlanState::Cancelled, all - 6));
        advance(&sandbox, ids[2], MovePhase::Preflight, MovePhase::Done).await;
        assert_eq!(look(&sandbox, &plan, term).await.len(), 6);
        let other = sandbox.ops().one_move(ids[3]).await.expect("the move");
        assert_eq!(other.cancel_reason, None, "what has begun arrives");
    })
    .await;
}

#[tokio::test]
async fn a_plan_is_refused_naming_those_that_have_changed_since() {
    sandbox(async |sandbox| {
        let belong = lopsided(&sandbox, 12).await;
        let plan = propose(&sandbox, &REBALANCE).await;
        let id = belong[1].id;
        sql(&sandbox, format!("UPDATE institutions SET epoch = 4 WHERE id = '{id}'")).await;
        let (status, code, detail) = refused(sandbox.ops().apply_plan(plan.id).await);
        assert_eq!((status, &*code), (409, "plan-outdated"));
        let names = |id: InstitutionId| detail.contains(&id.to_string());
        assert!(names(id) && !names(belong[0].id) && detail.contains("epoch 4"), "{detail}");
        assert_eq!(shown(&sandbox, &plan).await.state, PlanState::Proposed);
        // A pin since then is a change, too.
        let plan = propose(&sandbox, &REBALANCE).await;
        sandbox.ops().pin_institution(id, &Pin::default()).await.expect("pinned");
        let (_, code, detail) = refused(sandbox.ops().apply_plan(plan.id).await);
        assert!(code == "plan-outdated" && detail.contains("pinned to shard-a now"), "{detail}");
        sandbox.ops().unpin_institution(id).await.expect("unpinned");
        // And another plan that has it.
        sandbox.ops().apply_plan(plan.id).await.expect("as it was planned");
        let single = NewPlan::Move { institution: id, to: shard_id("shard-b") };
        let single = propose(&sandbox, &single).await;
        is_refused(sandbox.ops().apply_plan(single.id).await, (409, "plan-outdated"));
    })
    .await;
}

#[tokio::test]
async fn what_changes_after_a_plan_was_applied_is_left_out_and_stops_nobody() {
    sandbox(async |sandbox| {
        let belong = lopsided(&sandbox, 8).await;
        let (term, plan) = (term(&sandbox).await, apply(&sandbox, &REBALANCE).await);
        let id = plan.moves[0].institution;
        sql(&sandbox, format!("UPDATE institutions SET epoch = 4 WHERE id = '{id}'")).await;
        let begun = look(&sandbox, &plan, term).await;
        assert!(!begun.is_empty() && begun.iter().all(|planned| planned.institution != id));
        let now = shown(&sandbox, &plan).await;
        let why = now.moves[0].skipped.as_deref().unwrap_or_default();
        assert!(why.contains("epoch 4") && now.progress.skipped == 1, "{now:?}");
        let mut left = belong.len() - 1;
        while left > 0 {
            for planned in look(&sandbox, &plan, term).await {
                if planned.phase == Some(MovePhase::Preflight) {
                    let id = planned.move_id.expect("a move");
                    advance(&sandbox, id, MovePhase::Preflight, MovePhase::Done).await;
                    left -= 1;
                }
            }
        }
        assert_eq!(shown(&sandbox, &plan).await.state, PlanState::Done);
    })
    .await;
}

#[tokio::test]
async fn moves_begin_in_the_plans_hours_alone() {
    sandbox(async |sandbox| {
        lopsided(&sandbox, 8).await;
        let term = term(&sandbox).await;
        let now: i32 = sqlx::query_scalar(
            "SELECT extract(hour FROM clock_timestamp() AT TIME ZONE 'UTC')::integer",
        )
        .fetch_one(sandbox.pool())
        .await
        .expect("an hour");
        let hour = |later: i32| u8::try_from((now + later) % 24).expect("an hour");
        let window = Some(Hours { from: hour(2), to: hour(22) });
        let plan = apply(&sandbox, &NewPlan::Rebalance { window }).await;
        assert_eq!(plan.window, window);
        assert!(look(&sandbox, &plan, term).await.is_empty());
        let open = format!("UPDATE plans SET window_from = {now} WHERE id = '{}'", plan.id);
        sql(&sandbox, open).await;
        assert!(!look(&sandbox, &plan, term).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_drained_shard_gets_nobody_and_is_removed_only_when_it_is_empty() {
    sandbox(async |sandbox| {
        let belong = lopsided(&sandbox, 6).await;
        let a = shard_id("shard-a");
        let state = async || sandbox.ops().shard(&a).await.expect("the shard").state;
        is_refused(sandbox.ops().remove_shard(&a, KEEP).await, (409, "shard-not-draining"));
        sandbox.ops().pin_institution(belong[0].id, &Pin::default()).await.expect("pinned");
        let (_, code, detail) = refused(sandbox.ops().propose(&drain("shard-a")).await);
        assert_eq!(code, "institutions-pinned");
        assert!(detail.contains(&format!("unpin {}", belong[0].slug)), "{detail}");
        is_refused(sandbox.ops().drain_shard(&a).await, (409, "institutions-pinned"));
        sandbox.ops().unpin_institution(belong[0].id).await.expect("unpinned");
        let plan = propose(&sandbox, &drain("shard-a")).await;
        assert_eq!(
            (plan.kind, plan.shard.as_ref(), plan.moves.len()),
            (PlanKind::Drain, Some(&a), 6)
        );
        assert!(plan.moves.iter().all(|planned| planned.reason == "shard-a is drained"));
        assert_eq!(state().await, ShardState::Active, "a proposal changes nothing");
        let plan = sandbox.ops().apply_plan(plan.id).await.expect("applied");
        assert_eq!((state().await, plan.progress.waiting), (ShardState::Draining, 6));
        for number in 0..8 {
            let made = sandbox.institution(&format!("later-{number}")).await;
            assert_eq!(made.shard, shard_id("shard-b"));
        }
        let new =
            control_api::NewInstitution { shard: Some(a.clone()), ..new_institution("there") };
        is_refused(sandbox.ops().create_institution(&new).await, (409, "shard-not-active"));
        let there = Pin { shard: Some(a.clone()), alone: false };
        is_refused(
            sandbox.ops().pin_institution(belong[0].id, &there).await,
            (409, "shard-not-active"),
        );
        is_refused(sandbox.ops().drain_shard(&shard_id("shard-b")).await, (409, "last-shard"));
        is_refused(sandbox.ops().remove_shard(&a, KEEP).await, (409, "moves-waiting"));
        let term = term(&sandbox).await;
        look(&sandbox, &plan, term).await;
        sandbox.ops().cancel_plan(plan.id).await.expect("cancelled");
        is_refused(sandbox.ops().remove_shard(&a, KEEP).await, (409, "moves-under-way"));
        sql(&sandbox, "UPDATE moves SET phase = 'aborted', finished_at = now()".to_owned()).await;
        let (_, code, detail) = refused(sandbox.ops().remove_shard(&a, KEEP).await);
        assert!(
            code == "shard-not-empty" && detail.contains("lxp shard drain shard-a"),
            "{detail}"
        );
        // The directory alone says that they have gone: their rows are there still.
        sql(&sandbox, "UPDATE institutions SET shard_id = 'shard-b'".to_owned()).await;
        let (_, code, detail) = refused(sandbox.ops().remove_shard(&a, KEEP).await);
        assert!(code == "shard-holds-rows" && detail.contains("ownership"), "{detail}");
    })
    .await;
}

#[tokio::test]
async fn an_empty_shard_is_drained_and_removed_with_its_nodes() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        active(&sandbox, "shard-c").await;
        sandbox.register_node("shard-c-1", "shard-c").await;
        let c = shard_id("shard-c");
        let plan = apply(&sandbox, &drain("shard-c")).await;
        assert_eq!((plan.state, plan.moves.len()), (PlanState::Done, 0));
        assert_eq!(sandbox.ops().remove_shard(&c, KEEP).await.expect("removed").id, c);
        is_refused(sandbox.ops().remove_shard(&c, KEEP).await, (404, "shard-unknown"));
        let map = sandbox.ops().map_snapshot().await.expect("the map");
        assert!(map.shards.iter().all(|shard| shard.id != c), "{map:?}");
        assert!(map.nodes.iter().all(|node| node.shard != c), "{map:?}");
        ShardMap::from_snapshot(map).expect("it is what it says");
        assert_eq!(shown(&sandbox, &plan).await.shard, Some(c), "the journal knows it still");
    })
    .await;
}

#[tokio::test]
async fn who_is_isolated_has_a_shard_for_itself_and_nobody_is_sent_to_a_full_one() {
    sandbox(async |sandbox| {
        let belong = lopsided(&sandbox, 10).await;
        active(&sandbox, "shard-c").await;
        let (hot, c) = (belong[0].id, shard_id("shard-c"));
        let alone = Pin { shard: Some(c.clone()), alone: true };
        for _ in 0..2 {
            sandbox.ops().pin_institution(hot, &alone).await.expect("isolated");
        }
        let plan = propose(&sandbox, &REBALANCE).await;
        let to_c: Vec<_> = plan.moves.iter().filter(|planned| planned.to == c).collect();
        assert_eq!(to_c.iter().map(|planned| planned.institution).collect::<Vec<_>>(), [hot]);
        is_refused(
            sandbox.ops().pin_institution(belong[1].id, &alone).await,
            (409, "institutions-pinned"),
        );
        let full = ShardChange { capacity: Some(2), ..ShardChange::default() };
        let b = shard_id("shard-b");
        sandbox.ops().change_shard(&b, &full).await.expect("changed");
        let plan = propose(&sandbox, &REBALANCE).await;
        assert_eq!(plan.moves.iter().filter(|planned| planned.to == b).count(), 2);
        let more = format!("{} more belong on shard-b, which is full", belong.len() - 3);
        assert!(plan.notes.iter().any(|note| note.starts_with(&more)), "{:?}", plan.notes);
        assert_eq!(sandbox.ops().shard(&b).await.expect("the shard").capacity, Some(2));
        let open = ShardChange { capacity: Some(0), ..ShardChange::default() };
        assert_eq!(sandbox.ops().change_shard(&b, &open).await.expect("changed").capacity, None);
    })
    .await;
}
