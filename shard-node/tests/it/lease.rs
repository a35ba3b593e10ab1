//! The lease and the deadline: what a node does when its database goes silent.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;
use shard_map::InstitutionId;
use sqlx::Executor as _;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{Answer, Plan, Served};
use crate::support::cable::Cable;
use crate::support::directory::FakeDirectory;

/// R6: no request outlives its deadline by more; here with room for a machine that is busy.
const SLACK: Duration = Duration::from_secs(1);

struct Silent {
    shard: Shard,
    institution: InstitutionId,
    cable: Cable,
    served: Served,
}

impl Silent {
    /// A node that serves through a cable.
    async fn start() -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let cable = Cable::to(&shard.options("lxp_app")).await;
        let mut plan = Plan::new(&shard, FakeDirectory::start().await);
        plan.primary = cable.through(plan.primary);
        let served = plan.serve().await;
        served.until_leased().await;
        served.admin(institution).get("/v1/programs").await.expect(200);
        Self { shard, institution, cable, served }
    }

    async fn get(&self, path: &str, deadline_ms: &str) -> (Answer, Duration) {
        let began = Instant::now();
        let headers = [("lxp-deadline-ms", deadline_ms)];
        let admin = self.served.admin(self.institution);
        let answer = admin.send_once(Method::GET, path, None, &headers).await;
        (answer, began.elapsed())
    }

    async fn close(self) {
        drop(self.served);
        self.shard.drop_database().await;
    }
}

#[tokio::test]
async fn without_its_database_a_node_answers_nothing_after_its_lease_and_again_when_it_is_back() {
    let silent = Silent::start().await;
    let made = silent.served.admin(silent.institution);
    let course = made.post("/v1/courses", json!({"code": "C", "title": "C"})).await.expect(201);
    let cached = format!("/v1/courses/{}", course.id());
    silent.get(&cached, "5000").await.0.expect(200);
    silent.cable.set_swallows(true);
    let cut = Instant::now();
    let mut last_answer = cut;
    // Asked without a pause, so that its cache is as warm as can be.
    while cut.elapsed() < Duration::from_secs(4) {
        let began = Instant::now();
        let (answer, _) = silent.get(&cached, "300").await;
        match answer.status.as_u16() {
            200 => last_answer = began,
            _ => assert!(matches!(answer.code(), "shard-unavailable" | "overloaded"), "{answer:?}"),
        }
    }
    let held = last_answer.duration_since(cut);
    assert!(held < Duration::from_secs(2), "answered {held:?} after the database was gone");
    let (answer, _) = silent.get(&cached, "300").await;
    assert_eq!(answer.code(), "shard-unavailable");
    silent.cable.set_swallows(false);
    let back = Instant::now();
    while silent.get(&cached, "2000").await.0.status != 200 {
        assert!(back.elapsed() < Duration::from_secs(20), "it does not come back");
    }
    silent.close().await;
}

#[tokio::test]
async fn no_request_outlives_its_deadline_though_the_database_is_silent() {
    let silent = Silent::start().await;
    silent.cable.set_swallows(true);
    for _ in 0..3 {
        let (answer, took) = silent.get("/v1/programs", "200").await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(took < Duration::from_millis(200) + SLACK, "{took:?}");
    }
    silent.cable.set_swallows(false);
    silent.close().await;
}

/// A router makes a 404 of "unknown": it is said only where the primary has just been asked.
#[tokio::test]
async fn an_institution_is_not_unknown_because_the_database_is_silent() {
    let mut silent = Silent::start().await;
    silent.institution = InstitutionId::new(Uuid::now_v7());
    let (answer, _) = silent.get("/v1/programs", "1900").await;
    assert_eq!(answer.code(), "not-owner");
    silent.cable.set_swallows(true);
    let (answer, _) = silent.get("/v1/programs", "1300").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (503, "shard-unavailable"), "{answer:?}");
    silent.cable.set_swallows(false);
    silent.close().await;
}

