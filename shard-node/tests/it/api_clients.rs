//! Api clients and their tokens, against a real Postgres.

use std::time::{Duration, Instant};

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::{Mint, Role, Roles, inspect};
use shard_map::InstitutionId;
use shard_node::limits::LimitSettings;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{Answer, Client, NO_REDIS, Plan, Served, generous};
use crate::support::directory::FakeDirectory;
use crate::support::school::School;

const GRANT: &str = "grant_type=client_credentials";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A client's id and secret, as the answer that made it has them.
struct Made {
    id: Uuid,
    client_id: String,
    secret: String,
}

impl Made {
    async fn by(admin: &Client, body: Value) -> Self {
        Self::of(&admin.post("/v1/api-clients", body).await.expect(201))
    }

    fn of(answer: &Answer) -> Self {
        let text = |name: &str| answer.body[name].as_str().expect(name).to_owned();
        Self { id: answer.id(), client_id: text("clientId"), secret: text("clientSecret") }
    }

    async fn ask(&self, served: &Served) -> Answer {
        ask(served, &basic(&self.client_id, &self.secret), GRANT).await
    }

    /// Speaks with a token of its own.
    async fn client(&self, served: &Served) -> Client {
        let answer = self.ask(served).await.expect(200);
        let token = answer.body["access_token"].as_str().expect("a token").to_owned();
        Client { http: reqwest::Client::new(), url: served.url.clone(), token }
    }
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn ask(served: &Served, authorization: &str, form: &str) -> Answer {
    ask_with(served, &[("authorization", authorization), FORM], form).await
}

async fn ask_with(served: &Served, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = reqwest::Client::new().post(format!("{}/oauth/token", served.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.body(body.to_owned()).send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.json().await.expect("JSON");
    Answer { status, headers, body }
}

/// Waits until a client's token is refused, and gives the answer.
async fn refused(client: &Client) -> Answer {
    let began = Instant::now();
    loop {
        let answer = client.get("/v1/webhooks").await;
        if answer.status.as_u16() != 200 {
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "it is heard on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_client_gets_a_token_and_may_what_its_role_may() {
    let school = School::open().await;
    let made = Made::by(&school.admin, json!({"name": "SIS"})).await;
    assert_eq!(made.client_id, format!("{}.{}", school.institution, made.id));
    let answer = made.ask(&school.served).await.expect(200);
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 600);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    let claims = inspect(answer.body["access_token"].as_str().expect("a token")).expect("a JWT");
    assert_eq!(claims.claims["sub"], json!(made.id));
    assert_eq!(claims.claims["roles"], json!(["API_CLIENT"]));
    let client = made.client(&school.served).await;
    let students = json!({"items": [{"studentNo": "1", "givenName": "G", "familyName": "F"}]});
    let bulk = client.post("/v1/students:bulk", students).await.expect(200);
    assert_eq!(bulk.body["items"][0]["status"], 201);
    client.get("/v1/api-clients").await.expect(403);
    client.post("/v1/programs", json!({"code": "P", "name": "P"})).await.expect(403);
    let used = school.admin.get(&format!("/v1/api-clients/{}", made.id)).await.expect(200).body;
    assert!(used["lastUsedAt"].is_string(), "{used}");
    assert_eq!(used["rowVersion"], 1, "its use is no change of it");
    school.close().await;
}

#[tokio::test]
async fn the_secret_is_shown_once_and_kept_nowhere() {
    let school = School::open().await;
    let key = [("idempotency-key", "k")];
    let body = Some(json!({"name": "SIS", "description": "d"}));
    let made = school.admin.send(Method::POST, "/v1/api-clients", body, &key).await.expect(201);
    let made = Made::of(&made);
    let path = format!("/v1/api-clients/{}", made.id);
    let rotated = school.admin.post(&format!("{path}:rotateSecret"), json!({})).await.expect(200);
    let secrets = [made.secret, Made::of(&rotated).secret];
    school.until("SELECT count(*) FROM outbox_events WHERE seq IS NULL", 0).await;
    for read in [path.as_str(), "/v1/api-clients", "/v1/events", "/v1/audit"] {
        let text = school.admin.get(read).await.expect(200).body.to_string();
        assert!(text.contains(&made.id.to_string()), "{read}: {text}");
        assert!(!text.contains("lxpcs_") && !text.contains("clientSecret"), "{read}: {text}");
    }
    let mut watcher = school.shard.connect("postgres").await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    .fetch_all(&mut watcher)
    .await
    .expect("tables");
    for table in tables {
        let sql = format!("SELECT count(*) FROM {table} t WHERE t::text LIKE ANY($1)");
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(secrets.iter().map(|secret| format!("%{secret}%")).collect::<Vec<_>>())
            .fetch_one(&mut watcher)
            .await
            .expect("a count");
        assert_eq!(found, 0, "{table}");
    }
    school.close().await;
}

#[tokio::test]
async fn whatever_is_wrong_with_id_or_secret_the_answer_is_the_same() {
    let school = School::open().await;
    let (made, other) = (
        Made::by(&school.admin, json!({"name": "A"})).await,
        Made::by(&school.admin, json!({"name": "B"})).await,
    );
    let revoked = Made::by(&school.admin, json!({"name": "C"})).await;
    let path = format!("/v1/api-clients/{}:revoke", revoked.id);
    school.admin.post(&path, json!({})).await.expect(200);
    let absent = format!("{}.{}", school.institution, Uuid::now_v7());
    let mut shorter = made.secret.clone();
    shorter.pop();
    let mut answers = Vec::new();
    for (id, secret) in [
        (&made.client_id, &other.secret),
        (&made.client_id, &shorter),
        (&made.client_id, &String::new()),
        (&absent, &made.secret),
        (&revoked.client_id, &revoked.secret),
    ] {
        let mut answer = ask(&school.served, &basic(id, secret), GRANT).await.expect(401);
        assert_eq!(answer.headers["www-authenticate"], "Basic realm=\"lxp\"");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(
            (&answer.body["error"], answer.code()),
            (&json!("invalid_client"), "client-unknown")
        );
        answer.body["requestId"].take();
        answers.push(answer.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    made.ask(&school.served).await.expect(200);
    school.close().await;
}

#[tokio::test]
async fn what_is_no_request_for_a_clients_token_is_refused_as_the_rfc_says() {
    let school = School::open().await;
    let made = Made::by(&school.admin, json!({"name": "A"})).await;
    let authorization = basic(&made.client_id, &made.secret);
    let long = format!("{GRANT}&x={}", "x".repeat(4_097));
    let in_body = format!("{GRANT}&client_secret={}", made.secret);
    for (form, error) in [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&scope=all", "invalid_scope"),
        ("grant_type=client_credentials&client_id=sis", "invalid_request"),
        (&in_body, "invalid_request"),
        (&long, "invalid_request"),
    ] {
        let answer = ask(&school.served, &authorization, form).await.expect(400);
        assert_eq!(answer.body["error"], error, "{form}");
        assert!(answer.body["error_description"].is_string(), "{form}");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    let json_kind =
        [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let answer = ask_with(&school.served, &json_kind, GRANT).await.expect(400);
    assert_eq!(answer.body["error"], "invalid_request");
    let nobody = ask_with(&school.served, &[FORM], GRANT).await.expect(401);
    assert_eq!((&nobody.body["error"], nobody.code()), (&json!("invalid_client"), "client-id"));
    let elsewhere = Uuid::now_v7().to_string();
    let headers =
        [("authorization", authorization.as_str()), FORM, ("x-institution-id", &elsewhere)];
    let mismatch = ask_with(&school.served, &headers, GRANT).await.expect(403);
    assert_eq!(mismatch.code(), "institution-mismatch");
    // What is not known is passed over, and one's own id may be repeated.
    let more = format!("{GRANT}&client_id={}&audience=x", made.client_id);
    ask(&school.served, &authorization, &more).await.expect(200);
    let get = school.admin.get("/oauth/token").await.expect(405);
    assert_eq!(get.headers["allow"], "POST");
    school.close().await;
}

#[tokio::test]
async fn a_revoked_client_is_not_heard_any_more_whatever_its_token_says() {
    let school = School::open().await;
    let (made, deleted) = (
        Made::by(&school.admin, json!({"name": "A"})).await,
        Made::by(&school.admin, json!({"name": "B"})).await,
    );
    let (client, other) = (made.client(&school.served).await, deleted.client(&school.served).await);
    client.get("/v1/webhooks").await.expect(200);
    other.get("/v1/webhooks").await.expect(200);
    let path = format!("/v1/api-clients/{}", made.id);
    let revoked = school.admin.post(&format!("{path}:revoke"), json!({})).await.expect(200);
    assert_eq!(revoked.body["status"], "REVOKED");
    let answer = refused(&client).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "token-revoked"));
    let challenge = answer.headers["www-authenticate"].to_str().expect("text");
    assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
    let students = json!({"items": [{"studentNo": "1", "givenName": "G", "familyName": "F"}]});
    client.post("/v1/students:bulk", students.clone()).await.expect(401);
    client.post("/trpc/academic.bulkCreateStudents", students).await.expect(401);
    assert_eq!(school.count("SELECT count(*) FROM students").await, 0);
    made.ask(&school.served).await.expect(401);

    school.delete(&format!("/v1/api-clients/{}", deleted.id)).await.expect(204);
    assert_eq!(refused(&other).await.code(), "token-revoked");

    let again = school.admin.post(&format!("{path}:revoke"), json!({})).await.expect(200);
    assert_eq!(again.body, revoked.body, "twice is once");
    let rotated = school.admin.post(&format!("{path}:rotateSecret"), json!({})).await.expect(409);
    assert_eq!(rotated.code(), "api-client-revoked");
    school.patch(&path, json!({"expiresAt": null})).await.expect(409);
    school.close().await;
}

#[tokio::test]
async fn two_secrets_are_taken_while_they_overlap() {
    let school = School::open().await;
    let first = Made::by(&school.admin, json!({"name": "A"})).await;
    let path = format!("/v1/api-clients/{}:rotateSecret", first.id);
    let second = Made::of(&school.admin.post(&path, json!({})).await.expect(200));
    first.ask(&school.served).await.expect(200);
    second.ask(&school.served).await.expect(200);
    school.run("UPDATE api_clients SET previous_until = now()").await;
    first.ask(&school.served).await.expect(401);
    second.ask(&school.served).await.expect(200);
    school.close().await;
}

#[tokio::test]
async fn a_client_that_expires_takes_its_tokens_along() {
    let school = School::open().await;
    let soon: DateTime<Utc> = clock::now() + TimeDelta::seconds(90);
    let made = Made::by(&school.admin, json!({"name": "A", "expiresAt": soon})).await;
    let answer = made.ask(&school.served).await.expect(200);
    let seconds = answer.body["expires_in"].as_i64().expect("a number");
    assert!((1..=90).contains(&seconds), "{seconds}");
    let client = made.client(&school.served).await;
    client.get("/v1/webhooks").await.expect(200);
    let path = format!("/v1/api-clients/{}", made.id);
    let past = json!({"expiresAt": "2020-01-01T00:00:00Z"});
    assert_eq!(school.patch(&path, past.clone()).await.expect(422).code(), "expires-at");
    let body = json!({"name": "B", "expiresAt": "2020-01-01T00:00:00Z"});
    school.admin.post("/v1/api-clients", body).await.expect(422);
    school.run("UPDATE api_clients SET expires_at = now()").await;
    made.ask(&school.served).await.expect(401);
    // Not by the API: what caches hold of it is made stale by a change that the API makes.
    school.patch(&path, json!({"name": "C"})).await.expect(200);
    assert_eq!(refused(&client).await.code(), "token-revoked");
    let shown = school.admin.get(&path).await.expect(200).body;
    assert_eq!((&shown["status"], &shown["name"]), (&json!("EXPIRED"), &json!("C")));
    school.patch(&path, json!({"expiresAt": null})).await.expect(200);
    made.ask(&school.served).await.expect(200);
    school.close().await;
}

#[tokio::test]
async fn a_key_of_nodes_makes_no_token_but_of_clients_that_are_there() {
    let school = School::open().await;
    let mint = |roles: Roles, subject: Uuid, institution: InstitutionId| {
        let token = school.served.client_key.mint(&Mint {
            issuer: "lxp-test",
            audience: "lxp",
            subject,
            institution,
            roles,
            issued_at: clock::now(),
            ttl: TimeDelta::hours(1),
            token_id: Uuid::now_v7(),
        });
        Client { http: reqwest::Client::new(), url: school.served.url.clone(), token }
    };
    let nobody = Uuid::now_v7();
    for role in [Role::Admin, Role::Staff, Role::Student] {
        let forged = mint(Roles::from(role), nobody, school.institution);
        assert_eq!(forged.get("/v1/programs").await.expect(401).code(), "token-claims");
    }
    let client = Roles::from(Role::ApiClient);
    let forged = mint(client, nobody, school.institution).get("/v1/webhooks").await.expect(401);
    assert_eq!(forged.code(), "token-revoked");
    let other = school.shard.admit().await;
    let made = Made::by(&school.admin, json!({"name": "A"})).await;
    school
        .served
        .node
        .ownership
        .refreshed(Instant::now(), Instant::now() + Duration::from_secs(20))
        .await;
    let elsewhere = mint(client, made.id, other).get("/v1/webhooks").await.expect(401);
    assert_eq!(elsewhere.code(), "token-revoked", "another institution's client");
    mint(client, made.id, school.institution).get("/v1/webhooks").await.expect(200);
    school.close().await;
}

#[tokio::test]
async fn guessing_ends_at_a_budget_of_its_own() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let limits = LimitSettings { token_per_minute: 3, user_per_minute: 20, ..generous() };
    let served = Served::start_with(&shard, 4, NO_REDIS, limits).await;
    let admin = served.admin(institution);
    let (made, other) = (
        Made::by(&admin, json!({"name": "A"})).await,
        Made::by(&admin, json!({"name": "B"})).await,
    );
    for guess in 0..3 {
        let guess = basic(&made.client_id, &format!("lxpcs_{guess}"));
        ask(&served, &guess, GRANT).await.expect(401);
    }
    let refused = made.ask(&served).await.expect(429);
    assert_eq!(refused.code(), "rate-limited");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(refused.headers["ratelimit-policy"], "\"token\";q=3;w=60, \"tokens\";q=30;w=60");
    other.ask(&served).await.expect(200);
    admin.get("/v1/programs").await.expect(200);
    // Ids that are made up share a budget, too: 27 more of the institution's 30 are left, less one.
    let mut refused = 0;
    for _ in 0..40 {
        let made_up = basic(&format!("{institution}.{}", Uuid::now_v7()), "lxpcs_x");
        let status = ask(&served, &made_up, GRANT).await.status.as_u16();
        assert!(matches!(status, 401 | 429), "{status}");
        refused += u32::from(status == 429);
    }
    assert!((10..=14).contains(&refused), "{refused}");
    admin.get("/v1/programs").await.expect(200);
    drop(served);
    shard.drop_database().await;
}

#[tokio::test]
async fn without_a_key_no_tokens_are_given_and_it_says_so() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let mut plan = Plan::new(&shard, FakeDirectory::start().await);
    plan.gives_tokens = false;
    let served = plan.serve().await;
    served.until_leased().await;
    let made = Made::by(&served.admin(institution), json!({"name": "A"})).await;
    let answer = made.ask(&served).await.expect(501);
    assert_eq!(
        (answer.code(), &answer.headers["content-type"]),
        ("tokens-off", &"application/problem+json".parse().expect("a header"))
    );
    drop(served);
    shard.drop_database().await;
}

#[tokio::test]
async fn who_is_not_served_here_is_sent_on() {
    let school = School::open().await;
    let elsewhere = format!("{}.{}", Uuid::now_v7(), Uuid::now_v7());
    let answer = ask(&school.served, &basic(&elsewhere, "lxpcs_x"), GRANT).await.expect(421);
    assert_eq!(answer.code(), "not-owner");
    school.close().await;
}

#[tokio::test]
async fn api_clients_are_the_admins_alone_and_listed_by_what_they_are() {
    let school = School::open().await;
    for name in ["B", "A", "C"] {
        Made::by(&school.admin, json!({"name": name})).await;
    }
    let list = school.admin.get("/v1/api-clients?sort=name&select=name,status").await.expect(200);
    assert_eq!(list.body["items"][0], json!({"name": "A", "status": "ACTIVE"}));
    let revoked = school.admin.get("/v1/api-clients?status=REVOKED").await.expect(200).body;
    assert_eq!(revoked["total"], 0);
    for role in [Role::Staff, Role::Instructor, Role::Student, Role::ApiClient] {
        let client = school.served.client(school.institution, role, None);
        client.get("/v1/api-clients").await.expect(403);
        client.post("/v1/api-clients", json!({"name": "X"})).await.expect(403);
    }
    for wrong in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "x".repeat(201)}),
        json!({"name": "A", "secret": "s"}),
    ] {
        school.admin.post("/v1/api-clients", wrong).await.expect(400);
    }
    school.run("INSERT INTO api_clients (institution_id, id, name, secret_hash, created_by) SELECT institution_id, gen_random_uuid(), 'n', secret_hash, created_by FROM api_clients, generate_series(1, 33) LIMIT 97").await;
    let full = school.admin.post("/v1/api-clients", json!({"name": "X"})).await.expect(409);
    assert_eq!(full.code(), "api-clients-max");
    school.close().await;
}
