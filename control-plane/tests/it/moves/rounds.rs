//! Rounds of a copy, and what changes between them: rows that change hands, a round that arrives late, a copy that does
//! not catch up.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Executor as _};
use uuid::Uuid;

use super::gate::Gate;
use super::stage::Stage;
use super::writers::Writers;
use crate::support::sandbox;

/// More than one chunk of them.
const ROWS: i32 = 21_000;

/// Between two chunks, of which the first ends at about row 20,000. `{n}` is the id of row n. Each line is a
/// transaction of its own.
const CHANGES: &[&str] = &[
    // A code changes hands: from the copied range to what is not yet copied, and the other way round.
    "DELETE FROM courses WHERE institution_id = $1 AND id = {1}",
    "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, {30001}, 'c1', 'heir')",
    "DELETE FROM courses WHERE institution_id = $1 AND id = {20900}",
    "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, {0.5}, 'c20900', 'heir')",
    // Its holder only lets go of it, as one who drops a class and enrols again.
    "UPDATE courses SET code = 'former' WHERE institution_id = $1 AND id = {8}",
    "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, {30002}, 'c8', 'again')",
    // Two rows exchange theirs.
    "UPDATE courses SET code = 'x' WHERE institution_id = $1 AND id = {3}",
    "UPDATE courses SET code = 'c3' WHERE institution_id = $1 AND id = {4}",
    "UPDATE courses SET code = 'c4' WHERE institution_id = $1 AND id = {3}",
    // A row is deleted and made again: with another content, in both ranges; one comes and goes.
    "DELETE FROM courses WHERE institution_id = $1 AND id = {2}",
    "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, {2}, 'c2', 'again')",
    "DELETE FROM courses WHERE institution_id = $1 AND id = {20600}",
    "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, {20600}, 'c20600', 'again')",
    "INSERT INTO courses (institution_id, id, code, title) VALUES ($1, {5.5}, 'brief', 'brief')",
    "DELETE FROM courses WHERE institution_id = $1 AND id = {5.5}",
    // A row changes its key; another one's is taken by a third.
    "UPDATE courses SET id = {7.5} WHERE institution_id = $1 AND id = {7}",
    "UPDATE courses SET id = {6.5} WHERE institution_id = $1 AND id = {6}",
    "UPDATE courses SET id = {6} WHERE institution_id = $1 AND id = {20700}",
];

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_codes_change_hands_between_two_chunks() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        stage.fill("shard-a", ROWS).await;
        let (_leading, _) = stage.lead();
        let first = "NEW.round = 1";
        let mut gate = Gate::holding(stage.pool("shard-b"), "UPDATE ON move_imports", first).await;
        let id = stage.begin("shard-b").await;
        gate.reached().await;
        for change in CHANGES {
            assert!(stage.write(&with_ids(change), Uuid::nil()).await, "{change}");
        }
        let source = stage.digest("shard-a").await;
        gate.open().await;
        stage.expect_done(id, "shard-b", 3).await;
        assert_eq!(stage.digest("shard-b").await, source);
    })
    .await;
}

