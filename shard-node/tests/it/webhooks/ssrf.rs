//! Forged requests: nothing leads inside, by name, literal or redirect, and errors say nothing of what is there.

use serde_json::json;
use sqlx::{AssertSqlSafe, Executor as _};
use uuid::Uuid;

use super::sink::Sink;
use crate::support::school::School;

#[tokio::test]
async fn errors_say_neither_where_to_nor_what_was_answered() {
    let school = School::that_sends(true).await;
    let webhook = school.webhook("http://127.0.0.1:1/hush-hush", &["COURSE_CREATED"]).await.id();
    school.course("C1").await;
    let failed = school.until_delivery(webhook, |delivery| delivery["lastError"].is_string()).await;
    assert_eq!(failed["lastError"], "no connection could be made");
    let logged = "SELECT count(*) FROM jobs WHERE last_error LIKE '%hush%'";
    assert_eq!(school.count(logged).await, 0);
    school.close().await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (school, sink) = (School::that_sends(true).await, Sink::start().await);
    let webhook = school.webhook(&sink.url("hook"), &["COURSE_CREATED"]).await.id();
    sink.answers(307);
    school.course("C1").await;
    let failed =
        school.until_delivery(webhook, |delivery| delivery["lastStatus"] == json!(307)).await;
    assert_eq!(failed["lastError"], "the answer was 307; redirects are not followed");
    assert!(sink.got("elsewhere").is_empty(), "it was followed");
    school.close().await;
}

/// S9. Whatever leads inside is refused when it is asked for, and again when it is sent to: a row may be older than the
/// rule, and a name may have moved.
#[tokio::test]
async fn outside_of_local_mode_nothing_is_sent_to_private_addresses() {
    let (school, sink) = (School::that_sends(false).await, Sink::start().await);
    let port = sink.address.port();
    for url in [
        sink.url("hook"),
        format!("https://127.0.0.1:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[::ffff:10.0.0.1]/".to_owned(),
        "https://2130706433/".to_owned(),
        "https://localhost/".to_owned(),
        "http://hooks.example.edu/".to_owned(),
        "gopher://hooks.example.edu/".to_owned(),
        "https://a:b@hooks.example.edu/".to_owned(),
    ] {
        let body = json!({"url": url});
        let refused = school.admin.post("/v1/webhooks", body).await.expect(422);
        assert_eq!(
            (refused.code(), &refused.body["errors"][0]["pointer"]),
            ("webhook-url", &json!("/url")),
            "{url}"
        );
    }
    // A name of good repute that leads inside.
    let by_name = school
        .webhook(&format!("https://hooks.example.edu:{port}/x"), &["COURSE_CREATED"])
        .await
        .id();
    let patch = json!({"url": "https://10.0.0.1/"});
    school.patch(&format!("/v1/webhooks/{by_name}"), patch).await.expect(422);
    // Two that were there before the rule.
    let (direct, plain) = (Uuid::now_v7(), Uuid::now_v7());
    let mut superuser = school.shard.connect("postgres").await;
    for (id, url) in [(direct, format!("https://127.0.0.1:{port}/x")), (plain, sink.url("x"))] {
        let old = format!(
            "INSERT INTO webhook_endpoints (institution_id, id, url, event_types, secret)
             VALUES ('{}', '{id}', '{url}', '{{COURSE_CREATED}}', 'whsec_AAAA')",
            school.institution
        );
        superuser.execute(AssertSqlSafe(old)).await.expect("an old one");
    }
    school.course("C1").await;
    for (webhook, why) in [
        (by_name, "the URL or its address is refused: loopback"),
        (direct, "the URL or its address is refused: a public address is expected"),
        (plain, "the URL or its address is refused: https is expected"),
    ] {
        let failed =
            school.until_delivery(webhook, |delivery| delivery["lastError"].is_string()).await;
        assert_eq!(failed["lastError"], why);
    }
    assert!(sink.got.lock().expect("the list").is_empty(), "something was sent");
    drop(superuser);
    school.close().await;
}
