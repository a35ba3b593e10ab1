//! `/openapi.json`: OpenAPI 3.1, read off the registry.

use axum::http::Method;
use serde_json::{Map, Value, json};
use service_kit::token::Role;

use crate::operation::Operation;
use crate::operation::schema::path_names;

/// The document.
pub fn document(operations: &[Operation]) -> Value {
    let mut paths = Map::new();
    let mut named = Map::new();
    for operation in operations {
        let item = paths.entry(operation.path.to_owned()).or_insert_with(|| json!({}));
        item[operation.method.as_str().to_lowercase()] = describe(operation);
        named.extend(operation.schemas.named.clone());
    }
    named.insert("Problem".to_owned(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "lxp",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The institution is taken from the token, never from path or body. \
                Errors are application/problem+json. The same operations speak tRPC at /trpc.",
        },
        "paths": paths,
        "components": {
            "schemas": named,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "client": {
                    "type": "oauth2",
                    "description": "An api client sends its id and secret by HTTP basic authentication.",
                    "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
                },
            },
        },
        "security": [{"bearer": []}, {"client": []}],
    })
}

fn describe(operation: &Operation) -> Value {
    let mut properties = operation.schemas.properties.clone();
    let required = operation.schemas.required();
    let mut parameters = Vec::new();
    for name in path_names(operation.path) {
        let schema = properties.remove(name).unwrap_or_else(|| json!({"type": "string"}));
        parameters.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    let mut described = json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.name.split('.').next().unwrap_or_default()],
        "x-roles": operation.policy.roles().iter().map(Role::as_str).collect::<Vec<_>>(),
    });
    if operation.is_read() {
        for (name, schema) in properties {
            let required = required.contains(&name);
            parameters
                .push(json!({"name": name, "in": "query", "required": required, "schema": schema}));
        }
    } else {
        if operation.method == Method::POST && operation.keeps_answer {
            parameters.push(header("Idempotency-Key", false));
        }
        if operation.needs_if_match || operation.method != Method::POST {
            parameters.push(header("If-Match", operation.needs_if_match));
        }
        if !properties.is_empty() {
            let required: Vec<_> =
                required.into_iter().filter(|name| properties.contains_key(name)).collect();
            let demanded = !required.is_empty();
            let schema = json!({
                "type": "object", "properties": properties, "required": required,
                "additionalProperties": false,
            });
            described["requestBody"] =
                json!({"required": demanded, "content": {"application/json": {"schema": schema}}});
        }
    }
    described["parameters"] = Value::Array(parameters);
    described["responses"] = responses(operation);
    described
}

fn header(name: &str, required: bool) -> Value {
    json!({"name": name, "in": "header", "required": required, "schema": {"type": "string"}})
}

fn responses(operation: &Operation) -> Value {
    let mut success = json!({"description": "Success"});
    if !operation.schemas.output.is_null() {
        success["content"] = json!({"application/json": {"schema": operation.schemas.output}});
    }
    let problem = json!({
        "description": "A problem",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    let mut responses = Map::new();
    if operation.status == 201 {
        // What is there already, or waits, is answered alike by 200 or 202.
        responses.insert("2XX".to_owned(), success.clone());
    }
    responses.insert(operation.status.to_string(), success);
    responses.insert("default".to_owned(), problem);
    Value::Object(responses)
}

pub(crate) fn problem_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
            "requestId": {"type": "string"},
            "errors": {"type": "array", "items": {
                "type": "object",
                "required": ["pointer", "code"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            }},
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::operations::OPERATIONS;

    const COMMITTED: &str = "openapi.json";
    const REGENERATE: &str =
        "LXP_REGENERATE=1 cargo nextest run --workspace -E 'test(the_committed_document)'";

    /// The operations of the document with where they stand.
    fn described(document: &Value) -> Vec<(String, Value)> {
        let paths = document["paths"].as_object().expect("paths").iter();
        paths
            .flat_map(|(path, item)| {
                let item = item.as_object().expect("an item").iter();
                item.map(move |(method, operation)| (format!("{method} {path}"), operation.clone()))
            })
            .collect()
    }

    fn each(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
        let members: Vec<(&str, &Value)> = match value {
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.as_str(), value)).collect()
            }
            Value::Array(items) => items.iter().map(|item| ("", item)).collect(),
            _ => Vec::new(),
        };
        for (name, member) in members {
            visit(name, member);
            each(member, visit);
        }
    }

    #[test]
    fn the_committed_document_is_that_of_the_registry() {
        let generated = format!("{:#}\n", document(&OPERATIONS));
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED);
        #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
        let regenerate = std::env::var("LXP_REGENERATE").is_ok();
        if regenerate {
            std::fs::write(&file, &generated).expect("written");
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        let differs = committed.lines().zip(generated.lines()).find(|(old, new)| old != new);
        assert!(
            committed == generated,
            "shard-node/{COMMITTED} is out of date, first at {differs:?}; regenerate it: {REGENERATE}"
        );
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = document(&OPERATIONS);
        each(&document, &mut |name, value| {
            if name == "$ref" {
                let pointer = value.as_str().and_then(|text| text.strip_prefix('#'));
                let found = pointer.and_then(|pointer| document.pointer(pointer));
                assert!(found.is_some(), "{value} leads nowhere");
            }
            assert_ne!(name, "nullable", "OpenAPI 3.1 says null by a type");
        });
    }

    #[test]
    fn every_schema_is_used() {
        let document = document(&OPERATIONS);
        let mut used = BTreeSet::new();
        each(&document, &mut |name, value| {
            if name == "$ref" {
                used.extend(
                    value.as_str().and_then(|text| text.rsplit('/').next()).map(str::to_owned),
                );
            }
        });
        let named = document["components"]["schemas"].as_object().expect("schemas").keys();
        assert_eq!(named.filter(|name| !used.contains(*name)).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn every_operation_says_what_it_is_and_for_whom() {
        for (place, operation) in described(&document(&OPERATIONS)) {
            assert_ne!(operation["summary"].as_str().unwrap_or_default(), "", "{place}: summary");
            assert!(operation["operationId"].is_string(), "{place}: operationId");
            let roles = operation["x-roles"].as_array().expect("roles");
            assert!(!roles.is_empty(), "{place}: x-roles");
        }
    }

    #[test]
    fn every_name_in_a_path_is_declared_and_no_other() {
        for (place, operation) in described(&document(&OPERATIONS)) {
            let parameters = operation["parameters"].as_array().expect("parameters").iter();
            let declared: Vec<_> = parameters
                .filter(|parameter| parameter["in"] == "path" && parameter["required"] == true)
                .filter_map(|parameter| parameter["name"].as_str())
                .collect();
            let named: Vec<_> = path_names(&place).collect();
            assert_eq!(declared, named, "{place}");
        }
    }

    #[test]
    fn what_a_path_or_query_takes_is_described_by_the_input() {
        for operation in OPERATIONS.iter() {
            let properties = &operation.schemas.properties;
            for name in path_names(operation.path) {
                assert!(
                    properties.contains_key(name),
                    "{}: {name} is not in the input",
                    operation.name
                );
            }
        }
    }

    /// Two types of one name with different schemas would overwrite each other.
    #[test]
    fn a_schema_name_means_one_schema() {
        let mut seen: Map<String, Value> = Map::new();
        for operation in OPERATIONS.iter() {
            for (name, schema) in &operation.schemas.named {
                let first = seen.entry(name.clone()).or_insert_with(|| schema.clone());
                assert_eq!(first, schema, "{}: `{name}` means two things", operation.name);
            }
        }
    }
}