#[tokio::test]
async fn connections_that_fell_silent_are_replaced() {
    let silent = Silent::start().await;
    silent.cable.set_swallows(true);
    // More than there are connections, each in the middle of its statement when its time is over.
    let stuck = (0..12).map(|_| silent.get("/v1/programs", "300"));
    for (answer, _) in futures::future::join_all(stuck).await {
        assert_eq!(answer.status, 503);
    }
    silent.cable.set_swallows(false);
    let back = Instant::now();
    while silent.get("/v1/programs", "2000").await.0.status != 200 {
        assert!(back.elapsed() < Duration::from_secs(20), "the pool is empty for good");
    }
    let all = (0..12).map(|_| silent.get("/v1/programs", "5000"));
    for (answer, _) in futures::future::join_all(all).await {
        answer.expect(200);
    }
    silent.close().await;
}

#[tokio::test]
async fn a_statement_on_the_server_ends_with_its_request() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let served = Served::start(&shard, 4).await;
    let admin = served.admin(institution);
    // Somebody has the table locked: the list waits for it.
    let mut locker = shard.connect("lxp_owner").await;
    let lock = "BEGIN; LOCK TABLE programs IN ACCESS EXCLUSIVE MODE";
    locker.execute(lock).await.expect("locked");
    let headers = [("lxp-deadline-ms", "200")];
    let answer = admin.send_once(Method::GET, "/v1/programs", None, &headers).await;
    assert_eq!(answer.code(), "overloaded");
    let mut watcher = shard.connect("postgres").await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let asked = Instant::now();
    loop {
        let count: i64 =
            sqlx::query_scalar(waiting).fetch_one(&mut watcher).await.expect("a count");
        if count == 0 {
            break;
        }
        // lock_timeout alone would take 1 s from its beginning.
        assert!(asked.elapsed() < Duration::from_millis(700), "the statement goes on");
    }
    drop((locker, watcher, served));
    shard.drop_database().await;
}

/// Everything before it went well: the guard, the statement, the COMMIT. Only the lease has run out meanwhile.
#[tokio::test]
async fn a_write_that_ends_after_the_lease_is_not_acknowledged() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let served = Served::start(&shard, 4).await;
    let mut gate = shard.connect("lxp_owner").await;
    let shut = "CREATE FUNCTION test_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM set_config('lock_timeout', '0', true);
            PERFORM pg_advisory_xact_lock_shared(4711);
            RETURN NULL;
        END $$;
        CREATE TRIGGER test_gate AFTER INSERT ON courses FOR EACH ROW EXECUTE FUNCTION test_gate();
        SELECT pg_advisory_lock(4711)";
    gate.execute(shut).await.expect("a gate");
    let admin = served.admin(institution);
    let headers = [("lxp-deadline-ms", "25000")];
    let body = json!({"code": "C", "title": "C"});
    let writing = admin.send_once(Method::POST, "/v1/courses", Some(body), &headers);
    let meanwhile = async {
        let mut watcher = shard.connect("postgres").await;
        until(&mut watcher, "the write at the gate", WAITS_AT_THE_GATE).await;
        // From now on the node's polls wait: behind who wants the table alone, then behind who has it.
        let mut locker = shard.connect("postgres").await;
        let locking = tokio::spawn(async move {
            locker.execute("BEGIN; LOCK TABLE ownership IN ACCESS EXCLUSIVE MODE").await?;
            Ok::<_, sqlx::Error>(locker)
        });
        let asked = Instant::now();
        while served.node.ownership.lease.holds() {
            assert!(asked.elapsed() < Duration::from_secs(10), "the lease does not run out");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        gate.execute("SELECT pg_advisory_unlock(4711)").await.expect("open");
        locking.await.expect("a task").expect("locked")
    };
    let (answer, locker) = tokio::join!(writing, meanwhile);
    assert_eq!(answer.expect(502).code(), "outcome-unknown");
    drop((locker, gate, served));
    shard.drop_database().await;
}

const WAITS_AT_THE_GATE: &str = "SELECT EXISTS (SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted AND objid = 4711
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";

async fn until(watcher: &mut PgConnection, what: &str, holds: &'static str) {
    let began = Instant::now();
    while !sqlx::query_scalar::<_, bool>(holds).fetch_one(&mut *watcher).await.expect("an answer") {
        assert!(began.elapsed() < Duration::from_secs(10), "waited for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
