//! Moves and migrations keep apart.

use std::sync::Arc;

use control_plane::shard_db::{migrate, newest_migration};
use shard_map::MovePhase;
use sqlx::Executor as _;

use super::gate::Gate;
use super::stage::Stage;
use super::writers::Writers;
use crate::support::sandbox;

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_started_in_mid_move_waits_for_its_end() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let (_leading, _) = stage.lead();
        let writers = Writers::start(&stage);
        let mut gate =
            Gate::holding(stage.pool("shard-b"), "UPDATE ON move_imports", "NEW.round = 1").await;
        let id = stage.begin("shard-b").await;
        gate.reached().await;
        for shard in ["shard-a", "shard-b"] {
            forget_newest(&stage, shard, true).await;
            let refused = migrate(stage.dsn(shard)).await.expect_err("moving").to_string();
            assert!(refused.contains("1 institutions are moving to or from it"), "{refused}");
            forget_newest(&stage, shard, false).await;
        }
        gate.open().await;
        stage.expect_done(id, "shard-b", 3).await;
        for shard in ["shard-a", "shard-b"] {
            assert_eq!(migrate(stage.dsn(shard)).await.expect("migrated"), newest_migration());
        }
        let ledger = writers.end().await;
        assert_eq!(stage.courses("shard-b").await, ledger);
    })
    .await;
}

/// A database that lacks the newest migration, as far as its list of them says; or has it after all.
async fn forget_newest(stage: &Stage, shard: &str, forget: bool) {
    sqlx::query("UPDATE _sqlx_migrations SET success = NOT $2 WHERE version = $1")
        .bind(newest_migration())
        .bind(forget)
        .execute(stage.pool(shard))
        .await
        .expect("the list of migrations");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_does_not_begin_in_the_middle_of_a_migration() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        let (_leading, _) = stage.lead();
        for (shard, to, epoch) in [("shard-b", "shard-b", 3), ("shard-b", "shard-a", 5)] {
            // As `migrate` does.
            let mut migrating = stage.pool(shard).acquire().await.expect("a connection").detach();
            let alone = "SELECT pg_advisory_lock(hashtextextended('lxp.schema', 0))";
            migrating.execute(alone).await.expect("locked");
            let id = stage.begin(to).await;
            stage.until_failed(id, "lock timeout").await;
            assert_eq!(stage.row(id).await.shown.phase, MovePhase::Preflight);
            drop(migrating);
            stage.expect_done(id, to, epoch).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_changed_by_other_means_ends_the_move_when_it_is_taken_up_again() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        let (leading, _) = stage.lead();
        let mut gate =
            Gate::holding(stage.pool("shard-b"), "UPDATE ON move_imports", "NEW.round = 1").await;
        let id = stage.begin("shard-b").await;
        gate.reached().await;
        stage.kill(leading).await;
        let by_hand = "ALTER TABLE courses ADD COLUMN more text";
        stage.pool("shard-a").execute(by_hand).await.expect("altered");
        gate.open().await;
        let (_leading, _) = stage.lead();
        let why = stage.expect_aborted(id, 1).await;
        assert!(why.contains("have different schemas"), "{why}");
    })
    .await;
}
