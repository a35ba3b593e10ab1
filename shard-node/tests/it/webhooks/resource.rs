//! Webhooks as a resource: made, changed, disabled and deleted, by whom, and how many.

use axum::http::Method;
use serde_json::json;
use service_kit::token::Role;

use super::sink::Sink;
use crate::support::school::School;

#[tokio::test]
async fn webhooks_are_made_changed_and_deleted_by_admins_and_clients() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let made = school.webhook(&sink.url("hook"), &[]).await;
    let (webhook, path) = (made.id(), format!("/v1/webhooks/{}", made.id()));
    assert_eq!(made.headers["location"], path);
    let body = json!({"eventTypes": ["COURSE_CREATED"], "url": sink.url("moved")});
    let stale = [("if-match", "\"7\"")];
    school.admin.send(Method::PATCH, &path, Some(body.clone()), &stale).await.expect(412);
    let patched = school.patch(&path, body).await.expect(200);
    assert_eq!(patched.body["eventTypes"], json!(["COURSE_CREATED"]));
    school.course("C1").await;
    sink.until("moved", 1).await;
    let disabled = school.verb(webhook, "disable").await.expect(200);
    assert_eq!(disabled.body["disabledReason"], "BY_HAND");
    for wrong in [
        json!({"url": "x"}),
        json!({"url": sink.url("x"), "eventTypes": ["lower"]}),
        json!({"url": sink.url("x"), "secret": "whsec_AAAA"}),
        json!({"url": sink.url("x"), "status": "ENABLED"}),
    ] {
        let refused = school.admin.post("/v1/webhooks", wrong.clone()).await;
        assert!(refused.status.is_client_error(), "{wrong}: {refused:?}");
    }
    for (role, status) in [(Role::ApiClient, 200), (Role::Staff, 403), (Role::Instructor, 403)] {
        let client = school.served.client(school.institution, role, None);
        client.get("/v1/webhooks").await.expect(status);
    }
    school.delete(&path).await.expect(204);
    assert_eq!(school.count("SELECT count(*) FROM webhook_deliveries").await, 0);
    school.admin.get(&path).await.expect(404);
    for number in 0..20 {
        school.webhook(&sink.url(&number.to_string()), &["NONE"]).await;
    }
    let body = json!({"url": sink.url("one-too-many")});
    let refused = school.admin.post("/v1/webhooks", body).await.expect(409);
    assert_eq!(refused.code(), "webhooks-max");
    school.close().await;
}
