//! The wire of tRPC: envelopes, batches, statuses. The real client speaks it in tests/trpc.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use service_kit::token::Role;
use shard_map::InstitutionId;
use uuid::Uuid;

use crate::support::api::{Answer, Client};
use crate::support::school::School;

fn program(code: &str) -> Value {
    json!({"code": code, "name": code})
}

fn query(procedures: &str, input: &Value, batch: bool) -> String {
    let mut pairs = form_urlencoded(&[("input", &input.to_string())]);
    if batch {
        pairs.push_str("&batch=1");
    }
    format!("/trpc/{procedures}?{pairs}")
}

fn form_urlencoded(pairs: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://localhost/").expect("a url");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// Creates programs in one batch.
async fn create(client: &Client, codes: &[&str], headers: &[(&str, &str)]) -> Answer {
    let procedures = vec!["academic.createProgram"; codes.len()].join(",");
    let inputs: serde_json::Map<_, _> =
        codes.iter().enumerate().map(|(at, code)| (at.to_string(), program(code))).collect();
    let path = format!("/trpc/{procedures}?batch=1");
    client.send(Method::POST, &path, Some(Value::Object(inputs)), headers).await
}

#[tokio::test]
async fn a_call_alone_answers_an_envelope_alone() {
    let school = School::open().await;
    let made = school.admin.post("/trpc/academic.createProgram", program("CS")).await.expect(200);
    let id = made.body["result"]["data"]["id"].clone();
    let path = query("academic.getProgram", &json!({"id": id}), false);
    let read = school.admin.get(&path).await.expect(200);
    assert_eq!(read.body, made.body);
    let listed = school.admin.get("/trpc/academic.listPrograms").await.expect(200);
    assert_eq!(listed.body["result"]["data"]["total"], 1);
    let removed =
        school.admin.post("/trpc/academic.deleteProgram", json!({"id": id})).await.expect(200);
    assert_eq!(removed.body, json!({"result": {"data": null}}));
    school.close().await;
}

#[tokio::test]
async fn a_refusal_has_the_problem_that_rest_would_send() {
    let school = School::open().await;
    let over_trpc =
        school.admin.post("/trpc/academic.createProgram", json!({"code": "CS"})).await.expect(400);
    let over_rest = school.admin.post("/v1/programs", json!({"code": "CS"})).await.expect(400);
    let error = &over_trpc.body["error"];
    assert_eq!((&error["code"], &error["data"]["code"]), (&json!(-32600), &json!("BAD_REQUEST")));
    assert_eq!(error["data"]["path"], "academic.createProgram");
    let mut problem = error["data"]["problem"].clone();
    problem["requestId"] = over_rest.body["requestId"].clone();
    assert_eq!(problem, over_rest.body);
    assert_eq!(over_trpc.headers["content-type"], "application/json");
    school.close().await;
}

#[tokio::test]
async fn a_batch_is_207_where_its_calls_differ_and_their_status_where_not() {
    let school = School::open().await;
    let made = create(&school.admin, &["A", "B"], &[]).await.expect(200);
    assert_eq!(made.body[1]["result"]["data"]["code"], "B");
    let mixed = create(&school.admin, &["A", "C"], &[]).await.expect(207);
    assert_eq!(mixed.body[0]["error"]["data"]["httpStatus"], 409);
    assert_eq!(mixed.body[0]["error"]["data"]["problem"]["code"], "code-taken");
    assert_eq!(mixed.body[1]["result"]["data"]["code"], "C");
    create(&school.admin, &["A", "B"], &[]).await.expect(409);

    let id = made.body[0]["result"]["data"]["id"].clone();
    let inputs = json!({"0": {"id": id}, "2": {"limit": 2}});
    let procedures = "academic.getProgramStats,academic.noSuch%2Cacademic.listPrograms";
    let read = school.admin.get(&query(procedures, &inputs, true)).await.expect(207);
    assert_eq!(read.body[0]["result"]["data"]["studentCount"], 0);
    assert_eq!(read.body[1]["error"]["data"]["httpStatus"], 404);
    assert_eq!(read.body[2]["result"]["data"]["total"], 3);
    school.close().await;
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_for_every_call() {
    let school = School::open().await;
    let two = "academic.getProgram,academic.listPrograms";
    for path in [
        format!("/trpc/{two}?batch=1&input=%7B"),
        format!("/trpc/{two}?batch=1&input=[]"),
        format!("/trpc/{two}"),
        format!("/trpc/{two}?batch=true"),
        format!("/trpc/{}?batch=1", vec!["academic.listPrograms"; 51].join(",")),
    ] {
        school.admin.get(&path).await.expect(400);
    }
    let by_post = school.admin.post("/trpc/academic.listPrograms", json!({})).await.expect(405);
    assert_eq!(by_post.body["error"]["code"], -32005);
    school.admin.get(&query("academic.createProgram", &program("X"), false)).await.expect(405);
    let form = [("content-type", "text/plain")];
    let plain = reqwest::Client::new()
        .post(format!("{}/trpc/academic.createProgram", school.served.url))
        .bearer_auth(&school.admin.token)
        .header(form[0].0, form[0].1)
        .body(program("X").to_string());
    let answer = plain.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(school.count("SELECT count(*) FROM programs").await, 0);
    school.close().await;
}

#[tokio::test]
async fn who_may_not_call_is_told_so_in_the_envelope() {
    let school = School::open().await;
    let student = school.served.client(school.institution, Role::Student, None);
    let refused = create(&student, &["A", "B"], &[]).await.expect(403);
    assert_eq!(refused.body[1]["error"]["data"]["code"], "FORBIDDEN");
    let nobody = Client { token: String::new(), ..school.admin.clone() };
    let refused = create(&nobody, &["A", "B"], &[]).await.expect(401);
    let challenge = refused.headers["www-authenticate"].to_str().expect("text");
    assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
    assert_eq!(refused.body[0]["error"]["code"], -32001);
    school.close().await;
}

#[tokio::test]
async fn a_key_on_a_batch_is_one_for_each_call() {
    let school = School::open().await;
    let long = "k".repeat(255);
    let key = [("idempotency-key", long.as_str())];
    let made = create(&school.admin, &["A", "B"], &key).await.expect(200);
    let again = create(&school.admin, &["A", "B"], &key).await.expect(200);
    assert_eq!(again.body, made.body);
    let other = create(&school.admin, &["A", "C"], &key).await.expect(207);
    assert_eq!(other.body[0], made.body[0]);
    assert_eq!(other.body[1]["error"]["data"]["problem"]["code"], "idempotency-mismatch");
    assert_eq!(school.count("SELECT count(*) FROM programs").await, 2);
    school.close().await;
}

#[tokio::test]
async fn a_batch_that_nobody_serves_here_is_one_421() {
    let school = School::open().await;
    let elsewhere = school.served.admin(InstitutionId::new(Uuid::now_v7()));
    let refused = create(&elsewhere, &["A", "B"], &[]).await.expect(421);
    assert_eq!(refused.code(), "not-owner");
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    let alone = elsewhere.get("/trpc/academic.listPrograms").await.expect(421);
    assert_eq!(alone.code(), "not-owner");
    school.close().await;
}