/// Puts ids in, such as `{5}` or `{5.5}`, which is between those of rows 5 and 6.
fn with_ids(statement: &str) -> String {
    let mut parts = statement.split(['{', '}']);
    let mut text = parts.next().unwrap_or_default().to_owned();
    while let (Some(row), Some(rest)) = (parts.next(), parts.next()) {
        let (whole, half) = row.split_once('.').unwrap_or((row, "0"));
        let number: u128 = format!("{whole}{half}").parse().expect("a row");
        text = format!("{text}'{}'{rest}", Uuid::from_u128(number));
    }
    // All statements of clients here have two parameters.
    format!("{text} -- {}", "$2")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_was_repeated_does_not_arrive_late() {
    sandbox(async |sandbox| {
        let stage = Arc::new(Stage::set(&sandbox).await);
        let writers = Writers::start(&stage);
        let (leading, _) = stage.lead();
        let second = "NEW.round = 2";
        let mut gate = Gate::holding(stage.pool("shard-b"), "UPDATE ON move_imports", second).await;
        let id = stage.begin("shard-b").await;
        let stalled = gate.reached().await;
        stage.kill(leading).await;
        let (_leading, _) = stage.lead();
        crate::support::eventually("another mover writes the round", async || {
            let waiting = gate.waiting().await;
            !waiting.is_empty() && !waiting.contains(&stalled)
        })
        .await;
        gate.open().await;
        stage.expect_done(id, "shard-b", 3).await;
        let ledger = writers.end().await;
        assert_eq!(stage.courses("shard-b").await, ledger);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_primary_than_at_the_start_ends_the_move() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        let (_leading, _) = stage.lead();
        for (epoch, side) in [(1, "source_identity"), (4, "target_identity")] {
            let event = "UPDATE ON move_imports";
            let mut gate = Gate::holding(stage.pool("shard-b"), event, "NEW.round = 1").await;
            let id = stage.begin("shard-b").await;
            gate.reached().await;
            let other = format!("UPDATE moves SET {side} = '1/00000001' WHERE id = '{id}'");
            sandbox.pool().execute(AssertSqlSafe(other)).await.expect("another primary");
            gate.open().await;
            let why = stage.expect_aborted(id, epoch).await;
            assert!(why.contains("another primary than at the start"), "{why}");
        }
    })
    .await;
}

/// After each round more rows have changed than a move that caught up may have left, until it is called off.
async fn never_catches_up(stage: &Stage) {
    stage.fill("shard-a", ROWS).await;
    let (institution, beyond) = (stage.institution, BEYOND);
    let refill = format!(
        "CREATE FUNCTION test_refill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO change_log (institution_id, table_name, row_id)
             SELECT institution_id, 'courses', id FROM courses WHERE institution_id = '{institution}'
                AND id < '{beyond}' AND EXISTS (SELECT FROM ownership WHERE institution_id = '{institution}' AND capture);
             RETURN NULL;
         END $$;
         CREATE TRIGGER test_refill AFTER DELETE ON change_log FOR EACH STATEMENT EXECUTE FUNCTION test_refill()"
    );
    stage.pool("shard-a").execute(AssertSqlSafe(refill)).await.expect("a trigger");
}

const CHANGE: &str = "UPDATE courses SET title = 'changed' WHERE institution_id = $1 AND id < $2";
/// After the 1,100th row: these change again and again.
const BEYOND: Uuid = Uuid::from_u128(11_001);

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_does_not_catch_up_is_given_up_after_thirty_rounds() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        never_catches_up(&stage).await;
        let (_leading, _) = stage.lead();
        let (source, target) = (stage.pool("shard-a"), stage.pool("shard-b"));
        let mut first = Gate::holding(target, "UPDATE ON move_imports", "NEW.round = 1").await;
        let mut slowed = Gate::holding(source, "UPDATE ON ownership", "NEW.parked").await;
        let id = stage.begin("shard-b").await;
        first.reached().await;
        assert!(stage.write(CHANGE, BEYOND).await);
        first.open().await;
        slowed.reached().await;
        slowed.open().await;
        let why = stage.expect_aborted(id, 1).await;
        assert!(why.contains("after 30 rounds still 1100 keys"), "{why}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_mover_held_back_goes_on() {
    sandbox(async |sandbox| {
        let stage = Stage::set(&sandbox).await;
        never_catches_up(&stage).await;
        let (leading, _) = stage.lead();
        let (source, target) = (stage.pool("shard-a"), stage.pool("shard-b"));
        let mut first = Gate::holding(target, "UPDATE ON move_imports", "NEW.round = 1").await;
        let mut late = Gate::holding(target, "UPDATE ON move_imports", "NEW.round = 20").await;
        let verifies = "NEW.phase = 'verifying'";
        let mut next = Gate::holding(sandbox.pool(), "UPDATE ON moves", verifies).await;
        let id = stage.begin("shard-b").await;
        first.reached().await;
        assert!(stage.write(CHANGE, BEYOND).await);
        first.open().await;
        late.reached().await;
        assert!(is_parked(&stage).await, "writes are held back for this round");
        stage.kill(leading).await;
        source.execute("DROP TRIGGER test_refill ON change_log").await.expect("dropped");
        late.open().await;
        let (_leading, _) = stage.lead();
        next.reached().await;
        assert!(!is_parked(&stage).await, "writes are held back for a mover that died");
        next.open().await;
        stage.expect_done(id, "shard-b", 3).await;
    })
    .await;
}

async fn is_parked(stage: &Stage) -> bool {
    sqlx::query_scalar("SELECT parked FROM ownership WHERE institution_id = $1")
        .bind(stage.institution.as_uuid())
        .fetch_one(stage.pool("shard-a"))
        .await
        .expect("a row")
}
