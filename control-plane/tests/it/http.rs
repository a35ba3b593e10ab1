//! The edge: ids of requests, wrong paths, methods and bodies.

use control_plane::api::access::Role;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

use crate::support::{Sandbox, sandbox, token};

fn request(sandbox: &Sandbox, method: Method, path: &str) -> RequestBuilder {
    let url = format!("{}{path}", sandbox.url);
    Client::new().request(method, url).bearer_auth(token(Role::PlatformOps))
}

async fn problem(response: Response) -> (u16, String, Value) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = response.json().await.expect("a problem");
    assert_eq!(body["status"], status);
    (status, body["code"].as_str().expect("a code").to_owned(), body)
}

#[tokio::test]
async fn a_request_id_is_kept_and_stands_in_the_problem() {
    sandbox(async |sandbox| {
        let asked = request(&sandbox, Method::GET, "/v1/nowhere").header("x-request-id", "r-1");
        let response = asked.send().await.expect("an answer");
        assert_eq!(response.headers()["x-request-id"], "r-1");
        let (status, code, body) = problem(response).await;
        assert_eq!((status, &*code), (404, "not-found"));
        assert_eq!(body["requestId"], "r-1");
    })
    .await;
}

#[tokio::test]
async fn connections_that_the_server_has_ended_fail_no_request() {
    sandbox(async |sandbox| {
        let opened = (0..sandbox.platform.pool.options().get_max_connections())
            .map(|_| sandbox.platform.pool.acquire());
        drop(futures::future::try_join_all(opened).await.expect("all connections"));
        sandbox.shut_database(true).await;
        sandbox.shut_database(false).await;
        for _ in 0..sandbox.platform.pool.options().get_max_connections() {
            let asked = request(&sandbox, Method::GET, "/v1/institutions").send().await;
            assert_eq!(asked.expect("an answer").status(), 200);
        }
    })
    .await;
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    sandbox(async |sandbox| {
        let asked = request(&sandbox, Method::DELETE, "/v1/shards");
        let response = asked.send().await.expect("an answer");
        assert_eq!(response.headers()["allow"], "POST, GET");
        assert_eq!(problem(response).await.0, 405);
    })
    .await;
}

#[tokio::test]
async fn wrong_bodies_each_get_a_word_of_their_own() {
    sandbox(async |sandbox| {
        let too_long = format!("\"{}\"", "a".repeat(1 << 20));
        let cases = [
            ("{", 400, "malformed-json", "line 1"),
            ("", 400, "malformed-json", "empty"),
            (r#"{"slug": "a", "surname": "b"}"#, 422, "invalid-body", "timezone"),
            (r#"{"slug": "a", "slug": "b"}"#, 422, "invalid-body", "duplicate"),
            (&too_long, 413, "body-too-large", "1048576"),
            (r#"{"slug": "A", "name": "", "timezone": "Mars"}"#, 422, "invalid", ""),
        ];
        for (body, status, code, detail) in cases {
            let asked = request(&sandbox, Method::POST, "/v1/institutions").body(body.to_owned());
            let told = problem(asked.send().await.expect("an answer")).await;
            assert_eq!((told.0, &*told.1), (status, code));
            let said = told.2["detail"].as_str().unwrap_or_default();
            assert!(said.contains(detail), "{code}: {said}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_unknown_query_parameter_names_the_allowed_ones() {
    sandbox(async |sandbox| {
        let asked = request(&sandbox, Method::GET, "/v1/institutions?slugg=a");
        let (status, code, body) = problem(asked.send().await.expect("an answer")).await;
        assert_eq!((status, &*code), (400, "invalid-query"));
        assert_eq!(body["errors"][0]["detail"], "allowed here: slug, ids, page, limit");
    })
    .await;
}

#[tokio::test]
async fn an_id_that_cannot_be_is_not_there() {
    sandbox(async |sandbox| {
        for (path, code) in [
            ("/v1/shards/A", "shard-unknown"),
            ("/v1/nodes/n-1", "node-unknown"),
            ("/v1/institutions/1", "institution-unknown"),
        ] {
            let asked = request(&sandbox, Method::GET, path);
            let told = problem(asked.send().await.expect("an answer")).await;
            assert_eq!((told.0, &*told.1), (404, code));
        }
    })
    .await;
}

/// The document against the service: each path is there, and each body is demanded or refused as it says.
#[tokio::test]
async fn what_the_document_describes_is_served() {
    sandbox(async |sandbox| {
        let get = request(&sandbox, Method::GET, "/openapi.json");
        let document: Value =
            get.send().await.expect("an answer").json().await.expect("a document");
        let mut asked = 0;
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, described) in item.as_object().expect("operations") {
                let method: Method = method.to_uppercase().parse().expect("a method");
                let role = described["x-roles"][0].as_str().expect("a role");
                let role = Role::ALL.into_iter().find(|known| known.as_str() == role);
                let url = format!("{}{}", sandbox.url, path.replace("{id}", "nobody"));
                let call = Client::new().request(method.clone(), url);
                let call = call.bearer_auth(token(role.expect("a known role")));
                let place = format!("{method} {path}");
                asked += 1;
                if method == Method::GET {
                    let unknown = call.query(&[("nope", "1")]).send().await.expect("an answer");
                    // Where there is an id, that nobody has it is said first, or after.
                    assert!([400, 404].contains(&unknown.status().as_u16()), "{place}");
                    continue;
                }
                let junk = call.body(r#"{"junk": 1}"#).send().await.expect("an answer");
                let takes = described["requestBody"].is_object();
                let (status, code, body) = problem(junk).await;
                assert_eq!((status, &*code), (422, "invalid-body"), "{place}");
                let said = body["detail"].as_str().unwrap_or_default();
                assert_eq!(said.contains("takes no body"), !takes, "{place}: {said}");
            }
        }
        assert!(asked > 20, "{asked} operations");
        let stranger = Client::new().get(format!("{}/openapi.json", sandbox.url));
        assert_eq!(stranger.send().await.expect("an answer").status(), 401);
    })
    .await;
}
