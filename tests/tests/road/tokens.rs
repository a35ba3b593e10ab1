//! Suite S4: bad tokens at the real router, and at a node as if the router had let them by. Each is 401 with
//! a code of its own, never a 5xx; and none spoils what a good one gets.

use chrono::TimeDelta;
use lxp_tests::Platform;
use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::{Role, SigningKey, subject_for};
use shard_map::InstitutionId;

/// Signs headers and claims for one institution.
struct Forge<'k> {
    key: &'k SigningKey,
    institution: InstitutionId,
    now_s: i64,
}

impl Forge<'_> {
    fn claims(&self) -> Value {
        json!({
            "iss": "lxp-local", "aud": "lxp", "jti": "t-1", "roles": ["ADMIN"],
            "sub": subject_for(self.institution, Role::Admin),
            "institution_id": self.institution, "iat": self.now_s - 10, "exp": self.now_s + 600,
        })
    }

    fn good(&self) -> String {
        self.payload(&self.claims().to_string())
    }

    fn header(&self, name: &str, value: Value) -> String {
        let mut header = json!({"alg": "EdDSA", "typ": "JWT", "kid": self.key.id()});
        header[name] = value;
        self.key.sign(&header.to_string(), &self.claims().to_string())
    }

    fn payload(&self, payload: &str) -> String {
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": self.key.id()});
        self.key.sign(&header.to_string(), payload)
    }

    fn claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[name] = value;
        self.payload(&claims.to_string())
    }

    fn without(&self, name: &str) -> String {
        let mut claims = self.claims();
        claims.as_object_mut().expect("an object").remove(name);
        self.payload(&claims.to_string())
    }

    fn twice(&self, member: &str) -> String {
        let claims = self.claims().to_string();
        self.payload(&format!("{},{member}}}", claims.strip_suffix('}').expect("an object")))
    }
}

fn headers_and_keys(forge: &Forge<'_>) -> Vec<(&'static str, String)> {
    let header = |name: &str, value: Value| forge.header(name, value);
    vec![
        ("token-algorithm", header("alg", json!("none"))),
        ("token-algorithm", header("alg", json!("None"))),
        ("token-algorithm", header("alg", json!("HS256"))),
        ("token-algorithm", header("alg", json!("RS256"))),
        ("token-algorithm", header("alg", json!("eddsa"))),
        ("token-algorithm", header("alg", Value::Null)),
        ("token-algorithm", header("alg", json!(["EdDSA"]))),
        ("token-malformed", header("jku", json!("https://evil.example/jwks.json"))),
        ("token-malformed", header("x5u", json!("https://evil.example/cert.pem"))),
        ("token-malformed", header("jwk", json!({"kty": "OKP"}))),
        ("token-malformed", header("x5c", json!(["MIIB"]))),
        ("token-malformed", header("crit", json!(["b64"]))),
        ("token-malformed", header("kid", json!(1))),
        ("token-malformed", header("typ", json!("logout+jwt"))),
        ("token-key-unknown", header("kid", json!(""))),
        ("token-key-unknown", header("kid", json!("../../../../dev/null"))),
        ("token-key-unknown", header("kid", json!("/etc/passwd"))),
        ("token-key-unknown", header("kid", json!("x' UNION SELECT 'key'; --"))),
        ("token-key-unknown", header("kid", json!("https://evil.example/key"))),
    ]
}

