//! An operation as the document describes it, and input that it would take.

use axum::http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// An operation as the document has it.
pub(super) struct Described<'d> {
    pub(super) name: &'d str,
    pub(super) method: Method,
    pub(super) path: &'d str,
    pub(super) document: &'d Value,
}

impl Described<'_> {
    /// The path with an id that is nobody's.
    pub(super) fn concrete_path(&self) -> String {
        let id = Uuid::from_u128(7).to_string();
        let mut parts = self.path.split('{');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |path, part| {
            let rest = part.split_once('}').expect("a name in braces").1;
            format!("{path}{id}{rest}")
        })
    }

    /// The properties of the body, or of the query.
    pub(super) fn properties(&self) -> Map<String, Value> {
        let body = &self.document["requestBody"]["content"]["application/json"]["schema"];
        if let Some(properties) = body["properties"].as_object() {
            return properties.clone();
        }
        let parameters = self.document["parameters"].as_array().into_iter().flatten();
        let of_query = parameters.filter(|parameter| parameter["in"] == "query");
        let named = of_query.map(|found| {
            (found["name"].as_str().expect("a name").to_owned(), found["schema"].clone())
        });
        named.collect()
    }

    /// Everything that the input demands, as it should be.
    pub(super) fn sample(&self) -> Map<String, Value> {
        let body = &self.document["requestBody"]["content"]["application/json"]["schema"];
        let required = body["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        required.map(|name| (name.to_owned(), sample(&body["properties"][name]))).collect()
    }
}

fn sample(schema: &Value) -> Value {
    if schema["example"].is_string() {
        return schema["example"].clone();
    }
    if let Some(choices) = schema["enum"].as_array() {
        return choices[0].clone();
    }
    match (kind(schema), schema["format"].as_str()) {
        ("string", Some("uuid")) => json!(Uuid::from_u128(7)),
        ("string", Some("date")) => json!("2026-09-01"),
        ("string", _) => json!("x"),
        ("integer" | "number", _) => json!(7),
        ("boolean", _) => json!(false),
        ("array", _) => json!([{}]),
        _ => json!({}),
    }
}

pub(super) fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds[0].as_str().unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    }
}
