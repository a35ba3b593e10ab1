//! An api client from its making to its end, through the router, and across a move; and what its institution is told of
//! how it was answered.

use std::time::{Duration, Instant};

use lxp_tests::{Client, Institution, Platform};
use reqwest::Method;
use serde_json::{Value, json};
use service_kit::token::{Role, inspect};

/// A change is known to all nodes within a second; a busy machine takes longer.
const SOON: Duration = Duration::from_secs(10);
/// What nodes have counted is written within 15 s.
const WRITTEN_WITHIN: Duration = Duration::from_mins(1);
const MOVED_WITHIN: Duration = Duration::from_secs(100);

struct Program {
    id: String,
    secret: String,
}

impl Program {
    async fn make(admin: &Client) -> (Self, String) {
        let made = admin.post("/v1/api-clients", json!({"name": "SIS"})).await.expect(201);
        let text = |name: &str| made.body[name].as_str().expect(name).to_owned();
        (Self { id: text("clientId"), secret: text("clientSecret") }, text("id"))
    }

    /// What the router answers to its id and secret.
    async fn ask(&self, url: &str) -> (u16, Value) {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request =
            http.post(format!("{url}/oauth/token")).basic_auth(&self.id, Some(&self.secret));
        let form = "application/x-www-form-urlencoded";
        let request = request.header("content-type", form).body("grant_type=client_credentials");
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    async fn token(&self, url: &str) -> String {
        let (status, body) = self.ask(url).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().expect("a token").to_owned()
    }
}

async fn until<T>(what: &str, within: Duration, look: impl AsyncFn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < within, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn students(number: &str) -> Value {
    json!({"items": [{"studentNo": number, "givenName": "G", "familyName": "F"}]})
}

#[tokio::test]
async fn a_client_imports_until_it_is_revoked() {
    let platform = Platform::shared();
    let institution = platform.institution(Some("shard-a")).await;
    let (router, admin) = (platform.router(), platform.admin(institution.id));
    let (program, id) = Program::make(&admin).await;
    let token = program.token(router).await;
    assert_eq!(inspect(&token).expect("a JWT").claims["sub"], json!(id));
    let client = Client::new(router, &token);
    let bulk = client.post("/v1/students:bulk", students("1")).await.expect(200);
    assert_eq!(bulk.body["items"][0]["status"], 201);
    let refused = client.get("/v1/api-clients").await.expect(403);
    assert_eq!(refused.code(), "forbidden");
    let guess = Program { secret: "lxpcs_guess".to_owned(), ..Program::make(&admin).await.0 };
    let (status, body) = guess.ask(router).await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_client")));
    // Every node of the shard has heard of it, and every node hears of its end.
    let nodes = ["node-shard-a-1", "node-shard-a-2"];
    let at = nodes.map(|node| client.at(platform.process(node)["url"].as_str().expect("a URL")));
    for node in &at {
        let _heard = node.get("/v1/webhooks").await.expect(200);
    }
    let _revoked = admin.post(&format!("/v1/api-clients/{id}:revoke"), json!({})).await.expect(200);
    for node in &at {
        let answer = until("a node has heard of it", SOON, async || {
            let answer = node.get("/v1/webhooks").await;
            (answer.status != 200).then_some(answer)
        })
        .await;
        assert_eq!((answer.status, answer.code()), (401, "token-revoked"));
    }
    let _refused = client.post("/v1/students:bulk", students("2")).await.expect(401);
    let (status, _) = program.ask(router).await;
    assert_eq!(status, 401);
    let total = admin.get("/v1/students").await.expect(200).body["total"].clone();
    assert_eq!(total, 1);
}

#[tokio::test]
async fn who_holds_the_nodes_key_is_no_admin() {
    let platform = Platform::shared();
    let institution = platform.institution(None).await.id;
    let pem = std::fs::read_to_string(platform.data().join("keys/clients.pem")).expect("the key");
    let key = service_kit::token::SigningKey::from_pem(&pem).expect("a key");
    let now_s = service_kit::clock::now().timestamp();
    let token = |role: &str| {
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": key.id()}).to_string();
        let claims = json!({"iss": "lxp-local", "aud": "lxp", "jti": "t", "roles": [role], "institution_id": institution,
            "sub": service_kit::token::subject_for(institution, Role::Admin), "iat": now_s - 1, "exp": now_s + 600});
        key.sign(&header, &claims.to_string())
    };
    let router = platform.router();
    for (role, code) in
        [("ADMIN", "token-claims"), ("STAFF", "token-claims"), ("API_CLIENT", "token-revoked")]
    {
        let answer = Client::new(router, &token(role)).get("/v1/webhooks").await.expect(401);
        assert_eq!(answer.code(), code, "{role}");
    }
}

/// How often courses were listed, as the institution is told.
async fn listed(admin: &Client) -> i64 {
    let metrics =
        admin.get("/v1/endpoint-metrics?operation=academic.listCourses").await.expect(200);
    metrics.body["items"][0]["requests"].as_i64().unwrap_or_default()
}

async fn move_to(control: &Client, institution: &Institution, to: &str) {
    let wanted = json!({"kind": "move", "institution": institution.id, "to": to});
    let plan = control.post("/v1/plans", wanted).await.expect(201);
    let path = format!("/v1/plans/{}:apply", plan.id());
    let applied = control.send(Method::POST, &path, None, &[]).await.expect(200);
    let id = applied.body["moves"][0]["move"].as_str().expect("a move").to_owned();
    until("it has moved", MOVED_WITHIN, async || {
        let shown = control.get(&format!("/v1/moves/{id}")).await.expect(200).body;
        assert_ne!(shown["phase"], "aborted", "{shown}");
        (shown["phase"] == "done").then_some(())
    })
    .await;
}

#[tokio::test]
async fn clients_and_metrics_move_with_their_institution() {
    let platform = Platform::shared();
    let institution = platform.institution(Some("shard-a")).await;
    let (router, admin) = (platform.router(), platform.admin(institution.id));
    let (program, _) = Program::make(&admin).await;
    let token = program.token(router).await;
    for _ in 0..10 {
        let _list = admin.get("/v1/courses").await.expect(200);
    }
    until("ten are written", WRITTEN_WITHIN, async || (listed(&admin).await == 10).then_some(()))
        .await;
    move_to(&platform.control(), &institution, "shard-b").await;
    let before = Client::new(router, &token);
    let _heard = before.get("/v1/webhooks").await.expect(200);
    let after = Client::new(router, &program.token(router).await);
    let _heard = after.get("/v1/webhooks").await.expect(200);
    for _ in 0..5 {
        let _list = admin.get("/v1/courses").await.expect(200);
    }
    until("five are added to ten", WRITTEN_WITHIN, async || {
        let listed = listed(&admin).await;
        assert!((10..=15).contains(&listed), "{listed}");
        (listed == 15).then_some(())
    })
    .await;
    let metrics = admin.get("/v1/endpoint-metrics").await.expect(200).body;
    let tokens = metrics["items"].as_array().expect("items").iter();
    let tokens: Vec<_> = tokens.filter(|item| item["operation"] == "oauth.token").collect();
    assert!(tokens.first().is_some_and(|item| item["p99Ms"].is_number()), "{metrics}");
}
