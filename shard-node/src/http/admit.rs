//! Who asks, and whether this shard may answer.

use std::time::Instant;

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use service_kit::Problem;

use super::Incoming;
use crate::error::{Error, shard_unavailable};
use crate::node::Node;
use crate::operation::{Caller, idempotency_key, if_match};
use crate::tenancy::Verdict;

const INSTITUTION_HEADER: &str = "x-institution-id";
const IDEMPOTENCY_HEADER: &str = "idempotency-key";

/// The verified caller of a request that this shard serves.
pub(crate) async fn admit(node: &Node, incoming: &Incoming) -> Result<Caller, Problem> {
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
    hold_lease(node, incoming.deadline).await?;
    let (epoch, cached) = match node.ownership.verdict(claims.institution) {
        Verdict::Serve { epoch, cached } => (epoch, cached),
        Verdict::Suspended => {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "institution-suspended",
                "The institution is suspended",
            ));
        }
        Verdict::Withheld => return Err(shard_unavailable()),
        Verdict::NotOwner(not_owner) => return Err(Error::NotOwner(not_owner).into_problem()),
    };
    let key = text(headers, &HeaderName::from_static(IDEMPOTENCY_HEADER))?;
    let version = text(headers, &header::IF_MATCH)?;
    Ok(Caller {
        institution: claims.institution,
        subject: claims.subject,
        roles: claims.roles,
        epoch,
        cached,
        request_id: incoming.request_id.to_string(),
        idempotency_key: key.map(idempotency_key).transpose().map_err(Error::into_problem)?,
        if_match: version.map(if_match).transpose().map_err(Error::into_problem)?,
        deadline: incoming.deadline,
    })
}

/// Without a lease the primary is asked first; where it does not answer, neither do we.
async fn hold_lease(node: &Node, deadline: Instant) -> Result<(), Problem> {
    if node.ownership.lease.renewed(deadline).await { Ok(()) } else { Err(shard_unavailable()) }
}

/// A header that may stand once, as text.
fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let bad = |detail: &str| {
        Problem::new(StatusCode::BAD_REQUEST, "header-malformed", "A header is malformed")
            .detail(format!("{name}: {detail}"))
    };
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad("it may stand once"));
    }
    value.to_str().map(Some).map_err(|_| bad("visible ASCII characters are expected"))
}
