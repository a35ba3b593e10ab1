//! What an attempt says of its node: whether it answered, or failed, or whether that was somebody else's
//! doing.
//!
//! What must stay true:
//! - Nothing that a client can bring about counts against a node: not its going away, its slowness, its
//!   short deadline.
//! - A node that has too much to do (503 `overloaded`), has an institution fenced (503 `cutover-timeout`),
//!   waits for its database's word (502) or cannot do a thing (501) is not a broken one. One that says 503
//!   `shard-unavailable` cannot use its database: another may. Any other 5xx is of its own making.
//! - The end of a kept connection is no failure: nodes close them when they like.

use std::time::{Duration, Instant};

use http::{StatusCode, header};
use pingora::http::ResponseHeader;
use pingora::{Error, ErrorType};
use service_kit::problem::NOTHING_APPLIED_HEADER;

use super::context::Context;
use crate::metrics::RouterMetrics;
use crate::upstream::{Change, Outcome};

/// A node that had a whole request for less than this may be slow; it does not count.
const SILENT_AFTER: Duration = Duration::from_secs(1);

/// What a node says when it refuses a request without effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It has too much to do.
    Overloaded,
    /// It cannot use its database.
    Unavailable,
}

/// Whether an answer says that nothing was applied and that another node may do better.
pub(super) fn refused(response: &ResponseHeader) -> Option<Refused> {
    if response.status != StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    match response.headers.get(NOTHING_APPLIED_HEADER)?.as_bytes() {
        b"overloaded" => Some(Refused::Overloaded),
        b"shard-unavailable" => Some(Refused::Unavailable),
        _ => None,
    }
}

/// Judges a node by the head of its answer.
pub(super) fn head(context: &mut Context, response: &ResponseHeader, metrics: &RouterMetrics) {
    if response.status.is_informational() {
        return;
    }
    let closes = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"close");
    if response.headers.get(header::CONNECTION).is_some_and(closes)
        && let Some(node) = &context.node
    {
        node.upstream().leaves(Instant::now());
    }
    let status = response.status;
    let is_broken = match status {
        StatusCode::SERVICE_UNAVAILABLE => refused(response) == Some(Refused::Unavailable),
        StatusCode::NOT_IMPLEMENTED | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
            false
        }
        _ => status.is_server_error(),
    };
    judge(context, if is_broken { Outcome::Failed } else { Outcome::Answered }, metrics);
}

/// Whether a connection that broke says something of the node.
pub(super) fn is_nodes_fault(context: &Context, error: &Error, is_reused: bool) -> bool {
    match error.etype() {
        // Short deadlines and slow bodies are the client's.
        ErrorType::ReadTimedout | ErrorType::WriteTimedout => {
            context.sent_at.is_some_and(|sent| sent.elapsed() >= SILENT_AFTER)
        }
        ErrorType::ConnectionClosed | ErrorType::ReadError | ErrorType::WriteError => !is_reused,
        _ => true,
    }
}

/// Says what became of the attempt under way; a node that goes out or comes back is a line in the log.
pub(super) fn judge(context: &mut Context, outcome: Outcome, metrics: &RouterMetrics) {
    let Some(node) = &mut context.node else { return };
    let change = node.judge(outcome, Instant::now());
    let id = node.upstream().id.as_str();
    match change {
        Some(Change::Out(back_off)) => {
            metrics.node_put_out.with_label_values(&[id]).inc();
            metrics.node_out.with_label_values(&[id]).set(1);
            tracing::warn!(
                node.id = id,
                failure = ?outcome,
                back_off_ms = u64::try_from(back_off.as_millis()).unwrap_or(u64::MAX),
                "A node fails; others get its requests until it has been tried again"
            );
        }
        Some(Change::Back) => {
            metrics.node_out.with_label_values(&[id]).set(0);
            tracing::info!(node.id = id, "A node answers again; its share of requests grows");
        }
        None => {}
    }
}
