//! Tokens that are signed well and say what is not to be believed.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{NOW_S, bench, changed, claims, without};

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
