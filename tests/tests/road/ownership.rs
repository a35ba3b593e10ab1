//! Who answers for an institution: a node only for its own, a router with an old map after one hop.

use std::time::{Duration, Instant};

use lxp_tests::{Client, Institution, Platform};
use reqwest::Method;
use serde_json::json;
use service_kit::token::Role;
use shard_map::InstitutionId;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

async fn owner_of(platform: &Platform, shard: &str) -> PgConnection {
    PgConnection::connect(platform.dsn(shard, "adminUrl")).await.expect("a connection")
}

/// Gives the institution from shard-a to shard-b in the shards' own tables, as the end of a move does, and
/// leaves the directory (and so every map) as it was.
async fn hand_over(platform: &Platform, institution: InstitutionId) {
    let away = format!(
        "UPDATE ownership SET state = 'moved', owner = 'shard-b', epoch = 2, map_version = 1000000
         WHERE institution_id = '{institution}'"
    );
    owner_of(platform, "shard-a").await.execute(AssertSqlSafe(away)).await.expect("moved away");
    let here = format!(
        "SELECT institution_admit('{institution}', 2, 'shard-b', '{institution}', 'Moved', 'UTC')"
    );
    owner_of(platform, "shard-b").await.execute(AssertSqlSafe(here)).await.expect("admitted");
}

/// The nodes of a shard, as the same caller.
fn nodes(platform: &Platform, shard: &str, caller: &Client) -> Vec<Client> {
    let node = |number| {
        platform.process(&format!("node-{shard}-{number}"))["url"].as_str().expect("a URL")
    };
    (1..=2).map(|number| caller.at(node(number))).collect()
}

async fn expect_not_owner(node: &Client, program: Uuid, owner: Option<&str>) {
    let read = node.get(&format!("/v1/programs/{program}")).await.expect(421);
    let write = node.post("/v1/courses", json!({"code": "C", "title": "t"})).await.expect(421);
    let list = node.get("/v1/programs").await.expect(421);
    for answer in [read, write, list] {
        assert_eq!((answer.code(), &answer.body["owner"]), ("not-owner", &json!(owner)));
    }
}

#[tokio::test]
async fn a_node_answers_for_no_other_shards_institution() {
    let platform = Platform::shared();
    let Institution { id, .. } = platform.institution(Some("shard-a")).await;
    let admin = platform.admin(id);
    let program =
        admin.post("/v1/programs", json!({"code": "P", "name": "P"})).await.expect(201).id();
    for node in nodes(&platform, "shard-b", &admin) {
        expect_not_owner(&node, program, None).await;
    }
}

#[tokio::test]
async fn what_has_moved_away_is_not_answered_from_a_cache() {
    let platform = Platform::shared();
    let Institution { id, .. } = platform.institution(Some("shard-a")).await;
    let admin = platform.admin(id);
    let program =
        admin.post("/v1/programs", json!({"code": "P", "name": "P"})).await.expect(201).id();
    let here = nodes(&platform, "shard-a", &admin);
    for node in &here {
        // Twice: the second answer comes from the cache.
        node.get(&format!("/v1/programs/{program}")).await.expect(200).id();
        node.get(&format!("/v1/programs/{program}")).await.expect(200).id();
    }
    hand_over(&platform, id).await;
    for node in &here {
        // The table in memory learns of it by LISTEN; the bound is the lease.
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(2);
        while node.get(&format!("/v1/programs/{program}")).await.status != 421 {
            assert!(tokio::time::Instant::now() < deadline, "an answer from before the move");
        }
        expect_not_owner(node, program, Some("shard-b")).await;
    }
}

#[tokio::test]
async fn a_router_with_an_old_map_is_right_after_one_hop() {
    let platform = Platform::shared();
    let Institution { id, .. } = platform.institution(Some("shard-a")).await;
    let admin = platform.admin(id);
    admin
        .post("/v1/programs", json!({"code": "OLD", "name": "left behind"}))
        .await
        .expect(201)
        .id();
    hand_over(&platform, id).await;
    let made = admin
        .post("/v1/programs", json!({"code": "NEW", "name": "after the move"}))
        .await
        .expect(201);
    let read = admin.get(&format!("/v1/programs/{}", made.id())).await.expect(200);
    assert_eq!(read.body["code"], "NEW");
    let list = admin.get("/v1/programs").await.expect(200);
    assert_eq!(list.body["total"], 1, "the old shard answered: {}", list.body);
    for node in nodes(&platform, "shard-b", &admin) {
        node.get(&format!("/v1/programs/{}", made.id())).await.expect(200).id();
    }
}

