//! The log as it is read: followed by numbers, and what an event says of who caused it and of the people it is about.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::json;
use service_kit::token::Role;
use uuid::Uuid;

use super::Quiet;
use crate::support::api::Plan;
use crate::support::directory::FakeDirectory;
use crate::support::school::School;

#[tokio::test]
async fn events_are_followed_by_their_numbers() {
    let school = School::open().await;
    assert_eq!(school.events("").await, json!({"items": [], "nextAfter": 0}));
    let course = school.admin.post("/v1/courses", json!({"code": "C", "title": "C"})).await;
    let course = course.expect(201).id();
    let path = format!("/v1/courses/{course}");
    for title in ["1", "2"] {
        school.patch(&path, json!({"title": title})).await.expect(200);
    }
    school.until_numbered().await;
    let all = school.events("").await;
    let seen: Vec<_> = all["items"].as_array().expect("events").iter().collect();
    let seqs: Vec<_> = seen.iter().map(|event| event["seq"].as_i64().expect("a number")).collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert_eq!(seen[0]["type"], "COURSE_CREATED");
    assert_eq!(seen[2]["payload"]["title"], "2");
    assert_eq!(seen[2]["aggregateVersion"], 3);
    assert_eq!(all["nextAfter"], 3);
    let page = school.events("?after=1&limit=1").await;
    assert_eq!((&page["items"][0]["seq"], &page["nextAfter"]), (&json!(2), &json!(2)));
    let few = school.events("?types=COURSE_CREATED,NOTHING").await;
    assert_eq!((few["items"].as_array().map(Vec::len), &few["nextAfter"]), (Some(1), &json!(3)));
    let beyond = school.events("?after=500").await;
    assert_eq!(beyond, json!({"items": [], "nextAfter": 500}));
    for wrong in ["?after=-1", "?limit=0", "?limit=1001", "?types=a", "?types=", "?nope=1"] {
        school.admin.get(&format!("/v1/events{wrong}")).await.expect(400);
    }
    for (role, status) in [(Role::ApiClient, 200), (Role::Staff, 403), (Role::Student, 403)] {
        let client = school.served.client(school.institution, role, None);
        client.get("/v1/events").await.expect(status);
    }
    school.close().await;
}

/// Events without a number are not there yet for who follows.
#[tokio::test]
async fn what_has_no_number_is_not_shown() {
    let mut plan_shard = Quiet::open().await;
    plan_shard.write(1, 1, 1).await;
    let mut plan = Plan::new(&plan_shard.shard, FakeDirectory::start().await);
    plan.numbers = false;
    let served = plan.serve().await;
    served.until_leased().await;
    let admin = served.admin(plan_shard.institution);
    assert_eq!(admin.get("/v1/events").await.expect(200).body["items"], json!([]));
    assert_eq!(admin.get("/v1/audit").await.expect(200).body["items"], json!([]));
    plan_shard.number(10).await;
    let shown = admin.get("/v1/events").await.expect(200).body;
    assert_eq!(shown["items"][0]["seq"], 1);
    drop(served);
    plan_shard.close().await;
}

/// In a chain that nothing can be taken out of, nobody is named.
#[tokio::test]
async fn events_of_students_do_not_say_who_they_are() {
    let school = School::open().await;
    let student = json!({"studentNo": "S-1", "givenName": "Adalmira", "familyName": "Lovelock",
        "email": "ada@example.edu"});
    let id = school.admin.post("/v1/students", student.clone()).await.expect(201).id();
    school
        .patch(&format!("/v1/students/{id}"), json!({"familyName": "Kingsley"}))
        .await
        .expect(200);
    school
        .admin
        .post(
            "/v1/students:bulk",
            json!({"items": [{"studentNo": "S-2",
        "givenName": "Adalmira", "familyName": "Lovelock", "email": "b@example.edu"}]}),
        )
        .await
        .expect(200);
    school.until_numbered().await;
    let events = school.events("").await;
    assert_eq!(events["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(events["items"][0]["payload"]["studentNo"], "S-1");
    for personal in ["Adalmira", "Lovelock", "Kingsley", "example.edu"] {
        assert!(!events.to_string().contains(personal), "{personal}: {events}");
    }
    school.close().await;
}

/// What the table of the audit says of its makers is read off the requests.
#[tokio::test]
async fn an_event_says_who_caused_it_and_by_which_request() {
    let school = School::open().await;
    let who = Uuid::now_v7();
    let client = school.served.client(school.institution, Role::Staff, Some(who));
    let body = Some(json!({"code": "C", "title": "C"}));
    let headers = [("x-request-id", "req-7")];
    client.send(Method::POST, "/v1/courses", body, &headers).await.expect(201);
    school.until_numbered().await;
    let entry = school.admin.get("/v1/audit").await.expect(200).body["items"][0].clone();
    let seen: BTreeMap<_, _> =
        ["actorId", "requestId"].map(|name| (name, entry[name].clone())).into();
    assert_eq!(seen, BTreeMap::from([("actorId", json!(who)), ("requestId", json!("req-7"))]));
    school.close().await;
}
