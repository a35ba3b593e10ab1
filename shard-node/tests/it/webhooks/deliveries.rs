//! Deliveries: signed, tried again under the same id, given up, replayed.

use serde_json::{Value, json};

use super::sink::Sink;
use super::{is, secret};
use crate::support::school::School;

#[tokio::test]
async fn an_event_goes_signed_to_each_webhook_that_wants_it() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let all = school.webhook(&sink.url("all"), &[]).await;
    school.webhook(&sink.url("students"), &["STUDENT_CREATED"]).await;
    let course = school.course("C1").await;
    let student = json!({"studentNo": "1", "givenName": "G", "familyName": "F"});
    school.admin.post("/v1/students", student).await.expect(201);
    let got = sink.until("all", 4).await;
    sink.until("students", 1).await;
    // That they were made is an event, too.
    let mut types: Vec<_> = got.iter().map(|got| got.json()["type"].clone()).collect();
    types.sort_by_key(Value::to_string);
    let expected = ["COURSE_CREATED", "STUDENT_CREATED", "WEBHOOK_CREATED", "WEBHOOK_CREATED"];
    assert_eq!(types, expected);
    for got in &got {
        assert!(got.is_signed_by(&secret(&all)), "{got:?}");
        assert!(!got.is_signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_eq!(got.headers["content-type"], "application/json");
    }
    let created = got.iter().find(|got| got.json()["type"] == "COURSE_CREATED").expect("it came");
    let body = created.json();
    assert_eq!(body["data"]["aggregateId"], json!(course));
    assert_eq!(created.id(), format!("evt_{}", body["data"]["id"].as_str().expect("an id")));
    let logged = school.events("?types=COURSE_CREATED").await["items"][0].clone();
    assert_eq!(body["data"], logged, "what is sent is what can be read");
    assert_eq!(body["timestamp"], logged["createdAt"]);
    school.until_delivery(all.id(), is("DELIVERED")).await;
    // Ids are those of the effects, each once.
    assert_eq!(sink.got("students").len(), 1);
    let mut ids: Vec<_> = sink.got("all").iter().map(|got| got.id().to_owned()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    school.close().await;
}

#[tokio::test]
async fn what_fails_is_sent_again_with_the_same_id() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let webhook = school.webhook(&sink.url("hook"), &["COURSE_CREATED"]).await.id();
    sink.answers(500);
    school.course("C1").await;
    sink.until("hook", 1).await;
    let failing =
        school.until_delivery(webhook, |delivery| delivery["lastStatus"] == json!(500)).await;
    assert_eq!((&failing["state"], &failing["attempts"]), (&json!("PENDING"), &json!(1)));
    assert_eq!(failing["lastError"], "the answer was 500");
    assert!(school.get_webhook(webhook).await["failingSince"].is_string());
    sink.answers(204);
    let done = school.until_delivery(webhook, is("DELIVERED")).await;
    assert_eq!((&done["lastStatus"], &done["nextAttemptAt"]), (&json!(204), &Value::Null));
    let got = sink.got("hook");
    assert!(got.len() >= 2 && got.iter().all(|one| one.id() == got[0].id()), "{got:?}");
    assert_eq!(done["webhookId"], got[0].id());
    assert!(got.iter().all(|one| one.body == got[0].body), "the body changed");
    assert!(school.get_webhook(webhook).await["failingSince"].is_null());
    school.close().await;
}

