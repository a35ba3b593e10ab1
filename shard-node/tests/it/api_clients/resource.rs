//! Api clients as a resource: whose they are, how they are listed, and how many.

use serde_json::json;
use service_kit::token::Role;
use sqlx::Executor as _;

use super::Made;
use crate::support::school::School;

/// Who waits for a lock in this database.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[tokio::test]
async fn api_clients_are_the_admins_alone_and_listed_by_what_they_are() {
    let school = School::open().await;
    for name in ["B", "A", "C"] {
        Made::by(&school.admin, json!({"name": name})).await;
    }
    let list = school.admin.get("/v1/api-clients?sort=name&select=name,status").await.expect(200);
    assert_eq!(list.body["items"][0], json!({"name": "A", "status": "ACTIVE"}));
    let revoked = school.admin.get("/v1/api-clients?status=REVOKED").await.expect(200).body;
    assert_eq!(revoked["total"], 0);
    for role in [Role::Staff, Role::Instructor, Role::Student, Role::ApiClient] {
        let client = school.served.client(school.institution, role, None);
        client.get("/v1/api-clients").await.expect(403);
        client.post("/v1/api-clients", json!({"name": "X"})).await.expect(403);
    }
    for wrong in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "x".repeat(201)}),
        json!({"name": "A", "secret": "s"}),
    ] {
        school.admin.post("/v1/api-clients", wrong).await.expect(400);
    }
    school.run("INSERT INTO api_clients (institution_id, id, name, secret_hash, created_by) SELECT institution_id, gen_random_uuid(), 'n', secret_hash, created_by FROM api_clients, generate_series(1, 33) LIMIT 96").await;
    // All of them are on their way before one is in.
    let mut other = school.shard.connect("postgres").await;
    other.execute("BEGIN; LOCK TABLE api_clients IN SHARE MODE").await.expect("locked");
    let posts = (0..3).map(|_| school.admin.post("/v1/api-clients", json!({"name": "X"})));
    let let_in = async {
        school.until(WAITING, 3).await;
        other.execute("COMMIT").await.expect("ended");
    };
    let (answers, ()) = tokio::join!(futures::future::join_all(posts), let_in);
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 201).count(),
        1,
        "there was one place"
    );
    let full = school.admin.post("/v1/api-clients", json!({"name": "X"})).await.expect(409);
    assert_eq!(full.code(), "api-clients-max");
    school.close().await;
}
