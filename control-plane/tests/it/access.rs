//! Nothing is answered without a token of the right role: proven for every route of the table.

use control_plane::api::access::Role;
use control_plane::api::routes::{ROUTES, Route};
use reqwest::{Client, StatusCode};

use crate::support::{Sandbox, sandbox, token};

const INSTITUTION: &str = "0190a1b2-0000-7000-8000-000000000001";

async fn ask(
    client: &Client,
    sandbox: &Sandbox,
    route: &Route,
    authorization: Option<String>,
) -> (StatusCode, String) {
    let id = if route.path.contains("institutions") { INSTITUTION } else { "thing-1" };
    let url = format!("{}{}", sandbox.url, route.path.replace("{id}", id));
    let mut request = client.request(route.method.clone(), url).body("{}");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let response = request.send().await.expect("an answer");
    let status = response.status();
    if !status.is_success() {
        let kind = response.headers().get("content-type").expect("a content type");
        assert_eq!(kind, "application/problem+json", "{route:?}");
    }
    let body: serde_json::Value = response.json().await.unwrap_or_default();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn every_route_refuses_no_token_a_wrong_token_and_wrong_roles() {
    sandbox(async |sandbox| {
        let client = Client::new();
        for route in ROUTES {
            let (status, code) = ask(&client, &sandbox, route, None).await;
            assert_eq!((status.as_u16(), &*code), (401, "token-missing"), "{route:?}");
            let (status, code) =
                ask(&client, &sandbox, route, Some("Bearer guessed".to_owned())).await;
            assert_eq!((status.as_u16(), &*code), (401, "token-unknown"), "{route:?}");
            let (status, code) = ask(&client, &sandbox, route, Some("Basic dTpw".to_owned())).await;
            assert_eq!((status.as_u16(), &*code), (401, "token-malformed"), "{route:?}");
            for role in Role::ALL {
                let bearer = format!("Bearer {}", token(role));
                let (status, code) = ask(&client, &sandbox, route, Some(bearer)).await;
                if route.roles.contains(&role) {
                    assert!(!matches!(status.as_u16(), 401 | 403 | 500), "{role:?} {route:?}");
                } else {
                    let refused = (status.as_u16(), &*code);
                    assert_eq!(refused, (403, "forbidden"), "{role:?} {route:?}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_route_tells_nothing_without_a_token() {
    sandbox(async |sandbox| {
        let status = reqwest::get(format!("{}/v1/nowhere", sandbox.url)).await.expect("an answer");
        assert_eq!(status.status(), StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn who_did_what_is_in_the_audit() {
    sandbox(async |sandbox| {
        let new = sandbox.new_shard("shard-a").await;
        sandbox.ops().add_shard(&new).await.expect("added");
        let audit = sandbox.ops().audit(0, 50).await.expect("the audit").items;
        let entry = audit.iter().find(|entry| entry.action == "shard.add").expect("an entry");
        assert_eq!((&*entry.actor, &*entry.role), ("test-platform-ops", "platform-ops"));
        assert_eq!(entry.target, "shard-a");
        let events = sandbox.ops().events(0, 50).await.expect("the events").items;
        assert!(events.iter().any(|event| event.kind == "shard.added"));
    })
    .await;
}
