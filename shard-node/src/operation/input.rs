//! From one JSON object to a checked input.

use axum::http::StatusCode;
use serde_json::Value;
use service_kit::Problem;
use service_kit::problem::FieldProblem;

use super::Input;
use crate::error::Error;

/// Decodes and validates; every error says where and what is allowed.
pub fn decode<I: Input>(value: Value) -> Result<I, Error> {
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
    use super::*;

    #[test]
    fn a_path_of_the_validator_becomes_a_json_pointer() {
        assert_eq!(camel_pointer("items[3].course_id"), "/items/3/courseId");
        assert_eq!(camel_pointer(""), "");
    }
}
