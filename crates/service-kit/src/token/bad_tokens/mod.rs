//! Suite S4: bad tokens, each refused with its own code, and good ones of each algorithm beside them.

mod claims;
mod form;
mod keys;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use shard_map::InstitutionId;
use uuid::Uuid;

use super::{Claims, KeySet, Mint, Role, Roles, SigningKey, TokenError, TokenVerifier};

const NOW_S: i64 = 1_800_000_000;
const JWKS: &str = include_str!("../testdata/jwks.json");

struct Bench {
    verifier: TokenVerifier,
    ed: SigningKey,
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW_S, 0).expect("a time")
}

fn bench() -> Bench {
    let ed = SigningKey::from_pem(include_str!("../testdata/ed25519.pem")).expect("a key");
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
    EncodingKey::from_rsa_pem(include_bytes!("../testdata/rsa.pem")).expect("a key")
}

fn p256_key() -> EncodingKey {
    EncodingKey::from_ec_pem(include_bytes!("../testdata/p256.pem")).expect("a key")
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
