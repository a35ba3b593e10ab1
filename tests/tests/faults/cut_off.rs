//! A node that cannot reach its database, or that was frozen, answers nothing that may have become untrue: from its
//! caches neither.

use std::time::{Duration, Instant};

use futures::future::join_all;
use lxp_tests::{Client, Institution, Own, freeze, thaw};
use reqwest::Method;
use serde_json::json;
use service_kit::token::Role;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

const PRIMARY: &str = "postgres-shard-a-primary";
const NODES: [&str; 2] = ["node-shard-a-1", "node-shard-a-2"];

/// The lease, and what a loaded machine takes to hand an answer over.
const ANSWERS_END: Duration = Duration::from_millis(2_500);

fn nodes_of(platform: &Own, institution: &Institution) -> [Client; 2] {
    let token = platform.token_of(institution.id, Role::Admin, Uuid::now_v7());
    NODES.map(|node| Client::new(platform.process(node)["url"].as_str().expect("a URL"), &token))
}

/// A course that both nodes have in their caches.
async fn cached_course(nodes: &[Client; 2]) -> String {
    let body = json!({"code": "C", "title": "cached"});
    let id = nodes[0].post("/v1/courses", body).await.expect(201).id();
    let path = format!("/v1/courses/{id}");
    for node in nodes.iter().chain(nodes) {
        assert_eq!(node.get_patiently(&path).await.expect(200).body["title"], "cached");
    }
    path
}

async fn soon(node: &Client, method: Method, path: &str) -> u16 {
    let body = (method != Method::GET).then(|| json!({"code": Uuid::now_v7(), "title": "t"}));
    node.try_send(method, path, body, &[("lxp-deadline-ms", "400")]).await.status
}

async fn expect_served_again(nodes: &[Client; 2], path: &str) {
    let begun = Instant::now();
    for node in nodes {
        while node.try_send(Method::GET, path, None, &[]).await.status != 200 {
            assert!(begun.elapsed() < Duration::from_secs(30), "not served again");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn a_node_cut_off_from_its_database_answers_nothing_after_its_lease() {
    let platform = Own::start(1, 2).await;
    let institution = platform.institution(None).await;
    let nodes = nodes_of(&platform, &institution);
    let path = cached_course(&nodes).await;
    let primary = platform.pid(PRIMARY);
    freeze(primary);
    let frozen = Instant::now();
    let (mut answered, mut last_good) = (0, Duration::ZERO);
    while frozen.elapsed() < Duration::from_secs(6) {
        let asks = nodes.iter().flat_map(|node| {
            [
                soon(node, Method::GET, &path),
                soon(node, Method::GET, "/v1/courses"),
                soon(node, Method::POST, "/v1/courses"),
            ]
        });
        let statuses = join_all(asks).await;
        answered += statuses.len();
        let at = frozen.elapsed();
        if statuses.iter().any(|status| *status < 300 && *status > 0) {
            last_good = at;
        }
        assert!(
            at < ANSWERS_END || statuses.iter().all(|s| *s == 503 || *s == 502),
            "{at:?}: {statuses:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    thaw(primary);
    eprintln!("cut off: {answered} answers, the last good one after {last_good:?}");
    assert!(answered > 20, "only {answered} answers");
    expect_served_again(&nodes, &path).await;
}

/// Gives the institution to shard-b in the shards' own tables, as the end of a move does.
async fn hand_over(platform: &Own, institution: &Institution) {
    let id = institution.id;
    let statements = [
        ("shard-a", format!(
            "UPDATE ownership SET state = 'moved', owner = 'shard-b', epoch = 2, map_version = 1000000
             WHERE institution_id = '{id}'"
        )),
        ("shard-b", format!("SELECT institution_admit('{id}', 2, 'shard-b', '{id}', 'Moved', 'UTC')")),
    ];
    for (shard, statement) in statements {
        let mut owner =
            PgConnection::connect(platform.dsn(shard, "adminUrl")).await.expect("a connection");
        owner.execute(AssertSqlSafe(statement)).await.expect("handed over");
    }
}

#[tokio::test]
async fn a_node_that_was_frozen_while_an_institution_moved_away_answers_nothing_for_it() {
    let platform = Own::start(2, 2).await;
    let institution = platform.institution(Some("shard-a")).await;
    let nodes = nodes_of(&platform, &institution);
    let path = cached_course(&nodes).await;
    let frozen = NODES.map(|node| platform.pid(node));
    frozen.into_iter().for_each(freeze);
    let mut asked = Vec::new();
    for node in &nodes {
        for _ in 0..20 {
            let (node, path) = (node.clone(), path.clone());
            asked.push(tokio::spawn(async move {
                node.try_send(Method::GET, &path, None, &[]).await.status
            }));
        }
    }
    hand_over(&platform, &institution).await;
    // From now on another shard may acknowledge writes; the lease of a frozen node runs out meanwhile.
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    frozen.into_iter().for_each(thaw);
    let mut statuses = Vec::new();
    for task in asked {
        statuses.push(task.await.expect("asked"));
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 0, "{statuses:?}");
    for node in &nodes {
        assert_eq!(node.try_send(Method::GET, &path, None, &[]).await.status, 421);
    }
}
