//! One event and one observation for each request, at its end.

use http::Method;
use pingora::proxy::Session;

use super::context::Context;
use crate::metrics::RouterMetrics;

/// The status of a client that went away before its answer, as others count it.
const CLIENT_GONE: u16 = 499;

/// Counts and logs a request that has ended.
pub(crate) fn log(session: &Session, context: &Context, metrics: &RouterMetrics) {
    let status = session.response_written().map_or(CLIENT_GONE, |head| head.status.as_u16());
    let head = session.req_header();
    let took = context.began.elapsed();
    let method = method_label(&head.method);
    metrics.http.answered(context.label, method, status, took.as_secs_f64());
    // A line for each success would cost more than routing it.
    if status >= 500 {
        tracing::info!(
            request.id = context.request_id.to_str().unwrap_or_default(),
            institution = context.institution().map(tracing::field::display),
            http.method = method,
            http.path = head.uri.path(),
            http.status = status,
            duration_ms = took.as_secs_f64() * 1000.0,
            node = context.node.as_ref().map(|node| node.upstream().id.as_str()),
            follow_ups = context.attempts.follow_ups,
            failures = context.attempts.failures,
            "A request failed"
        );
    } else {
        tracing::debug!(
            request.id = context.request_id.to_str().unwrap_or_default(),
            institution = context.institution().map(tracing::field::display),
            http.method = method,
            http.path = head.uri.path(),
            http.status = status,
            duration_ms = took.as_secs_f64() * 1000.0,
            node = context.node.as_ref().map(|node| node.upstream().id.as_str()),
            "A request was answered"
        );
    }
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