#[tokio::test]
async fn after_fifteen_attempts_it_is_given_up_and_can_be_replayed() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let webhook = school.webhook(&sink.url("hook"), &["COURSE_CREATED"]).await.id();
    sink.answers(503);
    school.course("C1").await;
    school.until_delivery(webhook, |delivery| delivery["attempts"] == json!(1)).await;
    // Days later: only the last attempt is left, and it is due.
    school
        .as_superuser(
            "UPDATE webhook_deliveries SET attempts = 14;
             UPDATE jobs SET run_at = now() WHERE type = 'WEBHOOK_DELIVERY' AND state = 'QUEUED'",
        )
        .await;
    let given_up = school.until_delivery(webhook, is("FAILED")).await;
    assert!(given_up["attempts"].as_i64().is_some_and(|attempts| attempts >= 15), "{given_up}");
    sink.answers(200);
    let id = given_up["id"].as_str().expect("an id");
    let replay = format!("/v1/webhook-deliveries/{id}:replay");
    let again = school.admin.post(&replay, json!({})).await.expect(202);
    assert_eq!((&again.body["state"], &again.body["attempts"]), (&json!("PENDING"), &json!(0)));
    let done = school.until_delivery(webhook, is("DELIVERED")).await;
    assert_eq!(done["attempts"], 1);
    let before = sink.got("hook").len();
    school.admin.post(&replay, json!({})).await.expect(202);
    let got = sink.until("hook", before + 1).await;
    assert!(got.iter().all(|one| one.id() == got[0].id()), "a replay is the same event");
    school.close().await;
}

/// Its next attempt is hours away, and its job has been begun so often that it would be the last.
#[tokio::test]
async fn a_delivery_that_rests_is_replayed_at_once_with_all_its_attempts() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let webhook = school.webhook(&sink.url("hook"), &["COURSE_CREATED"]).await.id();
    sink.answers(500);
    school.course("C1").await;
    school.until_delivery(webhook, |delivery| delivery["attempts"] == json!(1)).await;
    school.until_idle().await;
    school
        .as_superuser(
            "UPDATE jobs SET run_at = now() + interval '20 hours', attempts = 39
             WHERE type = 'WEBHOOK_DELIVERY' AND state = 'QUEUED'",
        )
        .await;
    sink.answers(200);
    let pending = school.deliveries(webhook).await[0].clone();
    assert_eq!(pending["state"], "PENDING");
    let id = pending["id"].as_str().expect("an id");
    let replay = format!("/v1/webhook-deliveries/{id}:replay");
    school.admin.post(&replay, json!({})).await.expect(202);
    school.until_delivery(webhook, is("DELIVERED")).await;
    school.until_idle().await;
    let attempts = "SELECT attempts::bigint FROM jobs WHERE type = 'WEBHOOK_DELIVERY'";
    assert_eq!(school.count(attempts).await, 1, "its job's attempts begin anew");
    school.close().await;
}

/// A job may be begun without an attempt of its delivery: its worker died. The last one ends both.
#[tokio::test]
async fn a_delivery_ends_with_the_last_attempt_of_its_job() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let webhook = school.webhook(&sink.url("hook"), &["COURSE_CREATED"]).await.id();
    sink.answers(500);
    school.course("C1").await;
    school.until_delivery(webhook, |delivery| delivery["attempts"] == json!(1)).await;
    school.until_idle().await;
    school
        .as_superuser(
            "UPDATE jobs SET run_at = now(), attempts = 39
             WHERE type = 'WEBHOOK_DELIVERY' AND state = 'QUEUED'",
        )
        .await;
    let ended = school.until_delivery(webhook, is("FAILED")).await;
    assert_eq!((&ended["attempts"], &ended["nextAttemptAt"]), (&json!(2), &Value::Null));
    school.close().await;
}

#[tokio::test]
async fn a_test_goes_to_one_webhook_alone() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let one = school.webhook(&sink.url("one"), &["COURSE_CREATED"]).await.id();
    let other = school.webhook(&sink.url("other"), &["COURSE_CREATED", "WEBHOOK_TEST"]).await.id();
    let asked = school.verb(one, "test").await.expect(202);
    assert_eq!(asked.headers["location"], format!("/v1/webhooks/{one}/deliveries"));
    let got = sink.until("one", 1).await;
    assert_eq!(got[0].json()["type"], "WEBHOOK_TEST");
    school.until_numbered().await;
    assert_eq!(school.deliveries(other).await, [] as [Value; 0]);
    school.close().await;
}
