//! Who is let in, and where they are sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::Value;
use service_kit::token::Role;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::node::Node;
use crate::platform::{Platform, SOON, institution, problem};

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
        let challenge = answer.headers().get("www-authenticate").expect("a scheme").clone();
        let challenge = challenge.to_str().expect("text");
        assert_eq!(challenge == "Bearer", code == "token-missing", "{challenge}");
        assert!(challenge.starts_with("Bearer"), "{challenge}");
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
    assert!(a.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_client_id_in_basic_authentication_no_token_is_asked_for() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let post = || platform.client.post(platform.url("/oauth/token"));
    let id = format!("{}.{}", institution(1), institution(9));
    let in_body = format!("grant_type=client_credentials&client_id={id}&client_secret=s");
    let bearer = platform.token(institution(1));
    for request in [
        post().body(in_body),
        post().basic_auth("sis", Some("secret")),
        post().basic_auth(institution(1), None::<&str>).header("authorization", "Basic !"),
        post().bearer_auth(bearer),
    ] {
        let answer = request.send().await.expect("an answer");
        if answer.status() == 400 {
            // Two ways to say who one is: which one counts is not guessed.
            problem(answer, 400, "bad-request").await;
            continue;
        }
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["www-authenticate"], "Basic realm=\"lxp\"");
        assert_eq!(answer.headers()["content-type"], "application/json");
        let body: Value = answer.json().await.expect("json");
        assert_eq!(
            (&body["error"], &body["code"]),
            (&"invalid_client".into(), &"client-id".into())
        );
        assert!(body["error_description"].as_str().expect("a text").contains("basic"), "{body}");
    }
    assert!(a.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_who_has_no_token_is_small_however_it_is_framed() {
    let a = Node::plain("node-a", "shard-a").await;
    let platform = Platform::start(&[&a]).await;
    let post = |body: String| {
        let request = platform.client.post(platform.url("/oauth/token"));
        request.basic_auth(institution(1), Some("secret")).body(body).send()
    };
    problem(post("x".repeat(4_097)).await.expect("an answer"), 413, "body-too-large").await;
    assert!(a.seen().is_empty());
    let mut stream = TcpStream::connect(platform.address()).await.expect("a connection");
    let basic = STANDARD.encode(format!("{}:secret", institution(1)));
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}\r\n\
         Transfer-Encoding: chunked\r\n\r\n1001\r\n{}\r\n",
        "x".repeat(0x1001)
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    let mut answer = vec![0; 12];
    let read = tokio::time::timeout(SOON, stream.read_exact(&mut answer)).await;
    read.expect("in time").expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");
    assert_eq!(post("x".repeat(4_096)).await.expect("an answer").status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_count_as_active_once_and_programs_do_not() {
    let (a, b) = (Node::plain("node-a", "shard-a").await, Node::plain("node-b", "shard-b").await);
    let platform = Platform::start(&[&a, &b]).await;
    for (number, role) in
        [(1, Role::Admin), (1, Role::Admin), (2, Role::Admin), (1, Role::ApiClient)]
    {
        let token = platform.token_as(institution(number), role);
        let request = platform.client.get(platform.url("/v1/programs")).bearer_auth(token);
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    }
    let metrics = platform.metrics().await;
    assert!(metrics.lines().any(|line| line == "lxp_active_users 2"), "{metrics}");
}
