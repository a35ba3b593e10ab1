//! What may happen when nobody is served: a failover, silence, a commit of which nobody knows, transactions that do not
//! leave.

use std::sync::Arc;
use std::time::Duration;

use shard_map::MovePhase;
use sqlx::{AssertSqlSafe, Executor as _};
use uuid::Uuid;

use super::gate::Gate;
use super::stage::Stage;
use super::writers::{INSERT, Writers, enter_and_run};
use crate::support::{eventually, sandbox, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_has_not_what_was_committed_is_copied_again() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let (_leading, _) = stage.lead();
        let writers = Writers::start(&stage);
        // A standby that had not the last round was promoted: first without its checkpoint; then with it, and with rows
        // missing all the same.
        for (to, epoch, lost) in [("shard-b", 3, true), ("shard-a", 5, false)] {
            let active = format!("NEW.state = 'active' AND NEW.epoch = {epoch}");
            let gate = Gate::refusing(stage.pool(to), "UPDATE ON ownership", &active).await;
            let id = stage.begin(to).await;
            stage.until_failed(id, "the gate is shut").await;
            assert!(
                !stage.write(INSERT, Uuid::new_v4()).await,
                "served by two, or by one too early"
            );
            fail_over(&stage, id, to, lost).await;
            gate.open().await;
            stage.expect_done(id, to, epoch).await;
        }
        let ledger = writers.end().await;
        assert_eq!(stage.courses("shard-a").await, ledger);
    })
    .await;
}

/// The target is not what was committed to: it is a round behind, or another primary; and rows are missing.
async fn fail_over(stage: &Stage, id: Uuid, shard: &str, checkpoint_is_lost: bool) {
    let mut target = stage.as_mover(shard).await;
    if checkpoint_is_lost {
        target.execute("UPDATE move_imports SET round = round - 1").await.expect("a round back");
    } else {
        sqlx::query("UPDATE moves SET target_identity = '1/00000001' WHERE id = $1")
            .bind(id)
            .execute(stage.sandbox.pool())
            .await
            .expect("another primary");
    }
    let lost = "DELETE FROM courses WHERE ctid IN (SELECT ctid FROM courses LIMIT 5)";
    assert!(target.execute(lost).await.expect("lost").rows_affected() > 0);
}

