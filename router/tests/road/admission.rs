//! Who is let in, and where they are sent.

use reqwest::Method;
use serde_json::Value;

use crate::node::Node;
use crate::platform::{Platform, institution, problem};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_to_the_shard_of_its_institution() {
    let (a, b) = (Node::plain("node-a", "shard-a").await, Node::plain("node-b", "shard-b").await);
    let platform = Platform::start(&[&a, &b]).await;
    for (number, node) in [(1, "node-a"), (2, "node-b"), (1, "node-a")] {
        let answer = platform.get("/v1/programs?limit=1", institution(number)).await;
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.expect("json");
        assert_eq!(body["node"], node);
    }
    assert_eq!(a.seen()[0].path, "/v1/programs?limit=1");
    let metrics = platform.metrics().await;
    let counted = r#"lxp_requests_total{method="GET",path="/v1/programs",status="200"} 3"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_token_nothing_reaches_a_node() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let get = |token: Option<String>| {
        let request = platform.client.get(platform.url("/v1/programs"));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    };
    let good = platform.token(institution(1));
    let (rest, _) = good.rsplit_once('.').expect("parts");
    for (token, code) in [
        (None, "token-missing"),
        (Some("garbage".to_owned()), "token-malformed"),
        (Some(format!("{rest}.")), "token-signature"),
        (Some("a".repeat(9000)), "token-malformed"),
    ] {
        let answer = get(token).send().await.expect("an answer");
        assert_eq!(answer.headers().get("www-authenticate").expect("a scheme"), "Bearer");
        problem(answer, 401, code).await;
    }
    assert!(a.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_institution_in_the_header_is_a_mismatch() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let claim = |claimed: u128| {
        platform
            .request(Method::GET, "/v1/programs", institution(1))
            .header("x-institution-id", institution(claimed).to_string())
            .send()
    };
    assert_eq!(claim(1).await.expect("an answer").status(), 200);
    problem(claim(2).await.expect("an answer"), 403, "institution-mismatch").await;
    assert_eq!(a.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_needs_no_token_and_other_paths_are_not_there() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    for path in ["/openapi.json", "/docs", "/docs/app.css"] {
        let answer = platform.client.get(platform.url(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
    assert!(a.seen().iter().all(|seen| seen.header("x-institution-id").is_empty()));
    for path in ["/", "/metrics", "/v2/programs", "/admin"] {
        let answer = platform.get(path, institution(1)).await;
        problem(answer, 404, "not-found").await;
    }
    assert_eq!(a.seen().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_go_by_the_client_id() {
    let (a, b) = (Node::plain("node-a", "shard-a").await, Node::plain("node-b", "shard-b").await);
    let platform = Platform::start(&[&a, &b]).await;
    let url = platform.url("/oauth/token");
    let post = |client: String| {
        platform.client.post(&url).basic_auth(client, Some("secret")).body("x=y").send()
    };
    let answer = post(format!("{}.sis", institution(2))).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(b.seen()[0].header("x-institution-id"), [institution(2).to_string()]);
    problem(post("sis".to_owned()).await.expect("an answer"), 400, "client-id").await;
    assert!(a.seen().is_empty());
}
