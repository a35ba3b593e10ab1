//! Webhooks from the change to the sink: a real Postgres, a real HTTP server on loopback, the node's own workers.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use service_kit::token::Role;
use shard_node::domain::webhooks::{Names, WebhookSettings};
use shard_node::jobs::Mode;
use sqlx::{AssertSqlSafe, Executor as _};
use standardwebhooks::Webhook;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{Answer, Plan};
use crate::support::directory::FakeDirectory;
use crate::support::school::School;

const SOON: Duration = Duration::from_secs(30);

/// A request as the sink got it.
#[derive(Debug, Clone)]
struct Got {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().expect("text")
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Whether the public verifier believes it.
    fn is_signed_by(&self, secret: &str) -> bool {
        Webhook::new(secret).expect("a secret").verify(&self.body, &self.headers).is_ok()
    }
}

/// An HTTP server that keeps what it gets and answers as it is told.
#[derive(Clone)]
struct Sink {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    status: Arc<AtomicU16>,
}

impl Sink {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let sink = Self { address, got: Arc::default(), status: Arc::new(AtomicU16::new(200)) };
        let app = Router::new().route("/{*path}", post(take)).with_state(sink.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        sink
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    fn answers(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    fn got(&self, path: &str) -> Vec<Got> {
        let got = self.got.lock().expect("the list");
        got.iter().filter(|got| got.path == path).cloned().collect()
    }

    /// Waits until so many requests have come there.
    async fn until(&self, path: &str, count: usize) -> Vec<Got> {
        let began = Instant::now();
        loop {
            let got = self.got(path);
            if got.len() >= count {
                return got;
            }
            assert!(began.elapsed() < SOON, "{} of {count} at {path}", got.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn take(
    State(sink): State<Sink>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    sink.got.lock().expect("the list").push(Got { path, headers, body });
    let status = StatusCode::from_u16(sink.status.load(Ordering::Relaxed)).expect("a status");
    let elsewhere = [(header::LOCATION, sink.url("elsewhere"))];
    (status, elsewhere, "x".repeat(100_000)).into_response()
}

/// Every name leads to the loopback.
struct Inside;

impl Names for Inside {
    fn addresses(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) })
    }
}

impl School {
    /// One whose node sends webhooks.
    async fn that_sends(allow_private_addresses: bool) -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let mut plan = Plan::new(&shard, FakeDirectory::start().await);
        plan.jobs.mode = Mode::Both;
        plan.webhooks = WebhookSettings { allow_private_addresses };
        plan.names = Arc::new(Inside);
        let served = plan.serve().await;
        served.until_leased().await;
        let admin = served.admin(institution);
        Self { shard, served, institution, admin }
    }

    async fn webhook(&self, url: &str, types: &[&str]) -> Answer {
        let body = json!({"url": url, "description": "test", "eventTypes": types});
        self.admin.post("/v1/webhooks", body).await.expect(201)
    }

    async fn course(&self, code: &str) -> Uuid {
        self.admin.post("/v1/courses", json!({"code": code, "title": code})).await.expect(201).id()
    }

    async fn verb(&self, webhook: Uuid, verb: &str) -> Answer {
        self.admin.post(&format!("/v1/webhooks/{webhook}:{verb}"), json!({})).await
    }

    async fn deliveries(&self, webhook: Uuid) -> Vec<Value> {
        let path = format!("/v1/webhooks/{webhook}/deliveries");
        let page = self.admin.get(&path).await.expect(200).body;
        page["items"].as_array().expect("deliveries").clone()
    }

    /// Waits for the one delivery of a webhook to be as is wanted.
    async fn until_delivery(&self, webhook: Uuid, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let deliveries = self.deliveries(webhook).await;
            if let Some(found) = deliveries.iter().find(|delivery| wanted(delivery)) {
                return found.clone();
            }
            assert!(began.elapsed() < SOON, "{deliveries:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn get_webhook(&self, webhook: Uuid) -> Value {
        self.admin.get(&format!("/v1/webhooks/{webhook}")).await.expect(200).body
    }

    async fn as_superuser(&self, sql: &'static str) {
        self.shard.connect("postgres").await.execute(sql).await.expect(sql);
    }
}

fn secret(made: &Answer) -> String {
    made.body["secret"].as_str().expect("a secret").to_owned()
}

fn is(state: &'static str) -> impl Fn(&Value) -> bool {
    move |delivery| delivery["state"] == state
}

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
