//! The node's side of a move's end: requests of a fenced institution wait, then are served or sent on. The test sets
//! the ownership row as a mover would: fenced at epoch 2, moved at 3, active again at 4.

mod batch;
mod crowd;
mod guard_first;

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};
use shard_map::Epoch;
use shard_node::limits::LimitSettings;
use shard_node::tenancy::{Parked, Verdict};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};
use tokio::task::JoinHandle;

use crate::support::Shard;
use crate::support::api::{Answer, Client, Plan, generous};
use crate::support::directory::FakeDirectory;
use crate::support::school::School;

const SOON: Duration = Duration::from_secs(30);
const COURSES: &str = "/v1/courses";
const COUNT: &str = "SELECT count(*) FROM courses";

/// A school on its move.
struct Moving {
    school: School,
    mover: PgConnection,
}

impl Moving {
    async fn start() -> Self {
        Self::start_with(generous()).await
    }

    async fn start_with(limits: LimitSettings) -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let mut plan = Plan::new(&shard, FakeDirectory::start().await);
        // Its tries at the guard are counted here: no sequencer's among them.
        (plan.connections, plan.limits, plan.numbers) = (6, limits, false);
        let served = plan.serve().await;
        served.until_leased().await;
        let admin = served.admin(institution);
        let mover = shard.connect("postgres").await;
        let moving = Self { school: School { shard, served, institution, admin }, mover };
        moving.until("it is served", |moving| moving.serves(1)).await;
        moving
    }

    async fn close(self) {
        drop(self.mover);
        self.school.close().await;
    }

    fn row(&self, state: &str, epoch: i64, owner: &str) -> String {
        format!(
            "UPDATE ownership SET state = '{state}', epoch = {epoch}, owner = '{owner}', map_version = 9
             WHERE institution_id = '{}'",
            self.school.institution
        )
    }

    async fn set(&mut self, state: &str, epoch: i64, owner: &str) {
        let sql = self.row(state, epoch, owner);
        self.mover.execute(AssertSqlSafe(sql)).await.expect("set");
    }

    /// Sets it without a word to anybody: a node learns of it by its next poll, 500 ms later at the latest.
    async fn set_unheard(&mut self, state: &str, epoch: i64, owner: &str) {
        let row = self.row(state, epoch, owner);
        let row = row.replace(" WHERE", ", version = nextval('ownership_version') WHERE");
        let sql = format!("BEGIN; SET LOCAL session_replication_role = replica; {row}; COMMIT");
        self.mover.execute(AssertSqlSafe(sql)).await.expect("set");
    }

    async fn fence(&mut self) {
        self.set("fenced", 2, "shard-t").await;
        let is_fenced = |moving: &Self| {
            let institution = moving.school.institution;
            moving.school.served.node.ownership.verdict(institution) == Verdict::Fenced
        };
        self.until("it is fenced", is_fenced).await;
    }

    async fn give_up(&mut self) {
        self.set("active", 4, "shard-t").await;
    }

    async fn move_away(&mut self) {
        self.set("moved", 3, "shard-x").await;
    }

    fn serves(&self, epoch: i64) -> bool {
        self.school.served.node.ownership.serves(self.school.institution, Epoch(epoch))
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < SOON, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_parked(&self, count: i64) {
        self.until("so many are parked", |moving| moving.parked() == count).await;
    }

    fn parked(&self) -> i64 {
        let metrics = self.school.served.node.metrics.render();
        metric(&metrics, "lxp_parked_requests")
    }

    /// How many waits have ended that way.
    fn ended(&self, outcome: &str) -> i64 {
        let metrics = self.school.served.node.metrics.render();
        metric(&metrics, &format!("lxp_park_seconds_count{{outcome=\"{outcome}\"}}"))
    }

    /// Fills the park but for so many requests.
    fn fill(&self, but: usize) -> Vec<Parked> {
        let enter = |_| self.school.served.node.park.enter(self.school.institution, 0);
        (but..1_000).map(|number| enter(number).expect("room")).collect()
    }

    async fn count(&self, sql: &'static str) -> i64 {
        self.school.count(sql).await
    }
}

fn metric(metrics: &str, name: &str) -> i64 {
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().expect("a number"))
}

fn course(number: usize) -> Value {
    json!({"code": format!("C{number}"), "title": "T"})
}

fn write(client: &Client, number: usize) -> JoinHandle<Answer> {
    send(client, Method::POST, COURSES, Some(course(number)), &[])
}

fn read(client: &Client) -> JoinHandle<Answer> {
    send(client, Method::GET, COURSES, None, &[])
}

fn send(
    client: &Client,
    method: Method,
    path: &str,
    body: Option<Value>,
    headers: &[(&'static str, &'static str)],
) -> JoinHandle<Answer> {
    let (client, path, headers) = (client.clone(), path.to_owned(), headers.to_vec());
    tokio::spawn(async move { client.send_once(method, &path, body, &headers).await })
}

