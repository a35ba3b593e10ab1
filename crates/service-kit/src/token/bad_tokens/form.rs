//! What is no token at all, or not one of ours by its form.

use proptest::prelude::*;
use serde_json::json;

use super::super::MAX_TOKEN_BYTES;
use super::{bench, claims, now};

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
