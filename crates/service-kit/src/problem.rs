//! Errors as they leave a service: RFC 9457 `application/problem+json`.
//!
//! The user's message is `title` and `detail`; what only operators may know is logged where the problem is
//! made and never stands in it.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// With a 503 of a node: nothing was applied, and another node of the shard may do better. Its value is the
/// problem's code. For routers: they send the request on and show clients none of it.
pub const NOTHING_APPLIED_HEADER: &str = "lxp-nothing-applied";

/// One problem, as JSON: `{type, title, status, code, detail?, errors?, requestId?, ...extra}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `urn:lxp:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What went wrong, in a few words, the same for every occurrence.
    pub title: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// The stable word that programs go by, in kebab-case.
    pub code: Cow<'static, str>,
    /// What went wrong this time: what, where, what is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// One entry for each wrong field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// The request that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Members of its own, such as `from` and `allowed` of an illegal transition.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
    /// Seconds for `Retry-After`.
    #[serde(skip)]
    pub retry_after_s: Option<u32>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldProblem {
    /// JSON pointer to it in the request, such as `/items/3/courseId`.
    pub pointer: String,
    /// The stable word, in kebab-case.
    pub code: Cow<'static, str>,
    /// What is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl FieldProblem {
    /// A wrong field, with what is allowed there.
    pub fn new(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self { pointer: pointer.into(), code: code.into(), detail: Some(detail.into()) }
    }
}

impl Problem {
    /// A problem with its status, code and title.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        let code = code.into();
        Self {
            kind: format!("urn:lxp:problem:{code}"),
            title: title.into(),
            status: status.as_u16(),
            code,
            detail: None,
            errors: Vec::new(),
            request_id: None,
            extra: Map::new(),
            retry_after_s: None,
        }
    }

    /// 500 `internal`: a defect or a broken part. The cause is logged by who makes it.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side")
    }

    /// Adds what went wrong this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a wrong field.
    #[must_use]
    pub fn field(mut self, field: FieldProblem) -> Self {
        self.errors.push(field);
        self
    }

    /// Adds a member of its own.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(member.to_owned(), value.into());
        self
    }

    /// Asks the client to wait before it tries again.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Names the request that it answers.
    #[must_use]
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// `WWW-Authenticate` of a 401. What is wrong with a token stands in it (RFC 6750, 3.1), unless there was none; a
    /// client that asks for one (RFC 6749, 5.2) is asked for its id and secret. The code says which of these it is.
    pub fn challenge(&self) -> Option<HeaderValue> {
        if self.status != 401 {
            return None;
        }
        if self.code.starts_with("client-") {
            return Some(HeaderValue::from_static("Basic realm=\"lxp\""));
        }
        if self.code == "token-missing" {
            return Some(HeaderValue::from_static("Bearer"));
        }
        let allowed = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        let detail: String = self.detail.iter().flat_map(|it| it.chars()).filter(allowed).collect();
        let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{detail}\"");
        HeaderValue::from_str(&challenge).ok()
    }

    /// The status as a type; 500 where the number is none.
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The body.
    pub fn to_json(&self) -> Vec<u8> {
        // A problem holds strings, numbers and JSON values only: that always serialises.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let challenge = self.challenge();
        let mut response = (self.status_code(), self.to_json()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_401_says_what_is_wanted_and_what_is_wrong_with_the_token() {
        let challenge = |status, code: &'static str, detail: &str| {
            let problem = Problem::new(status, code, "t").detail(detail);
            problem.challenge().map(|value| value.to_str().expect("text").to_owned())
        };
        let refused = StatusCode::UNAUTHORIZED;
        assert_eq!(challenge(refused, "token-missing", "x").as_deref(), Some("Bearer"));
        assert_eq!(
            challenge(refused, "token-expired", "it \"is\\ old\r\n\u{e4}").as_deref(),
            Some("Bearer error=\"invalid_token\", error_description=\"it is old\"")
        );
        assert_eq!(challenge(refused, "client-id", "x").as_deref(), Some("Basic realm=\"lxp\""));
        assert_eq!(challenge(StatusCode::FORBIDDEN, "forbidden", "x"), None);
    }

    #[test]
    fn a_problem_has_the_members_of_the_wire_page() {
        let problem = Problem::new(StatusCode::CONFLICT, "class-full", "Class is full")
            .detail("60 of 60 seats are taken")
            .field(FieldProblem::new("/studentId", "no-seat", "try onFull = waitlist"))
            .request_id("r-1")
            .with("from", "ACTIVE");
        let json: Value = serde_json::from_slice(&problem.to_json()).expect("json");
        assert_eq!(
            json,
            serde_json::json!({
                "type": "urn:lxp:problem:class-full", "title": "Class is full", "status": 409,
                "code": "class-full", "detail": "60 of 60 seats are taken", "from": "ACTIVE",
                "errors": [{"pointer": "/studentId", "code": "no-seat", "detail": "try onFull = waitlist"}],
                "requestId": "r-1",
            })
        );
    }
}
