//! Answers to clients: the router's own, and what is added to a node's.

use std::mem;

use bytes::Bytes;
use http::{HeaderValue, Method, header, response};
use pingora::Result;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use service_kit::problem::PROBLEM_JSON;

use super::context::Context;
use super::{REQUEST_ID, TRACE};
use crate::config::LINGER;
use crate::error::Refusal;

/// Headers that are added to an answer: two here, and the date and `Connection` by Pingora.
const ADDED: usize = 4;

/// Adds what every answer carries.
pub(crate) fn mark(response: &mut ResponseHeader, context: &Context) {
    // As plain parts, as a request is stamped.
    let nothing = http::Response::new(()).into_parts().0;
    let mut parts = response::Parts::from(mem::replace(response, nothing.into()));
    parts.headers.reserve(ADDED);
    parts.headers.insert(&REQUEST_ID, context.request_id.clone());
    parts.headers.insert(&TRACE, context.trace.clone());
    *response = parts.into();
}

/// Answers a refusal as problem+json.
pub(crate) async fn refuse(
    session: &mut Session,
    context: &Context,
    refusal: Refusal,
) -> Result<()> {
    let request_id = context.request_id.to_str().unwrap_or_default();
    let problem = refusal.problem().request_id(request_id);
    let body = Bytes::from(problem.to_json());
    let mut response = ResponseHeader::build(problem.status_code(), Some(8))?;
    // Clients of OAuth expect plain JSON (RFC 6749, 5.2); its members are a problem's all the same.
    let media = if refusal == Refusal::ClientId { "application/json" } else { PROBLEM_JSON };
    response.insert_header(header::CONTENT_TYPE, HeaderValue::from_static(media))?;
    response.insert_header(header::CONTENT_LENGTH, body.len())?;
    response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))?;
    if let Some(seconds) = problem.retry_after_s {
        response.insert_header(header::RETRY_AFTER, HeaderValue::from(seconds))?;
    }
    if let Some(challenge) = problem.challenge() {
        response.insert_header(header::WWW_AUTHENTICATE, challenge)?;
    }
    if refusal == Refusal::Method {
        let allowed = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        response.insert_header(header::ALLOW, HeaderValue::from_static(allowed))?;
    }
    mark(&mut response, context);
    let bodiless = session.req_header().method == Method::HEAD;
    session.write_response_header(Box::new(response), bodiless).await?;
    if !bodiless {
        session.write_response_body(Some(body), true).await?;
    }
    linger(session).await;
    Ok(())
}

/// Reads on for a moment where the client still sends: closing now would reset the connection and could
/// take the answer from it.
async fn linger(session: &mut Session) {
    if session.is_body_done() {
        return;
    }
    session.set_keepalive(None);
    session.set_total_drain_timeout(Some(LINGER));
    // Running out of time is the ordinary case with an endless body.
    let _ = session.drain_request_body().await;
}
