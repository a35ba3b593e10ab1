//! What a webhook is signed with: shown once, kept in no answer, event or job, and rotated with an overlap.

use axum::http::Method;
use serde_json::json;

use super::secret;
use super::sink::Sink;
use crate::support::school::School;

#[tokio::test]
async fn a_secret_is_not_shown_again_to_who_comes_with_the_same_key() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let create = |key: &'static str| {
        let body = json!({"url": sink.url("hook"), "description": "test", "eventTypes": []});
        let (admin, key) = (school.admin.clone(), [("idempotency-key", key)]);
        async move { admin.send(Method::POST, "/v1/webhooks", Some(body), &key).await.expect(201) }
    };
    let made = create("k-1").await;
    secret(&made);
    let again = create("k-1").await;
    assert_eq!((again.id(), again.body.get("secret")), (made.id(), None));
    let rotate = format!("/v1/webhooks/{}:rotateSecret", made.id());
    let key = [("idempotency-key", "k-2")];
    let rotated = school.admin.send(Method::POST, &rotate, None, &key).await.expect(200);
    secret(&rotated);
    let again = school.admin.send(Method::POST, &rotate, None, &key).await.expect(200);
    assert_eq!(again.body.get("secret"), None);
    assert_eq!(again.body["rowVersion"], rotated.body["rowVersion"], "it was rotated once");
    let kept = "SELECT count(*) FROM idempotency_keys WHERE answer::text LIKE '%whsec%'";
    assert_eq!(school.count(kept).await, 0);
    school.close().await;
}

#[tokio::test]
async fn a_secret_is_shown_once_and_both_sign_while_one_replaces_the_other() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let made = school.webhook(&sink.url("hook?key=hush-hush"), &["COURSE_CREATED"]).await;
    let (webhook, first) = (made.id(), secret(&made));
    assert!(first.starts_with("whsec_"));
    let rotated = school.verb(webhook, "rotateSecret").await.expect(200);
    let second = secret(&rotated);
    assert_ne!(first, second);
    school.course("C1").await;
    let got = sink.until("hook", 1).await;
    assert!(got[0].is_signed_by(&first) && got[0].is_signed_by(&second), "{:?}", got[0].headers);
    school
        .as_superuser("UPDATE webhook_endpoints SET previous_until = now() - interval '1 second'")
        .await;
    school.course("C2").await;
    let got = sink.until("hook", 2).await;
    assert!(!got[1].is_signed_by(&first), "a day later it still signs");
    assert!(got[1].is_signed_by(&second));
    let patch = json!({"description": "other"});
    let patched = school.patch(&format!("/v1/webhooks/{webhook}"), patch).await.expect(200);
    school.until_numbered().await;
    let read = [
        patched.body,
        school.get_webhook(webhook).await,
        school.admin.get("/v1/webhooks").await.expect(200).body,
        school.events("").await,
        school.admin.get("/v1/audit").await.expect(200).body,
        json!(school.deliveries(webhook).await),
    ];
    for read in &read {
        assert!(!read.to_string().contains("whsec_"), "{read}");
    }
    assert!(!read[3].to_string().contains("hush-hush"), "an event has the URL: {}", read[3]);
    let jobs = "SELECT count(*) FROM jobs WHERE payload::text LIKE '%hush%' OR payload::text LIKE '%whsec%'
                OR last_error LIKE '%hush%'";
    assert_eq!(school.count(jobs).await, 0);
    school.admin.get("/v1/webhooks?select=secret").await.expect(400);
    school.admin.get("/v1/webhooks?sort=secret").await.expect(400);
    school.close().await;
}
