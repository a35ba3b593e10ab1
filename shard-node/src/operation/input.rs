//! From one JSON object to a checked input.

use axum::http::StatusCode;
use serde_json::Value;
use service_kit::Problem;
use service_kit::problem::FieldProblem;

use super::Input;
use crate::error::Error;

/// Where a bulk call has its rows: they are decoded each on its own, so that one says nothing about the
/// others, and are checked then (`resource::bulk::decode_rows`).
const ROWS: &str = "items";

/// Decodes and validates; every error says where and what is allowed.
pub fn decode<I: Input>(value: Value) -> Result<I, Error> {
    if let Some(pointer) = find_nul(&value, true) {
        let detail = "a text without the character U+0000 is expected";
        return Err(invalid().field(FieldProblem::new(pointer, "invalid", detail)).into());
    }
    // serde takes a list for an object of as many members, of none for example.
    if !value.is_object() {
        return Err(invalid()
            .field(FieldProblem::new("", "invalid", "an object is expected"))
            .into());
    }
    let input: I = serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer(error.path());
        invalid().field(FieldProblem::new(pointer, "invalid", error.into_inner().to_string()))
    })?;
    input.validate().map_err(|report| {
        report.iter().fold(invalid(), |problem, (path, error)| {
            let pointer = camel_pointer(&path.to_string());
            problem.field(FieldProblem::new(pointer, "invalid", error.to_string()))
        })
    })?;
    Ok(input)
}

/// 400 `invalid-input`, to which fields are added.
pub fn invalid() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid-input",
        "The request is not of the expected form",
    )
}

/// The place of a text, or a member's name, with U+0000 in it: Postgres has no such texts.
fn find_nul(value: &Value, outermost: bool) -> Option<String> {
    let nul = |text: &str| text.contains('\0');
    match value {
        Value::String(text) => nul(text).then(String::new),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| Some(format!("/{index}{}", find_nul(item, false)?))),
        Value::Object(members) => members
            .iter()
            .filter(|(name, value)| !(outermost && *name == ROWS && value.is_array()))
            .find_map(|(name, value)| {
                let below = if nul(name) { Some(String::new()) } else { find_nul(value, false) };
                below.map(|below| format!("/{}{below}", escape(name)))
            }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{}", escape(key)),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// `items[3].course_id` of the validator becomes `/items/3/courseId` of the wire.
fn camel_pointer(path: &str) -> String {
    let mut pointer = String::from("/");
    let mut upper = false;
    for c in path.chars() {
        match c {
            '.' | '[' => pointer.push('/'),
            ']' => {}
            '_' => upper = true,
            _ if upper => {
                pointer.push(c.to_ascii_uppercase());
                upper = false;
            }
            _ => pointer.push(c),
        }
    }
    if pointer == "/" { String::new() } else { pointer }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_nul_is_found_wherever_it_stands_but_in_the_rows_of_a_bulk_call() {
        let found = |value| find_nul(&value, true);
        assert_eq!(found(json!({"a": ["b", {"c/d": "x\0"}]})), Some("/a/1/c~1d".to_owned()));
        assert_eq!(found(json!({"\0": 1})), Some("/\0".to_owned()));
        assert_eq!(found(json!({"a": "b", "n": 1})), None);
        assert_eq!(found(json!({"items": [{"a": "\0"}]})), None);
        assert_eq!(found(json!({"t": {"items": ["\0"]}})), Some("/t/items/0".to_owned()));
    }

    #[test]
    fn a_path_of_the_validator_becomes_a_json_pointer() {
        assert_eq!(camel_pointer("items[3].course_id"), "/items/3/courseId");
        assert_eq!(camel_pointer(""), "");
    }
}
