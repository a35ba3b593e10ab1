//! Suite S4: bad tokens, each refused with its own code, and good ones of each algorithm beside them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey};
use proptest::prelude::*;
use serde_json::{Value, json};
use shard_map::InstitutionId;
use uuid::Uuid;

use super::{
    Claims, KeySet, MAX_TOKEN_BYTES, Mint, Role, Roles, SigningKey, TokenError, TokenVerifier,
};

const NOW_S: i64 = 1_800_000_000;
const JWKS: &str = include_str!("testdata/jwks.json");

struct Bench {
    verifier: TokenVerifier,
    ed: SigningKey,
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW_S, 0).expect("a time")
}

fn bench() -> Bench {
    let ed = SigningKey::from_pem(include_str!("testdata/ed25519.pem")).expect("a key");
    let mut jwks: Value = serde_json::from_str(JWKS).expect("json");
    let own: Value = serde_json::from_str(&ed.jwks()).expect("json");
    jwks["keys"].as_array_mut().expect("keys").push(own["keys"][0].clone());
    let keys = KeySet::from_jwks(jwks.to_string().as_bytes(), "test").expect("keys");
    assert_eq!(keys.len(), 3);
    Bench { verifier: TokenVerifier::with_keys("lxp-test", "lxp", keys), ed }
}

fn claims() -> Value {
    json!({
        "iss": "lxp-test", "aud": "lxp", "sub": Uuid::from_u128(1), "jti": "t-1",
        "institution_id": Uuid::from_u128(2), "roles": ["STUDENT"],
        "iat": NOW_S - 10, "exp": NOW_S + 600,
    })
}

fn changed(claim: &str, value: Value) -> String {
    let mut claims = claims();
    claims[claim] = value;
    claims.to_string()
}

fn without(claim: &str) -> String {
    let mut claims = claims();
    claims.as_object_mut().expect("an object").remove(claim);
    claims.to_string()
}

fn signed(header: &Value, payload: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", encode(&header.to_string()), encode(payload));
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).expect("a signature");
    format!("{message}.{signature}")
}

fn rsa_key() -> EncodingKey {
    EncodingKey::from_rsa_pem(include_bytes!("testdata/rsa.pem")).expect("a key")
}

fn p256_key() -> EncodingKey {
    EncodingKey::from_ec_pem(include_bytes!("testdata/p256.pem")).expect("a key")
}

impl Bench {
    fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        self.raw(format!("Bearer {token}").as_bytes())
    }

    fn raw(&self, header: &[u8]) -> Result<Claims, TokenError> {
        self.verifier.verify(Some(header), now()).map(|claims| Claims::clone(&claims))
    }

    /// Signed by the right Ed25519 key, with members added to a good header.
    fn with_header(&self, members: &[(&str, Value)]) -> String {
        let mut header = json!({"alg": "EdDSA", "typ": "JWT", "kid": self.ed.id()});
        for (name, value) in members {
            header[*name] = value.clone();
        }
        self.ed.sign(&header.to_string(), &claims().to_string())
    }

    fn with_payload(&self, payload: &str) -> String {
        let header = json!({"alg": "EdDSA", "kid": self.ed.id()});
        self.ed.sign(&header.to_string(), payload)
    }

    fn good(&self) -> String {
        self.with_payload(&claims().to_string())
    }

    fn expect(&self, code: &str, cases: &[(&str, String)]) -> usize {
        for (what, token) in cases {
            let error = self.verify(token).expect_err(what);
            assert_eq!(error.code(), code, "{what}: {error}");
            assert_eq!(crate::Problem::from(error).status, 401);
        }
        cases.len()
    }
}

