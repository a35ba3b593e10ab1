//! `/openapi.json`: OpenAPI 3.1, read off the registry.

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
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"bearer": []}],
    })
}

fn describe(operation: &Operation) -> Value {
    let mut properties = operation.schemas.properties();
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
        "x-roles": operation.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
    });
    if operation.is_read() {
        for (name, schema) in properties {
            let required = required.contains(&name);
            parameters
                .push(json!({"name": name, "in": "query", "required": required, "schema": schema}));
        }
    } else {
        if operation.method == axum::http::Method::POST {
            parameters.push(header("Idempotency-Key", false));
        }
        if operation.needs_if_match || operation.method == axum::http::Method::PATCH {
            parameters.push(header("If-Match", operation.needs_if_match));
        }
        if !properties.is_empty() {
            let required: Vec<_> =
                required.into_iter().filter(|name| properties.contains_key(name)).collect();
            let schema = json!({
                "type": "object", "properties": properties, "required": required,
                "additionalProperties": false,
            });
            described["requestBody"] =
                json!({"required": true, "content": {"application/json": {"schema": schema}}});
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
    responses.insert(operation.status.to_string(), success);
    responses.insert("default".to_owned(), problem);
    Value::Object(responses)
}

fn problem_schema() -> Value {
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