fn claims(forge: &Forge<'_>) -> Vec<(&'static str, String)> {
    let (claim, now_s) = (|name: &str, value: Value| forge.claim(name, value), forge.now_s);
    vec![
        ("token-issuer", claim("iss", json!("evil"))),
        ("token-issuer", claim("iss", json!(["lxp-local"]))),
        ("token-audience", claim("aud", json!("other"))),
        ("token-audience", forge.without("aud")),
        ("token-expired", claim("exp", json!(now_s - 3600))),
        ("token-expired", claim("exp", json!(0))),
        ("token-not-yet-valid", claim("nbf", json!(now_s + 3600))),
        ("token-not-yet-valid", claim("iat", json!(now_s + 3600))),
        ("token-claims", claim("exp", json!("9999999999"))),
        ("token-claims", claim("exp", json!(1e300))),
        ("token-claims", claim("exp", json!(u64::MAX))),
        ("token-claims", claim("sub", json!("admin"))),
        ("token-claims", claim("institution_id", json!("x' OR 1=1"))),
        ("token-claims", claim("roles", json!(["ADMIN", "ROOT"]))),
        ("token-claims", claim("roles", json!("ADMIN"))),
        ("token-claims", forge.without("exp")),
        ("token-claims", forge.without("institution_id")),
        ("token-claims", forge.without("roles")),
        ("token-claims", forge.twice(r#""exp":9999999999"#)),
        ("token-claims", forge.twice(r#""e\u0078p":9999999999"#)),
        ("token-claims", forge.twice(r#""institution_id":"00000000-0000-0000-0000-000000000009""#)),
        ("token-claims", forge.payload("[]")),
        ("token-claims", forge.payload("{")),
        ("token-claims", forge.payload(&format!("{}1{}", "[".repeat(2500), "]".repeat(2500)))),
    ]
}

fn forms_and_signatures(forge: &Forge<'_>) -> Vec<(&'static str, String)> {
    let good = forge.good();
    let (message, signature) = good.rsplit_once('.').expect("parts");
    let stranger = SigningKey::generate().expect("a key");
    let own_header = json!({"alg": "EdDSA", "kid": forge.key.id()}).to_string();
    vec![
        ("token-malformed", "abc".to_owned()),
        ("token-malformed", message.to_owned()),
        ("token-malformed", format!("{good}.x")),
        ("token-malformed", "a".repeat(9000)),
        ("token-malformed", forge.key.sign("{", "{}")),
        ("token-malformed", forge.key.sign("[]", "{}")),
        ("token-signature", format!("{message}.")),
        ("token-signature", format!("{message}.{}", &signature[..20])),
        ("token-signature", format!("{message}.{}", "A".repeat(86))),
        ("token-signature", stranger.sign(&own_header, &forge.claims().to_string())),
    ]
}

#[tokio::test]
async fn bad_tokens_are_401_at_router_and_node() {
    let platform = Platform::shared();
    let institution = platform.institution(Some("shard-a")).await.id;
    let now_s = (clock::now() - TimeDelta::seconds(1)).timestamp();
    let forge = Forge { key: platform.signing_key(), institution, now_s };
    let corpus: Vec<_> = [headers_and_keys(&forge), claims(&forge), forms_and_signatures(&forge)]
        .into_iter()
        .flatten()
        .collect();
    assert!(corpus.len() >= 40, "{}", corpus.len());
    let node = platform.process("node-shard-a-1")["url"].as_str().expect("a URL").to_owned();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let ask = async |url: &str, token: &str| {
        let request = client.get(format!("{url}/v1/programs")).bearer_auth(token);
        let request = request.header("x-institution-id", institution.to_string());
        request.send().await.expect("an answer")
    };
    for url in [platform.router(), &node] {
        for (code, token) in &corpus {
            let answer = ask(url, token).await;
            let status = answer.status().as_u16();
            let challenge = answer.headers().get("www-authenticate").cloned();
            let body: Value = answer.json().await.expect("a problem");
            assert_eq!(
                (status, body["code"].as_str()),
                (401, Some(*code)),
                "{url} {token}\n{body}"
            );
            let challenge = challenge.expect("a challenge");
            let challenge = challenge.to_str().expect("text");
            let is_missing = *code == "token-missing";
            let says = if is_missing { "Bearer" } else { "Bearer error=\"invalid_token\"" };
            assert!(challenge.starts_with(says), "{code}: {challenge}");
        }
        assert_eq!(ask(url, &forge.good()).await.status(), 200, "{url}");
    }
}