#[test]
fn good_tokens_of_each_algorithm_are_taken() {
    let bench = bench();
    let payload = claims().to_string();
    let rsa = json!({"alg": "RS256", "kid": "rsa"});
    let p256 = json!({"alg": "ES256", "kid": "p256", "typ": "at+jwt"});
    for token in [
        bench.good(),
        signed(&rsa, &payload, &rsa_key(), Algorithm::RS256),
        signed(&p256, &payload, &p256_key(), Algorithm::ES256),
        bench.with_payload(&changed("aud", json!(["other", "lxp"]))),
        bench.with_payload(&changed("exp", json!(1_800_000_000.9e0 + 60.0))),
        bench.with_payload(&changed("nbf", json!(NOW_S + 20))),
    ] {
        let claims = bench.verify(&token).expect("a good token");
        assert_eq!(claims.institution, InstitutionId::new(Uuid::from_u128(2)));
        assert_eq!(claims.roles, Roles::from(Role::Student));
    }
    assert!(bench.raw(format!("bearer  {}", bench.good()).as_bytes()).is_ok());
}

#[test]
fn a_minted_token_is_taken_until_it_expires_also_from_the_cache() {
    let bench = bench();
    let token = bench.ed.mint(&Mint {
        issuer: "lxp-test",
        audience: "lxp",
        subject: Uuid::from_u128(5),
        institution: InstitutionId::new(Uuid::from_u128(6)),
        roles: Roles::from(Role::Admin),
        issued_at: now(),
        ttl: TimeDelta::seconds(60),
        token_id: Uuid::from_u128(7),
    });
    let header = format!("Bearer {token}");
    let at = |seconds| {
        bench.verifier.verify(Some(header.as_bytes()), now() + TimeDelta::seconds(seconds))
    };
    assert_eq!(at(0).expect("claims").subject, Uuid::from_u128(5));
    assert!(at(59).is_ok());
    assert_eq!(at(60), Err(TokenError::Expired));
}

#[test]
fn a_missing_header_has_its_own_code() {
    let error = bench().verifier.verify(None, now()).expect_err("no header");
    assert_eq!(error.code(), "token-missing");
}

#[test]
fn malformed_tokens_are_refused() {
    let bench = bench();
    let good = bench.good();
    let (message, signature) = good.rsplit_once('.').expect("parts");
    let (header, payload) = message.split_once('.').expect("parts");
    let twice = format!(r#"{{"alg":"EdDSA","kid":"{0}","kid":"{0}"}}"#, bench.ed.id());
    let refused = bench.expect(
        "token-malformed",
        &[
            ("empty", String::new()),
            ("one part", "abc".to_owned()),
            ("two parts", message.to_owned()),
            ("four parts", format!("{good}.x")),
            ("five parts, encrypted", format!("{header}.{payload}.a.b.c")),
            ("padded header", format!("{header}=.{payload}.{signature}")),
            ("header in another alphabet", format!("+/{header}.{payload}.{signature}")),
            ("header is no JSON", bench.ed.sign("{", "{}")),
            ("header is an array", bench.ed.sign("[]", "{}")),
            ("header of bad UTF-8", format!("{}.{payload}.{signature}", "_w")),
            ("jku", bench.with_header(&[("jku", json!("https://evil.example/jwks.json"))])),
            ("x5u", bench.with_header(&[("x5u", json!("https://evil.example/cert.pem"))])),
            ("jwk", bench.with_header(&[("jwk", json!({"kty": "OKP"}))])),
            ("x5c", bench.with_header(&[("x5c", json!(["MIIB"]))])),
            ("crit", bench.with_header(&[("crit", json!(["b64"])), ("b64", json!(false))])),
            ("kid is a number", bench.with_header(&[("kid", json!(1))])),
            ("kid is an object", bench.with_header(&[("kid", json!({"$ne": null}))])),
            ("a name twice in the header", bench.ed.sign(&twice, &claims().to_string())),
            ("typ of another token", bench.with_header(&[("typ", json!("logout+jwt"))])),
            ("too long", "a".repeat(MAX_TOKEN_BYTES + 1)),
        ],
    );
    assert_eq!(refused, 20);
}

#[test]
fn other_headers_than_one_bearer_token_are_malformed() {
    let bench = bench();
    for header in
        [&b""[..], b"Bearer", b"Bearer ", b"Basic YTpi", b"Bearer \xff\xfe", b"Bearer\tx.y.z"]
    {
        let error = bench.raw(header).expect_err("not a bearer token");
        assert_eq!(error.code(), "token-malformed", "{header:?}");
    }
}

#[test]
fn other_algorithms_than_the_keys_are_refused() {
    let bench = bench();
    let payload = claims().to_string();
    let message = |header: Value| {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}", encode(&header.to_string()), encode(&payload))
    };
    let public = serde_json::from_str::<Value>(&bench.ed.jwks()).expect("json");
    let x = public["keys"][0]["x"].as_str().expect("x");
    let secret = EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(x).expect("base64"));
    let id = bench.ed.id();
    let hmac = |alg: &str, algorithm| {
        signed(&json!({"alg": alg, "kid": id}), &payload, &secret, algorithm)
    };
    let refused = bench.expect(
        "token-algorithm",
        &[
            ("none", format!("{}.", message(json!({"alg": "none", "kid": id})))),
            ("None", format!("{}.", message(json!({"alg": "None", "kid": id})))),
            ("nOnE, no kid", format!("{}.", message(json!({"alg": "nOnE"})))),
            ("no alg", format!("{}.x", message(json!({"kid": id})))),
            ("alg is null", format!("{}.x", message(json!({"alg": null, "kid": id})))),
            ("alg is an array", format!("{}.x", message(json!({"alg": ["EdDSA"], "kid": id})))),
            ("HS256 with the public key as secret", hmac("HS256", Algorithm::HS256)),
            ("HS512 with the public key as secret", hmac("HS512", Algorithm::HS512)),
            ("RS256 named for an Ed25519 key", bench.with_header(&[("alg", json!("RS256"))])),
            ("eddsa in lower case", bench.with_header(&[("alg", json!("eddsa"))])),
            ("EdDSA named for an RSA key", bench.with_header(&[("kid", json!("rsa"))])),
            (
                "RS512 by an RS256 key",
                signed(
                    &json!({"alg": "RS512", "kid": "rsa"}),
                    &payload,
                    &rsa_key(),
                    Algorithm::RS512,
                ),
            ),
            (
                "PS256 by an RS256 key",
                signed(
                    &json!({"alg": "PS256", "kid": "rsa"}),
                    &payload,
                    &rsa_key(),
                    Algorithm::PS256,
                ),
            ),
        ],
    );
    assert_eq!(refused, 13);
}

