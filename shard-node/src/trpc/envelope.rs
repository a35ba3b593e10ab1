//! One result as tRPC wraps it.

use axum::http::StatusCode;
use serde_json::{Value, json};
use service_kit::Problem;

use crate::operation::Answer;

/// `{result: {data}}` or `{error: {message, code, data}}`, with the status it would have alone.
///
/// `error.data.problem` is the problem that REST would have sent.
pub(super) fn of(name: &str, result: Result<Answer, Problem>) -> (StatusCode, Value) {
    match result {
        Ok(answer) => {
            let data = answer.body.unwrap_or(Value::Null);
            (StatusCode::OK, json!({"result": {"data": data}}))
        }
        Err(problem) => {
            let (word, number) = code(problem.status);
            let message =
                problem.detail.clone().unwrap_or_else(|| problem.title.clone().into_owned());
            let data = json!({
                "code": word, "httpStatus": problem.status, "path": name, "problem": problem,
            });
            let body = json!({"error": {"message": message, "code": number, "data": data}});
            (problem.status_code(), body)
        }
    }
}

/// tRPC's word and JSON-RPC number for a status (`@trpc/server` 11, `TRPC_ERROR_CODES_BY_KEY`).
fn code(status: u16) -> (&'static str, i32) {
    match status {
        400 => ("BAD_REQUEST", -32600),
        401 => ("UNAUTHORIZED", -32001),
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
        502 => ("BAD_GATEWAY", -32603),
        503 => ("SERVICE_UNAVAILABLE", -32603),
        _ => ("INTERNAL_SERVER_ERROR", -32603),
    }
}
