//! Who asks, and whether this shard may answer.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use service_kit::Problem;

use super::Incoming;
use super::answer::SESSION_HEADER;
use super::judge::judge;
use crate::error::Error;
use crate::node::Node;
use crate::operation::{Caller, Session, idempotency_key, if_match};
use crate::policy::Relations;

const INSTITUTION_HEADER: &str = "x-institution-id";
const CONSISTENCY_HEADER: &str = "lxp-consistency";
const IDEMPOTENCY_HEADER: &str = "idempotency-key";

/// The verified caller of a request with so many calls that this shard serves.
pub(crate) async fn admit(node: &Node, incoming: &Incoming, calls: u32) -> Result<Caller, Problem> {
    let headers = &incoming.headers;
    let authorization = headers.get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
    let claims = node.tokens.verify(authorization, node.now()).map_err(Problem::from)?;
    if let Some(repeated) = text(headers, &HeaderName::from_static(INSTITUTION_HEADER))?
        && repeated.parse() != Ok(claims.institution)
    {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "institution-mismatch",
            "X-Institution-Id is not the token's institution",
        ));
    }
    let judged = judge(node, incoming, claims.institution, calls).await?;
    let key = text(headers, &HeaderName::from_static(IDEMPOTENCY_HEADER))?;
    let version = text(headers, &header::IF_MATCH)?;
    let session = text(headers, &HeaderName::from_static(SESSION_HEADER))?;
    Ok(Caller {
        institution: claims.institution,
        subject: claims.subject,
        roles: claims.roles,
        // Until it is admitted to an operation.
        relations: Relations::default(),
        is_own_client: claims.is_of_client,
        epoch: judged.epoch,
        cached: judged.cached,
        request_id: incoming.request_id.to_string(),
        idempotency_key: key.map(idempotency_key).transpose().map_err(Error::into_problem)?,
        if_match: version.map(if_match).transpose().map_err(Error::into_problem)?,
        deadline: incoming.deadline,
        session: session.map(session_of).transpose()?,
        eventual: is_eventual(headers)?,
        place: judged.place.map(Arc::new),
    })
}

fn session_of(text: &str) -> Result<Session, Problem> {
    let session = Session::decode(text);
    session.ok_or_else(|| malformed(SESSION_HEADER, "the value of an earlier answer is expected"))
}

/// `Lxp-Consistency: eventual`.
fn is_eventual(headers: &HeaderMap) -> Result<bool, Problem> {
    match text(headers, &HeaderName::from_static(CONSISTENCY_HEADER))? {
        None => Ok(false),
        Some("eventual") => Ok(true),
        Some(_) => Err(malformed(CONSISTENCY_HEADER, "`eventual` is expected, or no such header")),
    }
}

fn malformed(name: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "header-malformed", "A header is malformed")
        .detail(format!("{name}: {detail}"))
}

/// A header that may stand once, as text.
pub(super) fn text<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h str>, Problem> {
    let bad = |detail: &str| malformed(name.as_str(), detail);
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad("it may stand once"));
    }
    value.to_str().map(Some).map_err(|_| bad("visible ASCII characters are expected"))
}
