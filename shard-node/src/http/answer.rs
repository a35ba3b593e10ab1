//! Answers as HTTP.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use service_kit::Problem;
use service_kit::problem::NOTHING_APPLIED_HEADER;
use service_kit::request_id::RequestId;

use crate::operation::{Answer, Session};

/// What a client has seen; out with an answer, in with the next request.
pub(super) const SESSION_HEADER: &str = "lxp-session";

/// The members of a 421 for the router, which sees no body in an answer to HEAD.
const NOT_OWNER_HEADER: &str = "lxp-not-owner";

/// A problem with the id of the request that it answers.
pub(crate) fn problem(problem: Problem, request_id: &RequestId) -> Response {
    let elsewhere = is_for_another_node(&problem);
    let not_owner = (problem.status_code() == StatusCode::MISDIRECTED_REQUEST)
        .then(|| HeaderValue::try_from(Value::from(problem.extra.clone()).to_string()));
    let mut response = problem.request_id(request_id.as_str()).into_response();
    set_nothing_applied(&mut response, elsewhere);
    if let Some(Ok(not_owner)) = not_owner {
        response.headers_mut().insert(NOT_OWNER_HEADER, not_owner);
    }
    response
}

/// The code of a 503 that says: nothing was applied, and another node of this shard may do better.
pub(crate) fn is_for_another_node(problem: &Problem) -> Option<&'static str> {
    ["overloaded", "shard-unavailable"].into_iter().find(|code| problem.code == *code)
}

/// Lets a router send the request to another node.
pub(crate) fn set_nothing_applied(response: &mut Response, code: Option<&'static str>) {
    if let Some(code) = code {
        response.headers_mut().insert(NOTHING_APPLIED_HEADER, HeaderValue::from_static(code));
    }
}

/// A success: JSON, `ETag` and `Location` where there are such.
pub(crate) fn success(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let body = answer.body.map_or_else(Body::empty, |body| Body::from(body.into_bytes()));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if status != StatusCode::NO_CONTENT {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(version) = answer.version
        && let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\""))
    {
        headers.insert(header::ETAG, tag);
    }
    if let Some(Ok(location)) = answer.location.map(|location| HeaderValue::from_str(&location)) {
        headers.insert(header::LOCATION, location);
    }
    set_session(&mut response, answer.session);
    response
}

/// `Lxp-Session`, where there is one.
pub(crate) fn set_session(response: &mut Response, session: Option<Session>) {
    let value = session.and_then(|session| HeaderValue::from_str(&session.encode()).ok());
    if let Some(value) = value {
        response.headers_mut().insert(SESSION_HEADER, value);
    }
}
