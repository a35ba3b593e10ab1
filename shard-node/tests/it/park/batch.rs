//! Batches of tRPC calls of which some meet the fence.

use std::time::Instant;

use axum::http::Method;
use serde_json::{Value, json};

use super::guard_first::{TRIES, the_guard_says_fenced};
use super::{COUNT, Moving, SOON, answered, course, send};
use crate::support::api::Answer;

const TWO_LISTS: &str = "/trpc/academic.listCourses,academic.listPrograms?batch=1";
const TWO_WRITES: &str = "/trpc/academic.createCourse,academic.createCourse?batch=1";

/// One call of a batch is served, the other meets the fence; then the institution has moved.
///
/// On a machine so busy that the lease runs out meanwhile, the node may not send what it read or wrote before: such a
/// run says nothing.
async fn moved_in_the_middle(method: Method, path: &str, body: Option<Value>) -> (Moving, Answer) {
    for _ in 0..10 {
        let mut moving = Moving::start().await;
        the_guard_says_fenced(&moving.school.shard, 2, i64::MAX, 0.0).await;
        let ownership = moving.school.served.node.ownership.clone();
        let term = ownership.lease.term();
        let asked = send(&moving.school.admin, method.clone(), path, body.clone(), &[]);
        let began = Instant::now();
        while moving.count(TRIES).await < 3 {
            assert!(began.elapsed() < SOON, "nothing meets the fence");
        }
        moving.move_away().await;
        let answer = answered(asked).await;
        if ownership.lease.holds_since(term) {
            return (moving, answer);
        }
        moving.close().await;
    }
    panic!("the lease ran out each time");
}

#[tokio::test]
async fn a_batch_of_reads_that_moved_in_the_middle_is_sent_on_as_a_whole() {
    let (moving, answer) = moved_in_the_middle(Method::GET, TWO_LISTS, None).await;
    assert_eq!(answer.expect(421).body["owner"], "shard-x");
    moving.close().await;
}

#[tokio::test]
async fn a_batch_of_writes_that_moved_in_the_middle_says_which_were_not_applied() {
    let body = json!({"0": course(1), "1": course(2)});
    let (moving, answer) = moved_in_the_middle(Method::POST, TWO_WRITES, Some(body)).await;
    let answer = answer.expect(207);
    assert_eq!(answer.headers["retry-after"], "1");
    let calls = answer.body.as_array().expect("calls");
    let made = calls.iter().filter(|call| call["result"]["data"]["id"].is_string()).count();
    let refused =
        |call: &&Value| call["error"]["data"]["problem"]["code"] == json!("cutover-timeout");
    assert_eq!((made, calls.iter().filter(refused).count()), (1, 1), "{}", answer.body);
    assert_eq!(moving.count(COUNT).await, 1);
    moving.close().await;
}

#[tokio::test]
async fn the_calls_of_a_batch_that_met_the_fence_are_served_with_the_others_in_the_end() {
    let moving = Moving::start().await;
    the_guard_says_fenced(&moving.school.shard, 2, 2, 0.0).await;
    let body = json!({"0": course(1), "1": course(2)});
    let asked = send(&moving.school.admin, Method::POST, TWO_WRITES, Some(body), &[]);
    let answer = answered(asked).await.expect(200);
    for (position, code) in ["C1", "C2"].into_iter().enumerate() {
        assert_eq!(answer.body[position]["result"]["data"]["code"], code);
    }
    assert_eq!((moving.count(COUNT).await, moving.ended("served")), (2, 1));
    moving.close().await;
}
