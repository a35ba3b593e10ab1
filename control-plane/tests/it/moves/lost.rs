//! Databases that are gone for good while a move has only to clean up there: it ends without them, once somebody says so.

use control_api::ShardRemoval;
use control_plane::store::moves;
use shard_map::MovePhase;
use sqlx::{AssertSqlSafe, Executor as _};
use uuid::Uuid;

use super::gate::Gate;
use super::stage::Stage;
use super::writers::INSERT;
use crate::plans::is_refused;
use crate::rebalance::KEEP;
use crate::support::{eventually, sandbox, shard_id};

const LOST: ShardRemoval = ShardRemoval { database_is_lost: true };

/// Nobody answers at the shard's address from now on.
async fn lose(stage: &Stage, shard: &str) {
    let away = "postgres://nobody@127.0.0.1:1/none";
    let away = format!("UPDATE shards SET primary_dsn = '{away}' WHERE id = '{shard}'");
    stage.sandbox.pool().execute(AssertSqlSafe(away)).await.expect("lost");
}

/// The move hangs on the shard; removing that ends the move, then removes the shard.
async fn remove(stage: &Stage, shard: &str, id: Uuid, (hangs, ends): (MovePhase, MovePhase)) {
    let (ops, shard) = (stage.sandbox.ops(), shard_id(shard));
    stage.until_failed(id, &format!("{shard}: ")).await;
    ops.drain_shard(&shard).await.expect("drained");
    is_refused(ops.remove_shard(&shard, KEEP).await, (409, "moves-under-way"));
    assert_eq!(stage.row(id).await.shown.phase, hangs);
    is_refused(ops.remove_shard(&shard, LOST).await, (409, "moves-under-way"));
    stage.until(id, ends).await;
    assert_eq!(ops.remove_shard(&shard, LOST).await.expect("removed").id, shard);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_committed_move_ends_without_a_source_that_is_lost() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        let (leading, _) = stage.lead();
        let active = "NEW.state = 'active' AND NEW.epoch = 3";
        let gate = Gate::refusing(stage.pool("shard-b"), "UPDATE ON ownership", active).await;
        let id = stage.begin("shard-b").await;
        stage.until_failed(id, "the gate is shut").await;
        stage.kill(leading).await;
        lose(&stage, "shard-a").await;
        let (_leading, _) = stage.lead();
        gate.open().await;
        remove(&stage, "shard-a", id, (MovePhase::Cleaning, MovePhase::Done)).await;
        assert_eq!(stage.ownership("shard-b").await, Some(Stage::owned("active", 3, "shard-b")));
        assert!(stage.write(INSERT, Uuid::now_v7()).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_is_given_up_without_a_target_that_is_lost() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        let (leading, _) = stage.lead();
        let first = "NEW.round = 1";
        let mut gate = Gate::holding(stage.pool("shard-b"), "UPDATE ON move_imports", first).await;
        let id = stage.begin("shard-b").await;
        gate.reached().await;
        stage.kill(leading).await;
        lose(&stage, "shard-b").await;
        let mut connection = sandbox.pool().acquire().await.expect("a connection");
        assert!(moves::cancel(&mut connection, id, "a test").await.expect("asked"));
        drop(connection);
        let (_leading, _) = stage.lead();
        eventually("it is served again", async || stage.write(INSERT, Uuid::now_v7()).await).await;
        remove(&stage, "shard-b", id, (MovePhase::Aborting, MovePhase::Aborted)).await;
        assert_eq!(stage.ownership("shard-a").await, Some(Stage::owned("active", 4, "shard-a")));
        gate.open().await;
    })
    .await;
}
