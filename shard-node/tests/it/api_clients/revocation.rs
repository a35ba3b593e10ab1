//! Tokens that are sound and are not taken any more: their client is revoked, deleted or expired, or never was.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use service_kit::clock;
use service_kit::token::{Mint, Role, Roles};
use shard_map::InstitutionId;
use uuid::Uuid;

use super::Made;
use crate::support::api::{Answer, Client};
use crate::support::school::School;

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
