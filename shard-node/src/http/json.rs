//! JSON as clients send it, read strictly.
//!
//! What must stay true: a member stands once in its object (two readers of one document must not see two
//! things), nesting is bounded by `serde_json` (128 levels), a number that no type of ours can hold is
//! refused, and so are bad UTF-8 and lone surrogates. Whatever is wrong is the client's: 400.

use std::fmt;

use axum::http::StatusCode;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use service_kit::Problem;

/// One document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice::<Strict>(bytes)
        .map(|Strict(value)| value)
        .map_err(|error| malformed(&error.to_string()))
}

/// 400 `malformed-json`.
pub(crate) fn malformed(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The request is not JSON")
        .detail(detail)
}

/// A value whose objects have each member once.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format!("the member `{name}` stands twice")));
            }
            let Strict(value) = entries.next_value()?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "[".repeat(10_000);
        let digits = "9".repeat(400);
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":[{"a":1,"\u0061":2}]}"#,
            &deep,
            &format!("{deep}1{}", "]".repeat(10_000)),
            "1e400",
            "-1e400",
            &digits,
            r#""\ud800""#,
            r#""\udc00\ud800""#,
            "\u{feff}{}",
            "NaN",
            "{} {}",
            "",
        ] {
            let problem = parse(text.as_bytes()).expect_err(text);
            assert_eq!((problem.status, &*problem.code), (400, "malformed-json"), "{text}");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }

    proptest! {
        /// What is no trick is read as `serde_json` reads it.
        #[test]
        fn what_is_plain_is_read_as_ever(name in "[a-z\u{e9}]{0,3}", text in ".{0,9}", number: i64, float: f64) {
            let value = json!({name: [text, number, float, null, true, {}]});
            let plain: Value = serde_json::from_str(&value.to_string()).expect("JSON");
            prop_assert_eq!(parse(value.to_string().as_bytes()).expect("JSON"), plain);
        }
    }
}