#[test]
fn unknown_keys_are_refused() {
    let bench = bench();
    let kid = |id: &str| bench.with_header(&[("kid", json!(id))]);
    bench.expect(
        "token-key-unknown",
        &[
            ("no kid", bench.ed.sign(r#"{"alg":"EdDSA"}"#, &claims().to_string())),
            ("empty", kid("")),
            ("a path", kid("../../../../dev/null")),
            ("an absolute path", kid("/etc/passwd")),
            ("SQL", kid("x' UNION SELECT 'key'; --")),
            ("a URL", kid("https://evil.example/key")),
            ("a NUL", kid("rsa\0")),
            ("another case", kid("RSA")),
        ],
    );
}

#[test]
fn wrong_signatures_are_refused() {
    let bench = bench();
    let good = bench.good();
    let (message, signature) = good.rsplit_once('.').expect("parts");
    let (header, _) = message.split_once('.').expect("parts");
    let stranger = SigningKey::generate().expect("a key");
    let own_header = json!({"alg": "EdDSA", "kid": bench.ed.id()}).to_string();
    let admin = URL_SAFE_NO_PAD.encode(changed("roles", json!(["ADMIN"])));
    let mut flipped = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    flipped[0] ^= 1;
    let p256 = |signature: &str| {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let header = encode(&json!({"alg": "ES256", "kid": "p256"}).to_string());
        format!("{header}.{}.{signature}", encode(&claims().to_string()))
    };
    bench.expect(
        "token-signature",
        &[
            ("empty", format!("{message}.")),
            ("cut", format!("{message}.{}", &signature[..20])),
            ("one bit flipped", format!("{message}.{}", URL_SAFE_NO_PAD.encode(flipped))),
            ("another alphabet", format!("{message}.{}", "+".repeat(86))),
            ("padded", format!("{message}.{signature}==")),
            ("claims changed", format!("{header}.{admin}.{signature}")),
            ("a stranger's key", stranger.sign(&own_header, &claims().to_string())),
            ("ES256, r and s zero", p256(&URL_SAFE_NO_PAD.encode([0; 64]))),
            ("claims are no JSON, unsigned", format!("{header}.e30x.{signature}")),
        ],
    );
}

#[test]
fn issuer_audience_and_time_are_judged() {
    let bench = bench();
    let changed = |claim: &str, value: Value| bench.with_payload(&changed(claim, value));
    bench.expect(
        "token-issuer",
        &[
            ("another", changed("iss", json!("evil"))),
            ("an array", changed("iss", json!(["lxp-test"]))),
            ("none", bench.with_payload(&without("iss"))),
        ],
    );
    bench.expect(
        "token-audience",
        &[
            ("another", changed("aud", json!("other"))),
            ("others", changed("aud", json!(["a", "b"]))),
            ("an object", changed("aud", json!({"lxp": true}))),
            ("none", bench.with_payload(&without("aud"))),
        ],
    );
    bench.expect(
        "token-expired",
        &[
            ("long ago", changed("exp", json!(NOW_S - 3600))),
            ("now", changed("exp", json!(NOW_S))),
            ("at zero", changed("exp", json!(0))),
        ],
    );
    bench.expect(
        "token-not-yet-valid",
        &[("nbf", changed("nbf", json!(NOW_S + 31))), ("iat", changed("iat", json!(NOW_S + 3600)))],
    );
}

#[test]
fn claims_of_another_form_are_refused() {
    let bench = bench();
    let good = claims().to_string();
    let twice = |claim: &str| {
        let payload = format!("{},{claim}}}", good.strip_suffix('}').expect("an object"));
        bench.with_payload(&payload)
    };
    let changed = |claim: &str, value: Value| bench.with_payload(&changed(claim, value));
    let deep = format!("{}1{}", "[".repeat(2500), "]".repeat(2500));
    let refused = bench.expect(
        "token-claims",
        &[
            (
                "institution twice",
                twice(r#""institution_id":"00000000-0000-0000-0000-000000000009""#),
            ),
            ("roles twice", twice(r#""roles":["ADMIN"]"#)),
            ("exp twice", twice(r#""exp":9999999999"#)),
            ("exp twice, escaped", twice(r#""e\u0078p":9999999999"#)),
            ("an unknown claim twice", twice(r#""a":1,"a":2"#)),
            ("no exp", bench.with_payload(&without("exp"))),
            ("no iat", bench.with_payload(&without("iat"))),
            ("no sub", bench.with_payload(&without("sub"))),
            ("no institution", bench.with_payload(&without("institution_id"))),
            ("no roles", bench.with_payload(&without("roles"))),
            ("no jti", bench.with_payload(&without("jti"))),
            ("exp is a text", changed("exp", json!("9999999999"))),
            ("exp is negative", changed("exp", json!(-1))),
            ("exp is huge", changed("exp", json!(1e300))),
            ("exp past the calendar", changed("exp", json!(u64::MAX))),
            ("nbf is a text", changed("nbf", json!("soon"))),
            ("sub is no UUID", changed("sub", json!("admin"))),
            ("institution is no UUID", changed("institution_id", json!("x' OR 1=1"))),
            ("institution is an array", changed("institution_id", json!([Uuid::from_u128(2)]))),
            ("an unknown role", changed("roles", json!(["STUDENT", "ROOT"]))),
            ("roles is a text", changed("roles", json!("ADMIN"))),
            ("claims are an array", bench.with_payload("[]")),
            ("claims are no JSON", bench.with_payload("{")),
            ("claims nest too deep", bench.with_payload(&format!(r#"{{"a":{deep}}}"#))),
        ],
    );
    assert_eq!(refused, 24);
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(header in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(bench().raw(&header).is_err());
    }

    #[test]
    fn no_cut_or_changed_token_is_taken(at in 0usize..400, byte in any::<u8>()) {
        let bench = bench();
        let good = bench.good();
        let mut bytes = good.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let header = [b"Bearer ", &bytes[..]].concat();
        let same = bytes == good.as_bytes();
        // A space at either end is trimmed and leaves a cut token, which is refused as well.
        prop_assert_eq!(bench.raw(&header).is_ok(), same);
        prop_assert!(bench.verify(&good[..at]).is_err());
    }
}
