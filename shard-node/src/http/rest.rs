//! REST: method and path find the operation; path, query and body become its input.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value};
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use service_kit::request_id::RequestId;

use super::answer::success;
use super::json::{self, malformed};
use super::{Incoming, Outgoing, again, measured, problem, query};
use crate::error::met_the_fence;
use crate::limits::Standing;
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
        let response = wrong_method(&incoming.method, matched.value, &request_id);
        return Outgoing { route: "unknown", response };
    };
    let params: Vec<_> =
        matched.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut standings = Vec::new();
    let mut response = match answer(node, operation, &incoming, params, &mut standings).await {
        Ok(response) => response,
        Err(refused) => problem(refused, &request_id),
    };
    Standing::write(&standings, response.headers_mut());
    if let Some(institution) = incoming.admission.institution() {
        let status = response.status().as_u16();
        node.meter.record(institution, operation.name, status, incoming.began.elapsed());
    }
    Outgoing { route: operation.path, response }
}

async fn answer(
    node: &Arc<Node>,
    operation: &'static Operation,
    incoming: &Incoming,
    params: Vec<(String, String)>,
    standings: &mut Vec<Standing>,
) -> Result<Response, Problem> {
    let bulk = usize::from(operation.is_bulk());
    let mut caller = measured(node, incoming, 1, bulk, standings).await?;
    let input = Arc::new(input(operation, incoming, params)?);
    loop {
        match execute::run(node, operation, caller.clone(), input.clone()).await {
            Err(problem) if met_the_fence(&problem) => {
                again(node, incoming, &mut caller, true).await?;
            }
            result => return result.map(success),
        }
    }
}

