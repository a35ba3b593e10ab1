//! Programs through HTTP, against a real Postgres.

use crate::support::Shard;
use crate::support::api::Served;
use axum::http::Method;
use serde_json::{Value, json};
use service_kit::token::Role;

fn program(code: &str) -> Value {
    json!({
        "code": code, "name": "BSc Computing", "termSystem": "SEMESTER", "termsPerYear": 2, "weeksPerTerm": 15,
        "curriculumTemplate": {
            "code": format!("T-{code}"), "version": 1, "years": 1, "creditsRequired": "60", "groups": [],
            "items": [
                {"newCourse": {"code": format!("{code}-1"), "title": "One", "credits": "30"}, "year": 1, "term": 1,
                 "kind": "CORE"},
                {"newCourse": {"code": format!("{code}-2"), "title": "Two", "credits": "30"}, "year": 1, "term": 2,
                 "kind": "CORE", "prerequisites": [format!("{code}-1")]},
            ],
        },
    })
}

#[tokio::test]
async fn a_program_is_created_whole_and_read_back() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let served = Served::start(&shard, 4).await;
    let admin = served.admin(institution);

    let made = admin.post("/v1/programs", program("CS")).await.expect(201);
    assert_eq!(made.headers["etag"], "\"1\"");
    assert_eq!(made.headers["location"], format!("/v1/programs/{}", made.id()));
    assert_eq!(made.body["status"], "DRAFT");
    assert_eq!(made.body["termSystem"]["type"], "SEMESTER");
    assert_eq!(made.body["curriculum"]["items"][1]["courseCode"], "CS-2");

    let read = admin.get(&format!("/v1/programs/{}", made.id())).await.expect(200);
    assert_eq!(read.body, made.body);
    let events: Vec<String> = sqlx::query_scalar("SELECT type FROM outbox_events ORDER BY type")
        .fetch_all(&shard.pool("postgres", 1))
        .await
        .expect("events");
    assert_eq!(events, ["COURSE_CREATED", "COURSE_CREATED", "PROGRAM_CREATED"]);
    drop(served);
    shard.drop_database().await;
}

#[tokio::test]
async fn what_a_program_gets_wrong_is_said() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let served = Served::start(&shard, 4).await;
    let admin = served.admin(institution);
    admin.post("/v1/programs", program("CS")).await.expect(201);

    let taken = admin.post("/v1/programs", program("CS")).await.expect(409);
    assert_eq!(
        (taken.code(), &taken.body["errors"][0]["pointer"]),
        ("code-taken", &json!("/code"))
    );

    let mut later = program("LATE");
    later["curriculumTemplate"]["items"][0]["prerequisites"] = json!(["LATE-2"]);
    let refused = admin.post("/v1/programs", later).await.expect(422);
    assert_eq!(refused.code(), "template");

    let mut assigned = program("X");
    assigned["institutionId"] = json!("00000000-0000-0000-0000-000000000000");
    let refused = admin.post("/v1/programs", assigned).await.expect(400);
    assert!(
        refused.body["errors"][0]["detail"].as_str().expect("a detail").contains("institutionId")
    );

    let student = served.client(institution, Role::Student, None);
    assert_eq!(student.post("/v1/programs", program("S")).await.expect(403).code(), "forbidden");
    let total = admin.get("/v1/programs?count=exact").await.expect(200).body["total"].clone();
    assert_eq!(total, 1, "a refused program left something");
    drop(served);
    shard.drop_database().await;
}

#[tokio::test]
async fn lists_have_pages_cursors_sorts_and_selects() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let served = Served::start(&shard, 4).await;
    let admin = served.admin(institution);
    for number in 0..7 {
        let body = json!({"code": format!("P{number}"), "name": format!("Program {number}")});
        admin.post("/v1/programs", body).await.expect(201);
    }
    let page =
        admin.get("/v1/programs?page=2&limit=3&sort=-code&select=id,code").await.expect(200).body;
    assert_eq!(
        (&page["total"], &page["totalPages"], &page["page"]),
        (&json!(7), &json!(3), &json!(2))
    );
    let codes: Vec<_> =
        page["items"].as_array().expect("items").iter().map(|item| item["code"].clone()).collect();
    assert_eq!(codes, ["P3", "P2", "P1"]);
    assert_eq!(page["items"][0].as_object().expect("an item").len(), 2);

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/programs?limit=2&sort=-createdAt&count=none{cursor}");
        let page = admin.get(&path).await.expect(200).body;
        seen.extend(
            page["items"].as_array().expect("items").iter().map(|item| item["code"].clone()),
        );
        assert!(page.get("total").is_none());
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["P6", "P5", "P4", "P3", "P2", "P1", "P0"]);

    for (query, allowed) in [
        ("sort=shoe", "createdAt"),
        ("select=shoe", "rowVersion"),
        ("shoe=1", "status"),
        ("limit=201", "200"),
        ("page=99999", "cursor"),
        ("cursor=zz", "nextCursor"),
    ] {
        let refused = admin.get(&format!("/v1/programs?{query}")).await.expect(400);
        assert!(refused.body.to_string().contains(allowed), "{query}: {}", refused.body);
    }
    drop(served);
    shard.drop_database().await;
}

#[tokio::test]
async fn a_change_is_seen_by_its_version() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let served = Served::start(&shard, 4).await;
    let admin = served.admin(institution);
    let path = format!(
        "/v1/programs/{}",
        admin.post("/v1/programs", json!({"code": "P", "name": "P"})).await.id()
    );
    let change = |version| {
        let (admin, path) = (admin.clone(), path.clone());
        async move {
            let body = json!({"name": "Q", "status": "ACTIVE"});
            admin.send(Method::PATCH, &path, Some(body), &[("if-match", version)]).await
        }
    };
    assert_eq!(change("\"1\"").await.expect(200).headers["etag"], "\"2\"");
    assert_eq!(change("\"1\"").await.expect(412).code(), "version-mismatch");
    assert_eq!(change("x").await.expect(400).code(), "if-match-malformed");
    assert_eq!(admin.get(&path).await.expect(200).body["name"], "Q");
    admin.send(Method::DELETE, &path, None, &[]).await.expect(204);
    admin.get(&path).await.expect(404);
    drop(served);
    shard.drop_database().await;
}
