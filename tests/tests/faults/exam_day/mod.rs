//! Exam day: a class begins an exam within a short while, saves again and again, and hands in at the last moment or not at
//! all; nodes, which are its workers, are killed with -9 and the institution is moved meanwhile. Every save and every
//! submission that was acknowledged is there, and each is graded once, within a minute of the deadline.

mod room;
mod student;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::future::join_all;
use lxp_tests::{Own, Size};
use serde_json::json;
use service_kit::clock;
use sqlx::postgres::PgPool;

use crate::jobs::{counted, database, ended};
use room::Room;
use student::{Sat, sit};

/// Everything is graded so long after the deadline.
const GRADED_WITHIN: Duration = Duration::from_mins(1);

/// How a day goes.
#[derive(Debug, Clone, Copy)]
struct Day {
    students: usize,
    /// So long they take to begin, all of them.
    beginning: Duration,
    /// From the first to the deadline.
    lasts: Duration,
    /// From one save to the next.
    every: Duration,
    /// Who hands in does so within the last of it.
    rush: Duration,
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exam_is_sat_and_graded_whole_through_kills_and_moves() {
    let size = Size::of_this_run();
    let day = Day {
        students: size.pick(150, 1_000),
        beginning: size.seconds(8, 60),
        lasts: size.seconds(35, 240),
        every: size.seconds(3, 20),
        rush: size.seconds(5, 20),
    };
    let platform = Arc::new(Own::start(2, 1).await);
    let room = Room::open(&platform, day.students).await;
    let deadline = clock::now() + day.lasts;
    let assessment = room.publish(deadline).await;
    let faults = tokio::spawn(trouble(platform.clone(), room.institution.clone(), day));
    let ends = Instant::now() + (deadline - clock::now()).to_std().expect("it is ahead");
    let sitting = room
        .clients
        .iter()
        .enumerate()
        .map(|(number, client)| sit(client.clone(), number, assessment, day, ends));
    let sat: Vec<Sat> = join_all(sitting).await;
    let (kills, moves) = faults.await.expect("nobody panicked");
    let databases = join_all(["shard-a", "shard-b"].map(|shard| database(&platform, shard))).await;
    let saves: usize = sat.iter().map(|sat| sat.acknowledged).sum();
    let handed_in = sat.iter().filter(|sat| sat.receipt.is_some()).count();
    eprintln!(
        "{} students, {saves} saves, {handed_in} handed in, {kills} kills, {moves} moves",
        sat.len()
    );
    assert!(kills >= 2 && moves >= 1, "{kills} kills, {moves} moves");
    assert!(handed_in * 100 >= sat.len() * 15, "only {handed_in} were acknowledged");
    until_graded(&databases, &room, &sat, deadline).await;
    platform.expect_all_up().await;
    expect_once(&databases, &room, &sat).await;
    for sat in &sat {
        room.expect_kept(sat).await;
    }
}

/// A node is killed while they write, the institution is moved, and its node is killed when the deadline has come.
async fn trouble(
    platform: Arc<Own>,
    institution: lxp_tests::Institution,
    day: Day,
) -> (usize, usize) {
    let began = Instant::now();
    tokio::time::sleep_until((began + day.lasts / 3).into()).await;
    let before = platform.kill("node-shard-a-1");
    platform.is_up_again("node-shard-a-1", before).await;
    tokio::time::sleep_until((began + day.lasts / 2).into()).await;
    let moved = go(&platform, &institution).await;
    // When the grace is over and the sweep has begun.
    tokio::time::sleep_until((began + day.lasts + Duration::from_millis(5_300)).into()).await;
    let control = platform.control();
    let shown = control.get(&format!("/v1/institutions/{}", institution.id)).await.expect(200).body;
    let node = format!("node-{}-1", shown["shard"].as_str().expect("a shard"));
    let before = platform.kill(&node);
    platform.is_up_again(&node, before).await;
    (2, usize::from(moved))
}

/// Moves it to the other shard; answers whether it has arrived.
async fn go(platform: &Own, institution: &lxp_tests::Institution) -> bool {
    let control = platform.control();
    let wanted = json!({"kind": "move", "institution": institution.id, "to": "shard-b"});
    for _ in 0..3 {
        let plan = control.post("/v1/plans", wanted.clone()).await;
        if plan.status != 201 {
            continue;
        }
        let apply = format!("/v1/plans/{}:apply", plan.id());
        let applied = control.send(reqwest::Method::POST, &apply, None, &[]).await;
        if let Some(id) = applied.body["moves"][0]["move"].as_str()
            && ended(&control, id).await == "done"
        {
            return true;
        }
    }
    false
}

/// Waits until each has its score, and looks at when it had.
async fn until_graded(databases: &[PgPool], room: &Room, sat: &[Sat], deadline: DateTime<Utc>) {
    let states =
        "SELECT status, count(*) FROM assessment_submissions WHERE institution_id = $1 GROUP BY 1";
    let all = i64::try_from(sat.len()).expect("a number");
    loop {
        let found = counted(databases, &room.institution, states).await;
        // One that has just moved is for a moment at both.
        if found.get("GRADED").is_some_and(|graded| *graded >= all) {
            break;
        }
        let late = (clock::now() - deadline).to_std().unwrap_or_default();
        assert!(
            late < GRADED_WITHIN + Duration::from_secs(10),
            "{late:?} after the deadline: {found:?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut last = DateTime::UNIX_EPOCH;
    for database in databases {
        let graded: Option<DateTime<Utc>> = sqlx::query_scalar(
            "SELECT max(graded_at) FROM assessment_submissions WHERE institution_id = $1",
        )
        .bind(room.institution.id.as_uuid())
        .fetch_one(database)
        .await
        .expect("a time");
        last = last.max(graded.unwrap_or_default());
    }
    let took = (last - deadline).to_std().unwrap_or_default();
    eprintln!("the last was graded {took:?} after the deadline");
    assert!(took <= GRADED_WITHIN, "{took:?}");
}

/// Of each there is one submission, one grade that was given once, one event of each kind, and one score an item.
async fn expect_once(databases: &[PgPool], room: &Room, sat: &[Sat]) {
    // What moved leaves the source a few seconds later.
    let gone = "SELECT 'rows', count(*) FROM assessment_submissions WHERE institution_id = $1 HAVING count(*) > 0";
    let all = i64::try_from(sat.len()).expect("a number");
    let began = Instant::now();
    while counted(databases, &room.institution, gone).await
        != BTreeMap::from([("rows".to_owned(), all)])
    {
        assert!(began.elapsed() < Duration::from_mins(1), "rows are left at the source, or lost");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let once: BTreeMap<String, i64> = sat.iter().map(|sat| (sat.attempt.to_string(), 1)).collect();
    for (what, sql) in [
        (
            "submissions",
            "SELECT id::text, count(*) FROM assessment_submissions WHERE institution_id = $1 GROUP BY 1",
        ),
        (
            "events of handing in",
            "SELECT aggregate_id::text, count(*) FROM outbox_events
            WHERE institution_id = $1 AND type = 'ASSESSMENT_SUBMITTED' GROUP BY 1",
        ),
        (
            "grades",
            "SELECT submission_id::text, count(*) FROM grades WHERE institution_id = $1 GROUP BY 1",
        ),
        (
            "what was given",
            "SELECT g.submission_id::text, count(*) FROM grade_events e
            JOIN grades g ON g.institution_id = $1 AND g.id = e.grade_id
            WHERE e.institution_id = $1 AND e.kind IN ('GIVEN', 'CHANGED') GROUP BY 1",
        ),
        (
            "events of grading",
            "SELECT g.submission_id::text, count(*) FROM outbox_events e
            JOIN grades g ON g.institution_id = $1 AND g.id = e.aggregate_id
            WHERE e.institution_id = $1 AND e.type = 'ASSESSMENT_GRADED' GROUP BY 1",
        ),
    ] {
        assert_eq!(counted(databases, &room.institution, sql).await, once, "{what}");
    }
    let items = "SELECT submission_id::text, count(*) FROM submission_item_scores WHERE institution_id = $1 GROUP BY 1";
    let each: BTreeMap<String, i64> = once.keys().map(|id| (id.clone(), room.items)).collect();
    assert_eq!(counted(databases, &room.institution, items).await, each, "items");
    let failed =
        "SELECT type, count(*) FROM jobs WHERE institution_id = $1 AND state = 'FAILED' GROUP BY 1";
    assert_eq!(counted(databases, &room.institution, failed).await, BTreeMap::new(), "failed jobs");
}
