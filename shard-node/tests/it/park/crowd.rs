//! Many wait: for a lease, for a turn, for room; some leave.

use std::time::{Duration, Instant};

use axum::http::Method;
use futures::FutureExt as _;
use serde_json::json;
use shard_node::limits::LimitSettings;
use sqlx::{AssertSqlSafe, Executor as _};

use super::{COUNT, COURSES, Moving, SOON, answered, expect_come_again, read, send, write};
use crate::support::api::generous;

#[tokio::test]
async fn a_lease_that_runs_out_meanwhile_is_waited_for() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let deadline = [("lxp-deadline-ms", "3000")];
    let hurried = send(&moving.school.admin, Method::GET, COURSES, None, &deadline);
    let patient = write(&moving.school.admin, 1);
    moving.until_parked(2).await;
    // Polls wait for the table, and fail.
    let row = moving.row("active", 4, "shard-t");
    let sql = format!("BEGIN; LOCK TABLE ownership IN ACCESS EXCLUSIVE MODE; {row}");
    moving.mover.execute(AssertSqlSafe(sql)).await.expect("locked");
    moving
        .until("the lease has run out", |it| !it.school.served.node.ownership.lease.holds())
        .await;
    assert_eq!(moving.parked(), 2);
    expect_come_again(&answered(hurried).await, "shard-unavailable");
    moving.mover.execute("COMMIT").await.expect("unlocked");
    answered(patient).await.expect(201);
    assert_eq!(moving.count(COUNT).await, 1);
    moving.close().await;
}

#[tokio::test]
async fn a_client_that_leaves_makes_room() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let leaving = write(&moving.school.admin, 1);
    moving.until_parked(1).await;
    leaving.abort();
    moving.until_parked(0).await;
    moving.give_up().await;
    moving.until("it is served", |moving| moving.serves(4)).await;
    assert_eq!((moving.count(COUNT).await, moving.ended("left")), (0, 1));
    moving.close().await;
}

#[tokio::test]
async fn a_parked_crowd_takes_no_place_from_others_and_is_served_in_turn() {
    let limits = LimitSettings { in_flight: 3, institution_in_flight: 2, ..generous() };
    let mut moving = Moving::start_with(limits).await;
    let neighbour = moving.school.shard.admit().await;
    let neighbour = moving.school.served.admin(neighbour);
    neighbour.get(COURSES).await;
    moving.fence().await;
    let mut crowd = Vec::new();
    for number in 0..30 {
        crowd.push(write(&moving.school.admin, number));
        // One after the other: arriving all at once they would be more than the node takes.
        moving.until_parked(i64::try_from(number).expect("small") + 1).await;
    }
    for _ in 0..3 {
        answered(read(&neighbour)).await.expect(200);
    }
    moving.give_up().await;
    for asked in crowd {
        answered(asked).await.expect(201);
    }
    assert_eq!(moving.count(COUNT).await, 30);
    moving.close().await;
}

#[tokio::test]
async fn what_waits_gives_up_its_turn_at_a_class() {
    let mut moving = Moving::start().await;
    let (class, students) = (moving.school.class(10, 0).await, moving.school.students(6).await);
    let path = format!("/v1/classes/{class}/enrollments");
    let mut locker = moving.school.shard.connect("postgres").await;
    locker.execute("BEGIN; SELECT FROM classes FOR UPDATE").await.expect("locked");
    let enroll = |student| {
        send(&moving.school.admin, Method::POST, &path, Some(json!({"studentId": student})), &[])
    };
    let asked: Vec<_> = students.iter().map(enroll).collect();
    // Two are in the middle of their transactions; the others wait for their turns.
    let blocked = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let began = Instant::now();
    while moving.count(blocked).await < 2 {
        assert!(began.elapsed() < SOON, "nobody waits for the class");
    }
    moving.fence().await;
    locker.execute("COMMIT").await.expect("unlocked");
    moving.until("those who had no turn are parked", |moving| moving.parked() >= 4).await;
    let queues = &moving.school.served.node.queues;
    let input = json!({"classId": class.to_string()});
    let turn = || queues.turn(moving.school.institution, &input, Some("classId")).now_or_never();
    let turns = [turn(), turn()];
    assert!(turns.iter().all(Option::is_some), "a turn is held by who waits");
    drop(turns);
    moving.give_up().await;
    for asked in asked {
        answered(asked).await.expect(201);
    }
    moving.close().await;
}

#[tokio::test]
async fn a_node_that_stops_answers_those_who_wait_first() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let asked: Vec<_> = (0..3).map(|number| write(&moving.school.admin, number)).collect();
    moving.until_parked(3).await;
    moving.school.served.leave.cancel();
    let address = moving.school.served.url.trim_start_matches("http://").to_owned();
    let began = Instant::now();
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        assert!(began.elapsed() < SOON, "it takes connections");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    moving.give_up().await;
    for asked in asked {
        answered(asked).await.expect(201);
    }
    moving.close().await;
}
