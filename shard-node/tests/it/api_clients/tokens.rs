//! The token endpoint: what it gives for a client's id and secret, what it refuses and how, and where guessing ends.

use serde_json::json;
use service_kit::token::inspect;
use shard_node::limits::LimitSettings;
use uuid::Uuid;

use super::{FORM, GRANT, Made, ask, ask_with, basic};
use crate::support::Shard;
use crate::support::api::{NO_REDIS, Plan, Served, generous};
use crate::support::directory::FakeDirectory;
use crate::support::school::School;

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

/// Who has no secret takes no tokens from who has: neither with a client's id nor with made-up ones.
#[tokio::test]
async fn guesses_take_nothing_from_a_client_that_renews() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let limits = LimitSettings { token_per_minute: 3, ..generous() };
    let served = Served::start_with(&shard, 4, NO_REDIS, limits).await;
    let admin = served.admin(institution);
    let made = Made::by(&admin, json!({"name": "A"})).await;
    made.ask(&served).await.expect(200);
    let guess = basic(&made.client_id, "lxpcs_guess");
    let mut refused = 0;
    for _ in 0..40 {
        let made_up = basic(&format!("{institution}.{}", Uuid::now_v7()), "lxpcs_x");
        for one in [&guess, &made_up] {
            refused += u32::from(ask(&served, one, GRANT).await.status.as_u16() == 429);
        }
    }
    assert!(refused > 40, "both budgets of guesses are used up: {refused}");
    made.ask(&served).await.expect(200);
    // Its own has an end, too, and it is known no longer than it is right.
    made.ask(&served).await.expect(200);
    made.ask(&served).await.expect(200);
    made.ask(&served).await.expect(429);
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