/// One object of path, query and body; a name may come from one of them only.
fn input(
    operation: &Operation,
    incoming: &Incoming,
    params: Vec<(String, String)>,
) -> Result<Value, Problem> {
    let mut members = Map::new();
    for (name, value) in query::pairs(incoming.uri.query())? {
        let value = coerce(&operation.schemas.properties, &name, value)?;
        if members.insert(name.clone(), value).is_some() {
            return Err(repeated(&name));
        }
    }
    for (name, value) in body(incoming)? {
        if members.insert(name.clone(), value).is_some() {
            return Err(repeated(&name));
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
    incoming.check_body()?;
    match json::parse(&incoming.body)? {
        Value::Object(members) => Ok(members),
        _ => Err(malformed("a JSON object is expected")),
    }
}

impl Incoming {
    /// Refuses a body that is not declared as plain JSON (a form on another site's page cannot declare that),
    /// that is compressed, or that comes with a GET.
    pub(crate) fn check_body(&self) -> Result<(), Problem> {
        if self.body.is_empty() {
            return Ok(());
        }
        if self.method == Method::GET {
            return Err(invalid().detail("a GET has no body"));
        }
        let text =
            |name: HeaderName| self.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        if let Some(encoding) = text(header::CONTENT_ENCODING)
            && !encoding.trim().eq_ignore_ascii_case("identity")
        {
            return Err(unsupported("send the body as it is, without Content-Encoding"));
        }
        let declared = text(header::CONTENT_TYPE).and_then(|declared| declared.split(';').next());
        if declared.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            return Ok(());
        }
        Err(unsupported("send Content-Type: application/json"))
    }
}

fn unsupported(detail: &str) -> Problem {
    let title = "The body is not declared as JSON";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", title).detail(detail)
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

fn no_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such path")
        .detail("the paths are listed at /openapi.json and /docs")
}

fn wrong_method(method: &Method, methods: &Methods, request_id: &RequestId) -> Response {
    let allowed = methods.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let title = "Not with this method";
    let refused = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", title)
        .detail(format!("{method} is not allowed here; allowed: {allowed}"));
    let mut response = problem(refused, request_id);
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
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
    use std::time::Instant;

    use axum::http::HeaderMap;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::operations::by_name;

    const JSON: Option<&str> = Some("application/json");

    fn request(method: Method, uri: &str, media_type: Option<&str>, body: &str) -> Incoming {
        let mut headers = HeaderMap::new();
        if let Some(media_type) = media_type {
            headers.insert(header::CONTENT_TYPE, media_type.parse().expect("a header"));
        }
        Incoming {
            method,
            uri: uri.parse().expect("a uri"),
            headers,
            body: body.to_owned().into(),
            request_id: RequestId::keep_or_make(None),
            began: Instant::now(),
            deadline: Instant::now(),
            admission: crate::http::Admission::default(),
            stay: crate::http::Stay::default(),
        }
    }

    fn list(query: &str) -> Result<Value, Problem> {
        let operation = by_name("academic.listPrograms").expect("it is there");
        input(
            operation,
            &request(Method::GET, &format!("/v1/programs?{query}"), None, ""),
            Vec::new(),
        )
    }

    fn enroll(query: &str, media_type: Option<&str>, body: &str) -> Result<Value, Problem> {
        let operation = by_name("academic.enrollStudent").expect("it is there");
        let uri = format!("/v1/classes/7/enrollments{query}");
        let params = vec![("classId".to_owned(), "7".to_owned())];
        input(operation, &request(Method::POST, &uri, media_type, body), params)
    }

    fn refused(result: Result<Value, Problem>) -> (u16, String, String) {
        let problem = result.expect_err("refused");
        let pointer = problem.errors.first().map(|field| field.pointer.clone()).unwrap_or_default();
        (problem.status, problem.code.into_owned(), pointer)
    }

    fn refusal(status: u16, code: &str, pointer: &str) -> (u16, String, String) {
        (status, code.to_owned(), pointer.to_owned())
    }

    #[test]
    fn path_query_and_body_become_one_object() {
        let merged = enroll("?onFull=waitlist", JSON, r#"{"studentId":"8"}"#).expect("merged");
        assert_eq!(merged, json!({"classId": "7", "onFull": "waitlist", "studentId": "8"}));
    }

    #[test]
    fn a_name_stands_once() {
        assert_eq!(refused(list("sort=id&sort=name")), refusal(400, "invalid-input", "/sort"));
        let twice = enroll("?studentId=8", JSON, r#"{"studentId":"8"}"#);
        assert_eq!(refused(twice), refusal(400, "invalid-input", "/studentId"));
        let of_the_path = enroll("", JSON, r#"{"classId":"8"}"#);
        assert_eq!(refused(of_the_path), refusal(400, "invalid-input", "/classId"));
    }

    #[test]
    fn a_query_gives_numbers_where_the_input_has_numbers() {
        let query = list("page=2&limit=10&count=none&code=7").expect("an input");
        assert_eq!(query, json!({"page": 2, "limit": 10, "count": "none", "code": "7"}));
        assert_eq!(list("code=a%2Bb+c").expect("an input"), json!({"code": "a+b c"}));
        for page in ["", "two", "2.0", "99999999999999999999", "2%20"] {
            let bad = list(&format!("page={page}"));
            assert_eq!(refused(bad), refusal(400, "invalid-input", "/page"), "{page}");
        }
    }

    #[test]
    fn booleans_and_nullable_numbers_come_as_text() {
        let properties = json!({"on": {"type": "boolean"}, "n": {"type": ["integer", "null"]}});
        let properties = properties.as_object().expect("an object");
        let taken = |name, text: &str| coerce(properties, name, text.to_owned());
        assert_eq!(taken("on", "true").expect("a boolean"), json!(true));
        assert_eq!(taken("n", "-3").expect("a number"), json!(-3));
        assert_eq!(taken("other", "3").expect("text"), json!("3"));
        assert_eq!(refused(taken("on", "yes")), refusal(400, "invalid-input", "/on"));
    }

    #[test]
    fn a_body_is_declared_as_json() {
        for media_type in ["application/json", "Application/JSON; charset=utf-8"] {
            assert!(enroll("", Some(media_type), r#"{"studentId":"8"}"#).is_ok(), "{media_type}");
        }
        for media_type in [None, Some("text/plain"), Some("application/json-patch+json")] {
            let bad = enroll("", media_type, r#"{"studentId":"8"}"#);
            assert_eq!(refused(bad), refusal(415, "media-type", ""), "{media_type:?}");
        }
        assert_eq!(enroll("", None, "").expect("no body"), json!({"classId": "7"}));
    }

    #[test]
    fn a_body_comes_uncompressed_and_not_with_a_get() {
        let mut packed = request(Method::POST, "/v1/programs", JSON, "{}");
        packed.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(packed.check_body().expect_err("packed").status, 415);
        packed.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("identity"));
        assert!(packed.check_body().is_ok());
        let read = request(Method::GET, "/v1/programs", JSON, "{}");
        assert_eq!(read.check_body().expect_err("a body").status, 400);
    }

    #[test]
    fn a_body_is_an_object_of_json() {
        for body in
            ["{", "[]", "7", "null", "{} {}", "\u{0}", r#"{"studentId":"8","studentId":"8"}"#]
        {
            assert_eq!(
                refused(enroll("", JSON, body)),
                refusal(400, "malformed-json", ""),
                "{body}"
            );
        }
    }

    #[test]
    fn a_method_that_is_not_there_names_those_that_are() {
        let methods = ROUTES.at("/v1/programs").expect("a route").value;
        let response = wrong_method(&Method::PUT, methods, &RequestId::keep_or_make(None));
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[header::ALLOW], "GET, POST");
    }

    proptest! {
        /// What a client sends in path, query and body is taken as it is or refused; nothing is lost.
        #[test]
        fn no_input_is_lost(
            query in prop::collection::vec(("[a-d]", "[a-z &=%+]{0,4}"), 0..4),
            body in prop::collection::btree_map("[c-f]", "[a-z]{0,4}", 0..4),
        ) {
            let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish();
            let sent = enroll(&format!("?{text}"), JSON, &json!(body).to_string());
            let mut expected = Map::from_iter([("classId".to_owned(), json!("7"))]);
            let pairs = query.iter().cloned().chain(body.clone());
            expected.extend(pairs.map(|(name, value)| (name, Value::String(value))));
            if expected.len() == 1 + query.len() + body.len() {
                prop_assert_eq!(sent.expect("an input"), Value::Object(expected));
            } else {
                prop_assert_eq!(refused(sent).1, "invalid-input");
            }
        }

        #[test]
        fn no_bytes_as_a_body_cause_a_panic(body in ".{0,40}", uri in "[a-z?&=%0-9]{0,20}") {
            let _ = enroll(&format!("?{uri}"), JSON, &body);
        }
    }

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
