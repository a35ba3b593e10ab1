//! Moves between two real databases, while clients write: whatever happens to the mover, nothing is lost and
//! nothing is left behind.

mod cutover;
mod gate;
mod jobs;
mod lost;
#[cfg(feature = "failpoints")]
mod planted;
mod rounds;
mod schema;
mod stage;
mod statistics;
mod writers;

use std::sync::Arc;
use std::time::Duration;

use control_plane::store::moves;
use shard_map::MovePhase;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::task::AbortHandle;
use uuid::Uuid;

use self::stage::{SHARDS, Stage};
use self::writers::Writers;
use crate::support::{eventually, sandbox, shard_id};

#[tokio::test(flavor = "multi_thread")]
async fn an_institution_moves_to_and_fro_while_clients_write() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let (_leading, _) = stage.lead();
        let writers = Writers::start(&stage);
        let mut epoch = 1;
        for to in ["shard-b", "shard-a", "shard-b"] {
            let id = stage.begin(to).await;
            epoch += 2;
            stage.expect_done(id, to, epoch).await;
            let row = stage.row(id).await;
            assert!(row.shown.pause_ms.is_some_and(|ms| ms > 0.0), "{row:?}");
            let map = sandbox.platform.feed.fresh().await;
            assert_eq!(map.map().route(stage.institution), Some(&shard_id(to)));
        }
        let ledger = writers.end().await;
        assert!(ledger.len() > 50, "{}", ledger.len());
        assert_eq!(stage.courses("shard-b").await, ledger);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mover_that_dies_again_and_again_brings_it_to_an_end() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let killed = kill_again_and_again(&stage);
        let writers = Writers::start(&stage);
        for to in ["shard-b", "shard-a"] {
            let id = stage.begin(to).await;
            stage.until(id, MovePhase::Done).await;
            let other = SHARDS[usize::from(to == "shard-a")];
            assert_eq!(stage.residue(other).await, Vec::<String>::new());
        }
        killed.abort();
        let ledger = writers.end().await;
        assert_eq!(stage.courses("shard-a").await, ledger);
        assert_eq!(stage.ownership("shard-b").await, Some(Stage::owned("moved", 5, "shard-a")));
    })
    .await;
}

/// Leaders one after the other, each dropped in the middle of whatever it does; the next one does not wait for the
/// lease. They live longer from turn to turn: on a machine that is busy two seconds may be too short for any step.
fn kill_again_and_again(stage: &Arc<Stage>) -> AbortHandle {
    let stage = stage.clone();
    let killing = async move {
        let lives_ms = [40_u32, 300, 900, 150, 2_000, 600, 1_300, 80];
        for (lives_ms, turn) in lives_ms.into_iter().cycle().zip(8_u32..) {
            let (leading, _) = stage.lead();
            let lives = Duration::from_millis(u64::from(lives_ms + 100)) * (turn / 8);
            tokio::time::sleep(lives).await;
            stage.kill(leading).await;
        }
    };
    tokio::spawn(killing).abort_handle()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_cancelled_leaves_everything_as_it_was() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let (_leading, _) = stage.lead();
        let writers = Writers::start(&stage);
        for (round, at) in [MovePhase::Preflight, MovePhase::Closing].into_iter().enumerate() {
            let id = stage.begin("shard-b").await;
            stage.until_past(id, at).await;
            let mut connection = sandbox.pool().acquire().await.expect("a connection");
            assert!(moves::cancel(&mut connection, id, "a test").await.expect("asked"));
            drop(connection);
            let epoch = 1 + 3 * (i64::try_from(round).expect("small") + 1);
            assert_eq!(stage.expect_aborted(id, epoch - 3).await, "a test");
            assert_eq!(stage.ownership("shard-b").await, None);
            let there = sandbox.ops().institution(stage.institution).await.expect("shown");
            assert_eq!(there.institution.epoch.0, epoch);
        }
        let ledger = writers.end().await;
        assert_eq!(stage.courses("shard-a").await, ledger);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_and_another_takes_over() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        let (first, _) = stage.lead();
        let (_second, _) = stage.lead();
        let term = async || -> i64 {
            sqlx::query_scalar("SELECT term FROM leader WHERE expires_at > clock_timestamp()")
                .fetch_optional(sandbox.pool())
                .await
                .expect("an answer")
                .unwrap_or(0)
        };
        eventually("a leader", async || term().await == 1).await;
        first.abort();
        let _ = first.await;
        let id = stage.begin("shard-b").await;
        stage.until(id, MovePhase::Done).await;
        assert!(term().await >= 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_former_leader_sends_late_is_refused() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        let (leading, _) = stage.lead();
        let id = stage.begin("shard-b").await;
        stage.until_past(id, MovePhase::Closing).await;
        let late = async |shard: &str, statement: &str| -> String {
            let mut connection = stage.as_mover(shard).await;
            let error =
                connection.execute(AssertSqlSafe(statement.to_owned())).await.expect_err("late");
            error.as_database_error().and_then(DatabaseError::code).expect("a code").to_string()
        };
        let institution = stage.institution;
        let enter = |term: i64, of: Uuid, states: &str| {
            format!("SELECT move_enter('{institution}', '{of}', {term}, '{states}')")
        };
        assert_eq!(late("shard-b", &enter(0, id, "{importing}")).await, "LX005");
        assert_eq!(late("shard-b", &enter(1, Uuid::nil(), "{importing}")).await, "LX006");
        assert_eq!(late("shard-b", &enter(1, id, "{moved}")).await, "LX006");
        let round = format!("SELECT move_round('{id}', 1, NULL, NULL, true, 0)");
        assert_eq!(late("shard-b", &round).await, "LX007");
        stage.until(id, MovePhase::Done).await;
        // All is over: neither a round nor a deletion comes through, nor a move's second begin.
        assert_eq!(late("shard-b", &enter(1, id, "{importing,active}")).await, "LX006");
        assert_eq!(late("shard-a", &enter(1, id, "{moved}")).await, "LX006");
        let again = format!("SELECT move_import('{institution}', '{id}', 1, 1, 'shard-a')");
        assert_eq!(late("shard-b", &again).await, "LX006");
        drop(leading);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_rows_of_it_is_refused() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        sqlx::query(
            "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, $2, 'old', 'old')",
        )
        .bind(stage.institution.as_uuid())
        .bind(Uuid::now_v7())
        .execute(&mut *stage.as_mover("shard-b").await)
        .await
        .expect("residue");
        let (_leading, _) = stage.lead();
        let id = stage.begin("shard-b").await;
        stage.until(id, MovePhase::Aborted).await;
        let why = stage.row(id).await.shown.cancel_reason.expect("a reason");
        assert!(why.contains("shard-b") && why.contains("courses"), "{why}");
        assert_eq!(stage.ownership("shard-a").await, Some(Stage::owned("active", 4, "shard-a")));
        assert_eq!(
            stage.courses("shard-b").await.len(),
            1,
            "what was not the move's is left alone"
        );
    })
    .await;
}
