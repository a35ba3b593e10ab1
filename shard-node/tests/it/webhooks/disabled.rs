//! Webhooks that the platform disables: their server says that it is gone, or has failed for five days.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::sink::Sink;
use super::{SOON, is};
use crate::support::school::School;

#[tokio::test]
async fn a_webhook_that_answers_gone_is_disabled_and_an_event_says_so() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let webhook = school.webhook(&sink.url("hook"), &["COURSE_CREATED"]).await.id();
    sink.answers(410);
    school.course("C1").await;
    school.until_delivery(webhook, is("FAILED")).await;
    let disabled = school.get_webhook(webhook).await;
    assert_eq!(
        (&disabled["status"], &disabled["disabledReason"]),
        (&json!("DISABLED"), &json!("GONE"))
    );
    school.until_numbered().await;
    let said = school.events("?types=WEBHOOK_DISABLED").await["items"][0].clone();
    assert_eq!(said["payload"], json!({"id": webhook, "reason": "GONE"}));
    assert_eq!(said["actorId"], json!(Uuid::nil()), "the platform did it");
    school.course("C2").await;
    school.until_numbered().await;
    assert_eq!(school.deliveries(webhook).await.len(), 1, "nothing is kept for it");
    for path in [
        format!("/v1/webhooks/{webhook}:test"),
        format!(
            "/v1/webhook-deliveries/{}:replay",
            school.deliveries(webhook).await[0]["id"].as_str().expect("an id")
        ),
    ] {
        let refused = school.admin.post(&path, json!({})).await.expect(409);
        assert_eq!(refused.code(), "webhook-disabled", "{path}");
    }
    sink.answers(200);
    let enabled = school.verb(webhook, "enable").await.expect(200).body;
    assert_eq!((&enabled["status"], &enabled["disabledReason"]), (&json!("ENABLED"), &Value::Null));
    school.course("C3").await;
    school.until_delivery(webhook, is("DELIVERED")).await;
    school.close().await;
}

#[tokio::test]
async fn a_webhook_that_has_failed_for_five_days_is_disabled() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let webhook = school.webhook(&sink.url("hook"), &["COURSE_CREATED"]).await.id();
    sink.answers(500);
    school.course("C1").await;
    school.until_delivery(webhook, |delivery| delivery["attempts"] == json!(1)).await;
    school
        .as_superuser("UPDATE webhook_endpoints SET failing_since = now() - interval '119 hours'")
        .await;
    school.until_delivery(webhook, |delivery| delivery["attempts"] == json!(2)).await;
    assert_eq!(school.get_webhook(webhook).await["status"], "ENABLED", "not yet five days");
    school
        .as_superuser("UPDATE webhook_endpoints SET failing_since = now() - interval '121 hours'")
        .await;
    school.course("C2").await;
    let began = Instant::now();
    while school.get_webhook(webhook).await["status"] == "ENABLED" {
        assert!(began.elapsed() < SOON, "it is not disabled");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(school.get_webhook(webhook).await["disabledReason"], "FAILING");
    school.until_numbered().await;
    let said = school.events("?types=WEBHOOK_DISABLED").await;
    assert_eq!(said["items"].as_array().map(Vec::len), Some(1), "{said}");
    // What was pending for it ends.
    school
        .as_superuser(
            "UPDATE jobs SET run_at = now() WHERE type = 'WEBHOOK_DELIVERY' AND state = 'QUEUED'",
        )
        .await;
    let ended = school
        .until_delivery(webhook, |delivery| delivery["lastError"] == "the webhook is disabled")
        .await;
    assert_eq!(ended["state"], "FAILED");
    school.close().await;
}
