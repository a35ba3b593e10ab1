//! One result as tRPC wraps it.

use axum::http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use service_kit::Problem;

use crate::operation::Answer;

/// `{result: {data}}` or `{error: {message, code, data}}`.
pub(super) struct Envelope {
    /// The status it would have alone.
    pub(super) status: StatusCode,
    /// Seconds for `Retry-After`.
    pub(super) retry_after_s: Option<u32>,
    /// `WWW-Authenticate`.
    pub(super) challenge: Option<HeaderValue>,
    pub(super) body: Value,
}

impl Envelope {
    /// Wraps a result; `error.data.problem` is the problem that REST would have sent.
    pub(super) fn of(name: &str, result: Result<Answer, Problem>) -> Self {
        match result {
            Ok(answer) => {
                let body = json!({"result": {"data": answer.body}});
                Self { status: StatusCode::OK, retry_after_s: None, challenge: None, body }
            }
            Err(problem) => {
                let (status, retry_after_s) = (problem.status_code(), problem.retry_after_s);
                let challenge = problem.challenge();
                let (word, number) = code(problem.status);
                let message =
                    problem.detail.clone().unwrap_or_else(|| problem.title.clone().into_owned());
                let data = json!({
                    "code": word, "httpStatus": problem.status, "path": name, "problem": problem,
                });
                let body = json!({"error": {"message": message, "code": number, "data": data}});
                Self { status, retry_after_s, challenge, body }
            }
        }
    }
}

/// tRPC's word and JSON-RPC number for a status (`HTTP_CODE_TO_JSONRPC2` and `TRPC_ERROR_CODES_BY_KEY` of
/// `@trpc/server` 11; tests/trpc compares). What tRPC has no word for is the client's error or ours.
fn code(status: u16) -> (&'static str, i32) {
    match status {
        401 => ("UNAUTHORIZED", -32001),
        402 => ("PAYMENT_REQUIRED", -32002),
        403 => ("FORBIDDEN", -32003),
        404 => ("NOT_FOUND", -32004),
        405 => ("METHOD_NOT_SUPPORTED", -32005),
        408 => ("TIMEOUT", -32008),
        409 => ("CONFLICT", -32009),
        412 => ("PRECONDITION_FAILED", -32012),
        413 => ("PAYLOAD_TOO_LARGE", -32013),
        415 => ("UNSUPPORTED_MEDIA_TYPE", -32015),
        422 => ("UNPROCESSABLE_CONTENT", -32022),
        428 => ("PRECONDITION_REQUIRED", -32028),
        429 => ("TOO_MANY_REQUESTS", -32029),
        400..=499 => ("BAD_REQUEST", -32600),
        501 => ("NOT_IMPLEMENTED", -32603),
        502 => ("BAD_GATEWAY", -32603),
        503 => ("SERVICE_UNAVAILABLE", -32603),
        504 => ("GATEWAY_TIMEOUT", -32603),
        _ => ("INTERNAL_SERVER_ERROR", -32603),
    }
}
