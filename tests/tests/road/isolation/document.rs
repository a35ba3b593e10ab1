//! The OpenAPI document as it is asked by: its operations, the ids in their paths, and bodies that their schemas take.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A value that the schema of a member takes.
fn sample(document: &Value, name: &str, schema: &Value) -> Value {
    if schema["$ref"] == "#/components/schemas/QuestionBody" {
        return json!({"type": "TRUE_FALSE", "answer": true});
    }
    if let Some(name) = schema["$ref"].as_str().and_then(component) {
        return sample(document, name, &document["components"]["schemas"][name]);
    }
    if schema["example"].is_string() {
        return schema["example"].clone();
    }
    if let Some(choices) = schema["enum"].as_array() {
        return choices[0].clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].clone(),
        kind => kind.clone(),
    };
    match (kind.as_str(), schema["format"].as_str()) {
        (Some("string"), Some("uuid")) => json!(Uuid::now_v7()),
        (Some("string"), Some("date")) => json!("2026-09-01"),
        (Some("string"), Some("date-time")) => json!("2026-09-01T09:00:00Z"),
        // Decimals are text.
        (Some("string"), _) if DECIMALS.contains(&name) => json!("0"),
        (Some("string"), _) => json!("x"),
        (Some("integer" | "number"), _) => json!(2026),
        (Some("boolean"), _) => json!(false),
        (Some("array"), _) => json!([sample(document, name, &schema["items"])]),
        _ => {
            let required = schema["required"].as_array().into_iter().flatten();
            let names = required.filter_map(Value::as_str);
            let member =
                |name: &str| (name.to_owned(), sample(document, name, &schema["properties"][name]));
            names.map(member).collect::<Map<_, _>>().into()
        }
    }
}

/// Members that are decimal numbers.
const DECIMALS: [&str; 5] = ["weight", "ratePercent", "passMark", "fromPercent", "points"];

fn component(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

/// The schema of what an operation takes in its body; of its rows where it is a bulk.
pub(super) fn schema<'d>(document: &'d Value, operation: &'d Value) -> (&'d Value, bool) {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let named = schema["properties"]["items"]["items"]["$ref"].as_str();
    let name = named.and_then(component);
    name.map_or((schema, false), |name| (&document["components"]["schemas"][name], true))
}

/// An object with everything that a schema demands; what it refers to is among `things`.
pub(super) fn demanded(
    document: &Value,
    schema: &Value,
    things: &BTreeMap<&str, Uuid>,
) -> Map<String, Value> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let member = |name: &str| {
        let property = &schema["properties"][name];
        let id = entity(name, "").filter(|_| property["format"] == "uuid");
        let value =
            id.map_or_else(|| sample(document, name, property), |entity| json!(things[entity]));
        (name.to_owned(), value)
    };
    required.map(member).collect()
}

/// A body with everything that the operation demands.
pub(super) fn body(
    document: &Value,
    operation: &Value,
    things: &BTreeMap<&str, Uuid>,
) -> Option<Value> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    schema.is_object().then(|| Value::Object(demanded(document, schema, things)))
}

/// What the id of this name is the id of; `id` of what the path ends with.
pub(super) fn entity<'p>(name: &str, path: &'p str) -> Option<&'p str> {
    let names = [
        ("programId", "programs"),
        ("termSystemId", "term-systems"),
        ("termId", "terms"),
        ("courseId", "courses"),
        ("classId", "classes"),
        ("sessionId", "attendance-sessions"),
        ("studentId", "students"),
        ("userId", "users"),
        ("guardianId", "users"),
        ("prerequisiteId", "courses"),
        ("parentId", "org-units"),
        ("orgUnitId", "org-units"),
        ("meetingId", "class-meetings"),
        ("enrollmentId", "enrollments"),
        ("endpointId", "webhooks"),
        ("eventId", "events"),
        ("bankId", "question-banks"),
        ("gradeId", "grades"),
        ("assessmentId", "assessments"),
        ("subjectId", "subjects"),
        ("categoryId", "grading-categories"),
        ("latePolicyId", "late-policies"),
        ("questionId", "questions"),
        ("regradeId", "regrades"),
        ("after", "submissions"),
        ("id", path.rsplit('/').next().unwrap_or_default()),
    ];
    names.into_iter().find(|(known, _)| *known == name).map(|(_, entity)| entity)
}

/// What the name in braces is the id of: what the path names before it, or what its own name says.
fn named<'p>(front: &'p str, name: &str) -> &'p str {
    let collection = front.trim_start_matches("/v1/").trim_end_matches('/');
    if collection.contains('/') { entity(name, "").unwrap_or(collection) } else { collection }
}

/// The names in braces of a path, and what each is the id of.
pub(super) fn ids(path: &str) -> Vec<(&str, &str)> {
    let braces = path.match_indices('{').map(|(at, _)| at);
    braces
        .map(|at| {
            let name = path[at + 1..].split_once('}').expect("a brace").0;
            (name, named(&path[..at], name))
        })
        .collect()
}

/// A path with the things of an institution in it.
pub(super) fn filled(path: &str, things: &BTreeMap<&str, Uuid>) -> String {
    ids(path).into_iter().fold(path.to_owned(), |filled, (name, entity)| {
        let id = things.get(entity).unwrap_or_else(|| panic!("{path}: the test makes no {entity}"));
        filled.replace(&format!("{{{name}}}"), &id.to_string())
    })
}

/// Every operation of the document, with its method and path.
pub(super) fn operations(document: &Value) -> Vec<(Method, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths
        .flat_map(|(path, item)| {
            let item = item.as_object().expect("operations").iter();
            item.map(move |(method, operation)| {
                let method = method.to_uppercase().parse().expect("a method");
                (method, path.as_str(), operation)
            })
        })
        .collect()
}
