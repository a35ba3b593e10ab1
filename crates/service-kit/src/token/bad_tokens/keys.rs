//! Tokens of another algorithm, of another key, or whose signature is not its key's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::super::SigningKey;
use super::{bench, changed, claims, rsa_key, signed};

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
