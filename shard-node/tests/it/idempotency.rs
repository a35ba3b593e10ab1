//! Idempotency keys: R13 against one node.

use axum::http::Method;
use futures::future::join_all;
use serde_json::json;

use crate::support::school::School;

#[tokio::test]
async fn fifty_requests_with_one_key_have_one_effect() {
    let school = School::open().await;
    let send = || {
        let body = json!({"code": "C1", "title": "Course"});
        school.admin.send(Method::POST, "/v1/courses", Some(body), &[("idempotency-key", "k-1")])
    };
    let answers = join_all((0..50).map(|_| send())).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty());
    assert!(made.iter().all(|answer| answer.body == made[0].body), "two answers for one key");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert!(matches!(answer.code(), "idempotency-in-flight" | "overloaded"), "{answer:?}");
    }
    assert_eq!(school.count("SELECT count(*) FROM courses").await, 1);
    assert_eq!(send().await.expect(201).body, made[0].body);
    school.close().await;
}

#[tokio::test]
async fn a_key_names_one_request_of_one_principal() {
    let school = School::open().await;
    let key = [("idempotency-key", "k-1")];
    let post = |code: &str| {
        let body = Some(json!({"code": code, "title": "Course"}));
        let admin = school.admin.clone();
        async move { admin.send(Method::POST, "/v1/courses", body, &key).await }
    };
    post("C1").await.expect(201);
    assert_eq!(post("C2").await.expect(422).code(), "idempotency-mismatch");
    let staff = school.served.client(school.institution, service_kit::token::Role::Staff, None);
    let body = Some(json!({"code": "C2", "title": "Course"}));
    staff.send(Method::POST, "/v1/courses", body, &key).await.expect(201);
    let long = "x".repeat(256);
    let body = Some(json!({"code": "C3", "title": "Course"}));
    school
        .admin
        .send(Method::POST, "/v1/courses", body, &[("idempotency-key", &long)])
        .await
        .expect(400);
    school.close().await;
}

/// A refusal is not kept: the same key is judged anew once its ground has gone.
#[tokio::test]
async fn a_refusal_is_judged_anew() {
    let school = School::open().await;
    let course = school
        .admin
        .post("/v1/courses", json!({"code": "C1", "title": "t"}))
        .await
        .expect(201)
        .id();
    let again = || {
        let body = Some(json!({"code": "C1", "title": "again"}));
        school.admin.send(Method::POST, "/v1/courses", body, &[("idempotency-key", "k")])
    };
    again().await.expect(409);
    school
        .admin
        .send(Method::DELETE, &format!("/v1/courses/{course}"), None, &[])
        .await
        .expect(204);
    again().await.expect(201);
    school.close().await;
}
