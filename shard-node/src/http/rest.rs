//! REST: method and path find the operation; path, query and body become its input.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::http::{Method, StatusCode, header};
use serde_json::{Map, Value};
use service_kit::Problem;
use service_kit::problem::FieldProblem;

use super::answer::success;
use super::{Incoming, Outgoing, admit, problem};
use crate::node::Node;
use crate::operation::{Operation, execute, invalid};
use crate::operations::OPERATIONS;

/// Operations of one path template by method.
type Methods = BTreeMap<String, &'static Operation>;

static ROUTES: LazyLock<matchit::Router<Methods>> = LazyLock::new(routes);

/// Answers one request.
pub(super) async fn serve(node: &Arc<Node>, incoming: Incoming) -> Outgoing {
    let request_id = incoming.request_id.clone();
    let path = routed(incoming.uri.path());
    let Ok(matched) = ROUTES.at(&path) else {
        return Outgoing { route: "unknown", response: problem(no_route(), &request_id) };
    };
    let Some(operation) = matched.value.get(incoming.method.as_str()) else {
        let refused = wrong_method(&incoming.method, matched.value);
        return Outgoing { route: "unknown", response: problem(refused, &request_id) };
    };
    let params: Vec<_> =
        matched.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let response = match answer(node, operation, &incoming, params).await {
        Ok(response) => response,
        Err(refused) => problem(refused, &request_id),
    };
    Outgoing { route: operation.path, response }
}

async fn answer(
    node: &Arc<Node>,
    operation: &'static Operation,
    incoming: &Incoming,
    params: Vec<(String, String)>,
) -> Result<axum::response::Response, Problem> {
    let caller = admit(node, incoming).await?;
    let input = input(operation, incoming, params)?;
    Ok(success(execute::run(node, operation, caller, input).await?))
}

/// One object of path, query and body; a name may come from one of them only.
fn input(
    operation: &Operation,
    incoming: &Incoming,
    params: Vec<(String, String)>,
) -> Result<Value, Problem> {
    let mut members = Map::new();
    let properties = operation.schemas.properties();
    let query = form_urlencoded::parse(incoming.uri.query().unwrap_or_default().as_bytes());
    for (name, value) in query.into_owned() {
        let value = coerce(&properties, &name, value)?;
        if members.insert(name.clone(), value).is_some() {
            return Err(repeated(&name));
        }
    }
    if incoming.method != Method::GET {
        for (name, value) in body(incoming)? {
            if members.insert(name.clone(), value).is_some() {
                return Err(repeated(&name));
            }
        }
    }
    for (name, value) in params {
        if members.insert(name.clone(), Value::String(value)).is_some() {
            return Err(repeated(&name));
        }
    }
    Ok(Value::Object(members))
}

fn body(incoming: &Incoming) -> Result<Map<String, Value>, Problem> {
    if incoming.body.is_empty() {
        return Ok(Map::new());
    }
    let media_type =
        incoming.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !media_type.is_some_and(|text| text.starts_with("application/json")) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "The body is not declared as JSON",
        )
        .detail("send Content-Type: application/json"));
    }
    match serde_json::from_slice(&incoming.body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(malformed("a JSON object is expected")),
        Err(error) => Err(malformed(&error.to_string())),
    }
}

/// A query's text as what the input's schema says: numbers and booleans come as text.
fn coerce(properties: &Map<String, Value>, name: &str, text: String) -> Result<Value, Problem> {
    let kind = properties.get(name).and_then(|schema| schema.get("type"));
    let is = |word: &str| match kind {
        Some(Value::String(kind)) => kind == word,
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == word),
        _ => false,
    };
    let wrong = |wanted: &str| {
        let detail = format!("{wanted} is expected, not `{text}`");
        invalid().field(FieldProblem::new(format!("/{name}"), "invalid", detail))
    };
    if is("integer") {
        return text.parse::<i64>().map(Value::from).map_err(|_| wrong("a whole number"));
    }
    if is("boolean") {
        return text.parse::<bool>().map(Value::from).map_err(|_| wrong("true or false"));
    }
    Ok(Value::String(text))
}

fn repeated(name: &str) -> Problem {
    let detail = "it stands twice in path, query and body";
    invalid().field(FieldProblem::new(format!("/{name}"), "repeated", detail))
}

fn malformed(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed-json", "The body is not JSON").detail(detail)
}

fn no_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such path")
        .detail("the paths are listed at /openapi.json and /docs")
}

fn wrong_method(method: &Method, methods: &Methods) -> Problem {
    let allowed: Vec<_> = methods.keys().map(String::as_str).collect();
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Not with this method")
        .detail(format!("{method} is not allowed here; allowed: {}", allowed.join(", ")))
}

/// `/v1/enrollments/7:drop` as `/v1/enrollments/7/:drop`, which a segment router can match.
fn routed(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((front, last)) => match last.split_once(':') {
            Some((name, verb)) => format!("{front}/{name}/:{verb}"),
            None => path.to_owned(),
        },
        None => path.to_owned(),
    }
}

fn routes() -> matchit::Router<Methods> {
    let mut by_path: BTreeMap<String, Methods> = BTreeMap::new();
    for operation in OPERATIONS.iter() {
        let methods = by_path.entry(routed(operation.path)).or_default();
        methods.insert(operation.method.to_string(), operation);
    }
    let mut router = matchit::Router::new();
    for (path, methods) in by_path {
        if let Err(error) = router.insert(path.clone(), methods) {
            // Found by the test that reads the registry; such a path is not served.
            tracing::error!(path, error = %error, "Two paths collide");
        }
    }
    router
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_by_its_path() {
        for operation in OPERATIONS.iter() {
            let path = routed(&operation.path.replace("{id}", "7").replace("{classId}", "8"));
            let methods = ROUTES.at(&path).expect(operation.path);
            let found = methods.value.get(operation.method.as_str()).expect("the method");
            assert_eq!(found.name, operation.name);
        }
    }

    #[test]
    fn names_and_routes_are_unique() {
        let mut names: Vec<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
        let mut routes: Vec<_> = OPERATIONS
            .iter()
            .map(|operation| (operation.path, operation.method.to_string()))
            .collect();
        let counts = (names.len(), routes.len());
        names.sort_unstable();
        names.dedup();
        routes.sort();
        routes.dedup();
        assert_eq!((names.len(), routes.len()), counts);
    }
}
