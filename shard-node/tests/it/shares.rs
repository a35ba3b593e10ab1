//! R15: one institution at twenty times its share of a node's connections, each held for long. Its neighbour is
//! served as if it were alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::Method;
use futures::future::join_all;
use serde_json::json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{NO_REDIS, Served, generous};

const CONNECTIONS: u32 = 4;
const SHARE: i64 = 2;
const LOUD: usize = 40;

/// Connections of the node that wait at the institution's door.
const AT_THE_DOOR: &str =
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

#[tokio::test]
async fn an_institution_that_floods_a_node_leaves_its_neighbour_half_of_the_connections() {
    let shard = Shard::create().await;
    let (loud, quiet) = (shard.admit().await, shard.admit().await);
    let mut limits = generous();
    limits.fills = 2;
    let served = Served::start_with(&shard, CONNECTIONS, NO_REDIS, limits).await;
    let (flood, neighbour) = (served.admin(loud), served.admin(quiet));
    let program = json!({"code": "P", "name": "P"});
    let program = neighbour.post("/v1/programs", program).await.expect(201).id();
    // Each of its transactions is stopped at the door until `lock_timeout` ends it, with a connection in hand.
    let mut owner = shard.connect("postgres").await;
    let patient = "SET idle_in_transaction_session_timeout = 0";
    sqlx::query(patient).execute(&mut owner).await.expect("patient");
    let mut door = sqlx::Connection::begin(&mut owner).await.expect("begun");
    let shut = format!("SELECT pg_advisory_xact_lock(tenant_lock_key('{loud}'))");
    sqlx::query(AssertSqlSafe(shut)).execute(&mut *door).await.expect("shut");
    let answered = AtomicUsize::new(0);
    let flooding = join_all((0..LOUD).map(async |number| {
        // Lists, single things through the cache, and writes.
        let (method, path, body) = match number % 3 {
            0 => (Method::GET, "/v1/programs".to_owned(), None),
            1 => (Method::GET, format!("/v1/programs/{}", Uuid::now_v7()), None),
            _ => (Method::POST, "/v1/courses".to_owned(), Some(json!({"code": "C", "title": "t"}))),
        };
        let answer = flood.send_once(method, &path, body, &[]).await;
        answered.fetch_add(1, Ordering::SeqCst);
        answer.expect(503);
    }));
    let mut watcher = shard.connect("postgres").await;
    let beside = async {
        let began = Instant::now();
        let mut most = 0;
        let mut count = async || -> i64 {
            sqlx::query_scalar(AT_THE_DOOR).fetch_one(&mut watcher).await.expect("a count")
        };
        while count().await < SHARE {
            assert!(began.elapsed() < Duration::from_secs(30), "the flood does not arrive");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for number in 0..5 {
            let course = json!({"code": format!("C{number}"), "title": "t"});
            neighbour.post("/v1/courses", course).await.expect(201);
            neighbour.get("/v1/courses").await.expect(200);
            neighbour.get(&format!("/v1/programs/{program}")).await.expect(200);
            most = most.max(count().await);
        }
        (answered.load(Ordering::SeqCst), most)
    };
    let (_, (answered_before, most)) = tokio::join!(flooding, beside);
    assert!(most <= SHARE, "the flood held {most} connections");
    assert!(
        answered_before < LOUD / 2,
        "the neighbour was answered after {answered_before} of the flood's {LOUD}"
    );
    door.rollback().await.expect("open again");
    flood.get("/v1/programs").await.expect(200);
    drop(served);
    shard.drop_database().await;
}
