//! Shards that are drained: the way back into the ring, and the way out where a database is lost.

use control_api::ShardRemoval;
use shard_map::{PlanState, ShardState};

use crate::placement::check_every_version;
use crate::plans::{active, is_refused, sql, two_shards};
use crate::rebalance::{KEEP, REBALANCE, apply, drain, lopsided, propose, who};
use crate::support::{sandbox, shard_id};

#[tokio::test]
async fn a_drained_shard_comes_back_into_the_ring_once_nobody_waits_to_leave_it() {
    sandbox(async |sandbox| {
        let belong = lopsided(&sandbox, 6).await;
        let (a, ops) = (shard_id("shard-a"), sandbox.ops());
        let before = ops.map_snapshot().await.expect("the map");
        let plan = apply(&sandbox, &drain("shard-a")).await;
        assert_eq!((plan.state, plan.progress.waiting), (PlanState::Running, 6));
        is_refused(ops.undrain_shard(&a).await, (409, "moves-waiting"));
        ops.cancel_plan(plan.id).await.expect("cancelled");
        for _ in 0..2 {
            let shown =
                ops.undrain_shard(&a).await.expect("in the ring, and asking twice does no harm");
            assert_eq!((shown.state, shown.institutions), (ShardState::Active, 6));
        }
        let after = ops.map_snapshot().await.expect("the map");
        assert_eq!((after.shards, after.exceptions), (before.shards, before.exceptions));
        let plan = propose(&sandbox, &REBALANCE).await;
        assert_eq!(who(&plan), belong.iter().map(|one| one.id).collect());
        check_every_version(&sandbox).await;
    })
    .await;
}

#[tokio::test]
async fn a_shard_whose_database_is_lost_is_removed_by_saying_so_and_one_that_answers_must_be_empty()
{
    sandbox(async |sandbox| {
        let lost = ShardRemoval { database_is_lost: true };
        two_shards(&sandbox).await;
        active(&sandbox, "shard-c").await;
        let (b, c, ops) = (shard_id("shard-b"), shard_id("shard-c"), sandbox.ops());
        is_refused(ops.remove_shard(&c, lost).await, (409, "shard-not-draining"));
        ops.drain_shard(&c).await.expect("drained");
        // A server that refuses is there.
        let stranger = "UPDATE shards SET primary_dsn = regexp_replace(primary_dsn, '//[^@]*@', '//nobody:wrong@')
                        WHERE id = 'shard-c'";
        sql(&sandbox, stranger.to_owned()).await;
        is_refused(ops.remove_shard(&c, lost).await, (503, "shard-unreachable"));
        let gone = "UPDATE shards SET primary_dsn = 'postgres://nobody@127.0.0.1:1/none' WHERE id = 'shard-c'";
        sql(&sandbox, gone.to_owned()).await;
        is_refused(ops.remove_shard(&c, KEEP).await, (503, "shard-unreachable"));
        assert_eq!(ops.remove_shard(&c, lost).await.expect("removed").id, c);
        is_refused(ops.shard(&c).await, (404, "shard-unknown"));
        // The other one answers: what it holds counts.
        let mut new = crate::support::new_institution("there");
        new.shard = Some(b.clone());
        ops.create_institution(&new).await.expect("created");
        ops.drain_shard(&b).await.expect("drained");
        is_refused(ops.remove_shard(&b, lost).await, (409, "shard-not-empty"));
        sql(&sandbox, "UPDATE institutions SET shard_id = 'shard-a'".to_owned()).await;
        is_refused(ops.remove_shard(&b, lost).await, (409, "shard-holds-rows"));
    })
    .await;
}

#[tokio::test]
async fn one_that_never_joined_does_not_enter_the_ring_by_draining_it_and_back_and_is_removed_as_it_is()
 {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (c, ops) = (shard_id("shard-c"), sandbox.ops());
        let new = sandbox.new_shard("shard-c").await;
        ops.add_shard(&new).await.expect("added");
        ops.drain_shard(&c).await.expect("drained");
        let shown = ops.undrain_shard(&c).await.expect("as it was");
        assert_eq!(shown.state, ShardState::Joining);
        check_every_version(&sandbox).await;
        assert_eq!(ops.remove_shard(&c, KEEP).await.expect("removed").id, c);
        is_refused(ops.shard(&c).await, (404, "shard-unknown"));
    })
    .await;
}
