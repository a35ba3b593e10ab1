//! What is wrong with inputs: whole texts, and values of single members.

use serde_json::{Value, json};

use super::described::kind;

/// Texts that are no input of ours at all, for the whole body.
pub(super) fn documents() -> Vec<(&'static str, Vec<u8>)> {
    let nested = |open: &str, close: &str| {
        format!("{{\"x\":{}1{}}}", open.repeat(10_000), close.repeat(10_000)).into_bytes()
    };
    vec![
        ("arrays 10,000 deep", nested("[", "]")),
        ("objects 10,000 deep", nested("{\"a\":", "}")),
        ("arrays never closed", "[".repeat(100_000).into_bytes()),
        ("a huge exponent", br#"{"x":1e400}"#.to_vec()),
        ("a huge negative exponent", br#"{"x":-1e400}"#.to_vec()),
        ("400 digits", format!("{{\"x\":{}}}", "9".repeat(400)).into_bytes()),
        ("100,000 digits", format!("{{\"x\":{}}}", "9".repeat(100_000)).into_bytes()),
        ("a member twice", br#"{"x":1,"x":1}"#.to_vec()),
        ("a member twice, escaped", br#"{"x":1,"\u0078":1}"#.to_vec()),
        ("a member twice, deep", br#"{"y":[{"x":1,"x":2}]}"#.to_vec()),
        ("bad UTF-8", b"{\"x\":\"\xff\xfe\"}".to_vec()),
        ("an overlong NUL", b"{\"x\":\"\xc0\x80\"}".to_vec()),
        ("a surrogate in UTF-8", b"{\"x\":\"\xed\xa0\x80\"}".to_vec()),
        ("a bad member name", b"{\"\xff\":1}".to_vec()),
        ("a lone surrogate", br#"{"x":"\ud800"}"#.to_vec()),
        ("turned surrogates", br#"{"x":"\udc00\ud800"}"#.to_vec()),
        ("UTF-16", "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a byte order mark", "\u{feff}{}".as_bytes().to_vec()),
        ("a NUL byte", b"{\"x\":\"\0\"}".to_vec()),
        ("an array", b"[]".to_vec()),
        ("a number", b"7".to_vec()),
        ("a text", b"\"x\"".to_vec()),
        ("cut off", b"{\"x\":".to_vec()),
        ("a comment", b"{/* */}".to_vec()),
        ("two documents", b"{} {}".to_vec()),
        ("NaN", b"{\"x\":NaN}".to_vec()),
        ("not JSON", b"<x/>".to_vec()),
        ("a form", b"x=1&y=2".to_vec()),
        ("unknown members", br#"{"institutionId":"x","roles":["ADMIN"],"__proto__":{}}"#.to_vec()),
        ("a member named NUL", br#"{"\u0000":1}"#.to_vec()),
        ("10,000 members", {
            let members: Vec<_> = (0..10_000).map(|n| format!("\"m{n}\":{n}")).collect();
            format!("{{{}}}", members.join(",")).into_bytes()
        }),
    ]
}

/// Values that fit no property of their kind, or that a database would choke on.
pub(super) fn values(schema: &Value) -> Vec<Value> {
    let of_kind = match (kind(schema), schema["format"].as_str()) {
        ("string", Some("date")) => vec![
            json!("-9999-01-01"),
            json!("+262142-12-31"),
            json!("2026-02-30"),
            json!("infinity"),
            json!("2026-09-01\0"),
        ],
        ("string", Some("uuid")) => vec![json!("7"), json!("\0"), json!("' OR 1=1 --")],
        ("integer" | "number", _) => {
            vec![json!(i64::MAX), json!(i64::MIN), json!(1e300), json!(-1), json!("NaN")]
        }
        _ => vec![json!("a\0b"), json!("\0"), json!({"$gt": ""}), json!("x".repeat(100_000))],
    };
    of_kind.into_iter().chain([json!([[]]), json!({"a": {}})]).collect()
}