async fn parked(platform: &Platform) -> f64 {
    let mut parked = 0.0;
    for node in ["node-shard-a-1", "node-shard-a-2"] {
        parked += platform.metric(node, "lxp_parked_requests", |_| true).await;
    }
    parked
}

/// More than a router keeps of a body.
fn many_students() -> serde_json::Value {
    let name = "F".repeat(150);
    let student =
        |number| json!({"studentNo": format!("N-{number}"), "givenName": "G", "familyName": name});
    json!({"items": (0..500).map(student).collect::<Vec<_>>()})
}

/// The last moment of a move, as its mover does it to the shards' own tables.
#[tokio::test]
async fn a_cutover_is_one_slower_request_and_only_a_body_too_large_to_send_on_comes_again() {
    const EACH: u32 = 10;
    let platform = Platform::shared();
    let Institution { id, .. } = platform.institution(Some("shard-a")).await;
    let admin = platform.admin(id);
    admin.get("/v1/programs").await.expect(200).code();
    let (mut source, mut target) =
        (owner_of(&platform, "shard-a").await, owner_of(&platform, "shard-b").await);
    let row = |set: &str| format!("UPDATE ownership SET {set} WHERE institution_id = '{id}'");
    source.execute(AssertSqlSafe(row("state = 'fenced', epoch = 2"))).await.expect("fenced");
    let ask = |method: Method, path: &'static str, body| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.send(method, path, body, &[]).await })
    };
    let program = |number| json!({"code": format!("P{number}"), "name": "P"});
    let large = ask(Method::POST, "/v1/students:bulk", Some(many_students()));
    let writes: Vec<_> =
        (0..EACH).map(|n| ask(Method::POST, "/v1/programs", Some(program(n)))).collect();
    let reads: Vec<_> = (0..EACH).map(|_| ask(Method::GET, "/v1/programs", None)).collect();
    let begun = Instant::now();
    while parked(&platform).await < f64::from(2 * EACH + 1) {
        assert!(begun.elapsed() < Duration::from_secs(30), "they do not wait");
    }
    let here = format!("SELECT institution_admit('{id}', 3, 'shard-b', '{id}', 'Moved', 'UTC')");
    target.execute(AssertSqlSafe(here)).await.expect("admitted");
    let away = row("state = 'moved', epoch = 3, owner = 'shard-b', map_version = 1000000");
    source.execute(AssertSqlSafe(away)).await.expect("moved away");
    for (asked, status) in
        writes.into_iter().map(|it| (it, 201)).chain(reads.into_iter().map(|it| (it, 200)))
    {
        asked.await.expect("asked").expect(status).code();
    }
    let large = large.await.expect("asked").expect(503);
    assert_eq!(
        (large.code(), &large.headers["retry-after"]),
        ("cutover-timeout", &"1".parse().expect("a value"))
    );
    let list = |path| {
        let admin = admin.clone();
        async move { admin.get(path).await.expect(200).body["total"].clone() }
    };
    assert_eq!(list("/v1/programs").await, EACH, "each once, where it lives now");
    assert_eq!(list("/v1/students").await, 0, "what comes again had no effect");
}

#[tokio::test]
async fn an_institution_that_is_nowhere_is_unknown() {
    let platform = Platform::shared();
    let nobody = InstitutionId::new(Uuid::now_v7());
    let client = Client::new(platform.router(), &platform.token(nobody, Role::Admin));
    assert_eq!(client.get("/v1/programs").await.expect(404).code(), "institution-unknown");
    let stranger = Client::new(platform.router(), "no.token.atall");
    assert!(stranger.get("/v1/programs").await.expect(401).code().starts_with("token-"));
}