/// A mover's connection falls silent right after a change of an ownership row. The move goes on without it.
async fn falls_silent(shard: &str, when: &str, says: &str) {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let (_leading, _) = stage.lead();
        let writers = Writers::start(&stage);
        let mut gate = Gate::holding(stage.pool(shard), "UPDATE ON ownership", when).await;
        let id = stage.begin("shard-b").await;
        gate.reached().await;
        stage.until_failed(id, says).await;
        gate.open().await;
        stage.expect_done(id, "shard-b", 3).await;
        let ledger = writers.end().await;
        assert_eq!(stage.courses("shard-b").await, ledger);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_when_capture_begins_is_short() {
    falls_silent("shard-a", "NEW.capture AND NOT OLD.capture", "the capture took too long").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_under_the_fence_is_short() {
    falls_silent("shard-a", "NEW.state = 'fenced'", "the fence took too long").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_of_the_activation_is_short() {
    falls_silent("shard-b", "NEW.state = 'active'", "the activation took too long").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_when_the_source_lets_go_is_short() {
    falls_silent("shard-a", "NEW.state = 'moved'", "letting go took too long").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_in_the_last_round_gives_the_move_up_and_silence_then_is_short() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let (_leading, _) = stage.lead();
        let writers = Writers::start(&stage);
        let (source, target) = (stage.pool("shard-a"), stage.pool("shard-b"));
        let fenced = "NEW.state = 'fenced' AND OLD.state <> 'fenced'";
        let mut fence = Gate::holding(source, "UPDATE ON ownership", fenced).await;
        let taken_back = "NEW.state = 'active' AND OLD.state = 'fenced'";
        let mut back = Gate::holding(source, "UPDATE ON ownership", taken_back).await;
        let id = stage.begin("shard-b").await;
        fence.reached().await;
        let mut last_round = Gate::holding(target, "UPDATE ON move_imports", "true").await;
        fence.open().await;
        last_round.reached().await;
        stage.until_failed(id, "the last round took too long").await;
        back.reached().await;
        stage.until_failed(id, "taking it back took too long").await;
        back.open().await;
        eventually("it is served again", async || stage.write(INSERT, Uuid::nil()).await).await;
        last_round.open().await;
        let why = stage.expect_aborted(id, 1).await;
        assert!(why.contains("nobody was served for"), "{why}");
        let mut ledger = writers.end().await;
        ledger.insert(Uuid::nil(), "new".to_owned());
        assert_eq!(stage.courses("shard-a").await, ledger);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_that_meets_a_commit_of_unknown_outcome_waits_for_it() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let (_leading, _) = stage.lead();
        let writers = Writers::start(&stage);
        let committed = "NEW.phase = 'cleaning' AND OLD.phase = 'cutover'";
        for (wins, from, to) in [(true, "shard-a", "shard-b"), (false, "shard-b", "shard-a")] {
            let event = "UPDATE ON moves";
            let mut commit = Gate::holding_commit(sandbox.pool(), event, committed).await;
            let id = stage.begin(to).await;
            commit.reached().await;
            // Each try of it waits for a second.
            let minute = Duration::from_mins(1);
            within(minute, "an abort", async || aborts_wait(&stage, from).await).await;
            if !wins {
                commit.end_waiting().await;
            }
            commit.open().await;
            if wins {
                stage.expect_done(id, "shard-b", 3).await;
            } else {
                stage.until(id, MovePhase::Aborted).await;
                let home = Some(Stage::owned("active", 6, "shard-b"));
                assert_eq!(stage.ownership("shard-b").await, home);
                let was = Some(Stage::owned("moved", 3, "shard-b"));
                assert_eq!(stage.ownership("shard-a").await, was);
                assert_eq!(stage.residue("shard-a").await, Vec::<String>::new());
            }
        }
        let ledger = writers.end().await;
        assert_eq!(stage.courses("shard-b").await, ledger);
    })
    .await;
}

/// Nobody is served for longer than a mover waits for, and somebody waits for the map's head, which the commit holds.
async fn aborts_wait(stage: &Stage, source: &str) -> bool {
    let fenced: Option<bool> = sqlx::query_scalar(
        "SELECT clock_timestamp() - updated_at > '6 s' FROM ownership WHERE institution_id = $1 AND state = 'fenced'",
    )
    .bind(stage.institution.as_uuid())
    .fetch_optional(stage.pool(source))
    .await
    .expect("a row");
    let waiting: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
             AND wait_event_type = 'Lock' AND query LIKE '%map_head FOR UPDATE%')",
    )
    .fetch_one(stage.sandbox.pool())
    .await
    .expect("an answer");
    fenced == Some(true) && waiting
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_do_not_leave_are_cut_off_and_nothing_of_them_stays() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let (_leading, _) = stage.lead();
        let writers = Writers::start(&stage);
        let id = stage.begin("shard-b").await;
        stage.until_past(id, MovePhase::Copying).await;
        let mut idle = stage.pool("shard-a").acquire().await.expect("a connection").detach();
        let enter = format!(
            "BEGIN; SET LOCAL ROLE lxp_app; SELECT tenant_enter('{0}');
             INSERT INTO courses (institution_id, id, code, title) VALUES ('{0}', '{1}', 'idle', 'idle')",
            stage.institution,
            Uuid::new_v4()
        );
        idle.execute(AssertSqlSafe(enter)).await.expect("inside");
        let running = "INSERT INTO courses (institution_id, id, code, title)
                       SELECT $1, $2, 'running', 'running' FROM pg_sleep(60)";
        let institution = stage.institution;
        let pool = stage.pool("shard-a").clone();
        let running = tokio::spawn(async move {
            enter_and_run(&pool, institution, running, Uuid::new_v4()).await
        });
        stage.expect_done(id, "shard-b", 3).await;
        assert!(idle.execute("COMMIT").await.is_err(), "what was cut off is not committed");
        assert!(!running.await.expect("a client"), "what was cut off is not acknowledged");
        let ledger = writers.end().await;
        assert_eq!(stage.courses("shard-b").await, ledger);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_commits_is_not_cut_off_but_the_move_given_up() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let (_leading, _) = stage.lead();
        let source = stage.pool("shard-a");
        let is_slow = "NEW.title = 'slow'";
        let mut commit = Gate::holding_commit(source, "INSERT ON courses", is_slow).await;
        let id = stage.begin("shard-b").await;
        stage.until_past(id, MovePhase::Copying).await;
        let slow =
            "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, $2, 'slow', 'slow')";
        let (pool, institution, course) = (source.clone(), stage.institution, Uuid::new_v4());
        let slow =
            tokio::spawn(async move { enter_and_run(&pool, institution, slow, course).await });
        commit.reached().await;
        // Of ten fences the last two are waited for here.
        sqlx::query("UPDATE moves SET cutover_tries = 8 WHERE id = $1")
            .bind(id)
            .execute(sandbox.pool())
            .await
            .expect("tries");
        stage.until_past(id, MovePhase::Aborting).await;
        eventually("it is served again", async || stage.write(INSERT, Uuid::nil()).await).await;
        assert!(!slow.is_finished(), "a COMMIT was cut off");
        commit.open().await;
        assert!(slow.await.expect("a client"));
        let why = stage.expect_aborted(id, 1).await;
        assert!(why.contains("leave no gap for the fence"), "{why}");
        let there: Vec<_> = stage.courses("shard-a").await.into_keys().collect();
        assert_eq!(there, [Uuid::nil(), course]);
    })
    .await;
}
