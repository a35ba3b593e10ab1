//! Sessions of a class: their day and time, what may change in them, and which instructors see to them.

use axum::http::Method;
use chrono::Days;
use serde_json::json;

use super::{Taught, today};

#[tokio::test]
async fn an_instructor_sees_to_own_classes_alone() {
    let taught = Taught::open(2).await;
    let (own, other) = (taught.instructor(true).await, taught.instructor(false).await);
    let mark = json!({"items": [{"studentId": taught.students[0], "code": "PRESENT"}]});
    let of_class = format!("/v1/classes/{}", taught.class);
    for (client, status) in [(&own, 200), (&other, 403)] {
        client.get(&format!("{of_class}/attendance-sessions")).await.expect(status);
        client.get(&format!("{of_class}/attendance-stats")).await.expect(status);
        client.get(&taught.path("")).await.expect(status);
        client.get(&taught.path("/records")).await.expect(status);
        client.post(&taught.path("/records:bulk"), mark.clone()).await.expect(status);
        client.post(&taught.path(":openCheckIn"), json!({})).await.expect(status);
        let change = Some(json!({"title": "Week 1"}));
        client.send(Method::PATCH, &taught.path(""), change, &[]).await.expect(status);
        client.send(Method::DELETE, &taught.path(""), None, &[]).await.expect(if status == 200 {
            409
        } else {
            403
        });
        client.get("/v1/attendance-codes").await.expect(200);
        let code = json!({"code": "X", "name": "X"});
        client.post("/v1/attendance-codes", code).await.expect(403);
    }
    let student = taught.client_of(taught.students[0]).await;
    student.get(&taught.path("/records")).await.expect(403);
    taught.school.close().await;
}

#[tokio::test]
async fn a_session_begins_on_its_day_and_keeps_it_once_somebody_is_marked() {
    let taught = Taught::open(2).await;
    let path = format!("/v1/classes/{}/attendance-sessions", taught.class);
    let admin = &taught.school.admin;
    // 23:30 UTC is the next day in London's summer.
    let summer = json!({"date": "2026-07-01", "startsAt": "2026-06-30T23:30:00Z", "endsAt": "2026-07-01T01:00:00Z"});
    let made = admin.post(&path, summer.clone()).await.expect(201);
    assert_eq!(made.headers["location"], format!("/v1/attendance-sessions/{}", made.id()));
    assert_eq!(admin.post(&path, summer).await.expect(409).code(), "session-taken");
    let twice = admin.post(&path, json!({"date": today()})).await.expect(409);
    assert_eq!(twice.code(), "session-taken", "a day has one session without a time");
    for (body, pointer) in [
        (json!({"date": "2026-07-01", "startsAt": "2026-07-01T23:30:00Z"}), "/startsAt"),
        (json!({"date": "2026-07-01", "startsAt": "9999-01-01T00:00:00Z"}), "/startsAt"),
        (
            json!({"date": "2026-07-01", "startsAt": "2026-07-01T10:00:00Z", "endsAt": "2026-07-01T09:00:00Z"}),
            "/endsAt",
        ),
        (json!({"date": "0001-01-01"}), "/date"),
    ] {
        let refused = admin.post(&path, body).await.expect(400);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    taught.mark(&[(taught.students[0], "PRESENT")]).await.expect(200);
    let moved = json!({"date": today() - Days::new(1)});
    assert_eq!(
        taught.school.patch(&taught.path(""), moved).await.expect(409).code(),
        "has-records"
    );
    taught
        .school
        .patch(&taught.path(""), json!({"title": "Lab", "date": today()}))
        .await
        .expect(200);
    taught.school.delete(&taught.path("")).await.expect(409);
    taught.school.delete(&format!("/v1/attendance-sessions/{}", made.id())).await.expect(204);
    let (path, title) = (taught.path(""), Some(json!({"title": "X"})));
    let stale = admin.send(Method::PATCH, &path, title, &[("if-match", "\"1\"")]);
    assert_eq!(stale.await.expect(412).code(), "version-mismatch");
    taught.school.close().await;
}