async fn answered(asked: JoinHandle<Answer>) -> Answer {
    tokio::time::timeout(SOON, asked).await.expect("an answer in time").expect("an answer")
}

#[track_caller]
fn expect_come_again(answer: &Answer, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (503, code), "{}", answer.body);
    assert_eq!(answer.headers["retry-after"], "1");
}

#[tokio::test]
async fn what_waits_is_served_where_the_move_is_given_up() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let admin = moving.school.admin.clone();
    let writes: Vec<_> = (0..10).map(|number| write(&admin, number)).collect();
    let reads: Vec<_> = (0..10).map(|_| read(&admin)).collect();
    moving.until_parked(20).await;
    moving.give_up().await;
    for asked in writes {
        answered(asked).await.expect(201);
    }
    for asked in reads {
        answered(asked).await.expect(200);
    }
    assert_eq!(moving.count(COUNT).await, 10);
    assert_eq!((moving.parked(), moving.ended("served")), (0, 20));
    moving.close().await;
}

#[tokio::test]
async fn what_waits_is_told_the_owner_where_it_has_moved() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let asked = [write(&moving.school.admin, 1), read(&moving.school.admin)];
    moving.until_parked(2).await;
    moving.move_away().await;
    for asked in asked {
        let answer = answered(asked).await.expect(421);
        let said = ["code", "owner", "epoch", "mapVersion"].map(|name| answer.body[name].clone());
        assert_eq!(said, [json!("not-owner"), json!("shard-x"), json!(3), json!(9)]);
    }
    assert_eq!((moving.count(COUNT).await, moving.ended("moved")), (0, 2));
    moving.close().await;
}

/// An answer to HEAD has no body.
#[tokio::test]
async fn the_head_of_a_421_names_the_owner_too() {
    let mut moving = Moving::start().await;
    moving.move_away().await;
    moving.until("it is not served", |moving| !moving.serves(1)).await;
    let asked = send(&moving.school.admin, Method::HEAD, COURSES, None, &[]);
    let answer = answered(asked).await.expect(421);
    let said: Value =
        serde_json::from_slice(answer.headers["lxp-not-owner"].as_bytes()).expect("JSON");
    assert_eq!(said, json!({"owner": "shard-x", "epoch": 3, "mapVersion": 9}));
    moving.close().await;
}

#[tokio::test]
async fn after_five_seconds_or_at_its_own_deadline_it_is_told_to_come_again() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let began = Instant::now();
    let patient = write(&moving.school.admin, 1);
    let deadline = [("lxp-deadline-ms", "700")];
    let hurried = send(&moving.school.admin, Method::GET, COURSES, None, &deadline);
    moving.until_parked(2).await;
    expect_come_again(&answered(hurried).await, "cutover-timeout");
    assert!(began.elapsed() >= Duration::from_millis(700));
    assert_eq!(moving.parked(), 1, "the other one waits on");
    expect_come_again(&answered(patient).await, "cutover-timeout");
    let took = began.elapsed();
    // Its own deadline would have ended it after 10 s.
    assert!(took >= Duration::from_secs(5) && took < Duration::from_millis(9_500), "{took:?}");
    moving.give_up().await;
    moving.until("it is served", |moving| moving.serves(4)).await;
    assert_eq!((moving.count(COUNT).await, moving.ended("timed-out")), (0, 2));
    moving.close().await;
}

#[tokio::test]
async fn a_thousand_requests_wait_and_the_next_is_refused_at_once() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let others = moving.fill(1);
    let last = write(&moving.school.admin, 1);
    moving.until_parked(1_000).await;
    expect_come_again(&answered(write(&moving.school.admin, 2)).await, "overloaded");
    assert_eq!((moving.parked(), moving.ended("full")), (1_000, 1));
    drop(others);
    moving.give_up().await;
    answered(last).await.expect(201);
    assert_eq!(moving.count(COUNT).await, 1);
    moving.close().await;
}

#[tokio::test]
async fn sixteen_mib_of_bodies_wait_and_more_is_refused_at_once() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let body_bytes = course(1).to_string().len();
    let node = moving.school.served.node.clone();
    let enter = |bytes| node.park.enter(moving.school.institution, bytes).expect("room");
    let others = enter((16 << 20) - body_bytes);
    let last = write(&moving.school.admin, 1);
    moving.until_parked(2).await;
    expect_come_again(&answered(write(&moving.school.admin, 2)).await, "overloaded");
    let without_a_body = read(&moving.school.admin);
    moving.until_parked(3).await;
    drop(others);
    moving.give_up().await;
    answered(last).await.expect(201);
    answered(without_a_body).await.expect(200);
    moving.close().await;
}
