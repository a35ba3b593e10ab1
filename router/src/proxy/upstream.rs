//! A request's head as a node sees it: what is internal is stripped, then stamped.
//!
//! The institution is inserted here, from the context: a client's `Connection: x-institution-id` makes
//! Pingora strip whatever stood there before.

use http::HeaderName;
use http::header::HeaderValue;
use pingora::Result;
use pingora::http::RequestHeader;

use super::admit::{IDEMPOTENCY_KEY, INSTITUTION};
use super::context::Context;
use crate::map::View;

const MAP_VERSION: &str = "lxp-map-version";
const DEADLINE_MS: &str = "lxp-deadline-ms";

/// Headers named `Lxp-*` that a client may send; all others are internal.
const FROM_CLIENTS: [&str; 2] = ["lxp-session", "lxp-consistency"];

/// Makes a request's head ready for a node.
pub(crate) fn stamp(head: &mut RequestHeader, context: &mut Context, view: &View) -> Result<()> {
    let internal: Vec<HeaderName> = head
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("lxp-") && !FROM_CLIENTS.contains(&name.as_str()))
        .cloned()
        .collect();
    for name in &internal {
        head.remove_header(name);
    }
    match context.institution() {
        Some(institution) => {
            head.insert_header("X-Institution-Id", institution.to_string())?;
        }
        None => {
            head.remove_header(&INSTITUTION);
        }
    }
    head.insert_header(MAP_VERSION, view.version_header.clone())?;
    head.insert_header("X-Request-Id", context.request_id.clone())?;
    head.insert_header("traceparent", context.trace.clone())?;
    let left_ms = u64::try_from(context.time_left().as_millis()).unwrap_or(u64::MAX);
    head.insert_header(DEADLINE_MS, HeaderValue::from(left_ms))?;
    // Judged by what the node gets: a key that the client had stripped protects nothing.
    context.resendable = matches!(head.method, http::Method::GET | http::Method::HEAD)
        || head.headers.contains_key(&IDEMPOTENCY_KEY);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use prometheus::IntGauge;
    use shard_map::{InstitutionId, ShardMap};
    use uuid::Uuid;

    use super::*;
    use crate::proxy::admit::Target;

    fn stamped(
        method: &str,
        target: Target,
        headers: &[(&'static str, &str)],
    ) -> (RequestHeader, bool) {
        let gauge = IntGauge::new("test", "test").expect("a gauge");
        let mut context = Context::new(Instant::now(), &gauge);
        context.target = Some(target);
        context.request_id = HeaderValue::from_static("r-1");
        context.trace = HeaderValue::from_static("t-1");
        let view = View::new(Arc::new(ShardMap::empty()), None, Instant::now());
        let mut head = RequestHeader::build(method, b"/v1/a", None).expect("a head");
        for (name, value) in headers {
            head.append_header(*name, *value).expect("a header");
        }
        stamp(&mut head, &mut context, &view).expect("stamped");
        (head, context.resendable)
    }

    fn value<'h>(head: &'h RequestHeader, name: &str) -> Vec<&'h str> {
        head.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }

    #[test]
    fn what_is_internal_is_replaced() {
        let institution = InstitutionId::new(Uuid::from_u128(5));
        let spoofed = [
            ("Lxp-Map-Version", "99"),
            ("Lxp-Internal-Anything", "x"),
            ("Lxp-Deadline-Ms", "999999999"),
            ("Lxp-Session", "kept"),
            ("X-Institution-Id", "someone"),
            ("X-Institution-Id", "someone-else"),
            ("X-Request-Id", "theirs"),
        ];
        let (head, _) = stamped("GET", Target::Institution(institution), &spoofed);
        assert_eq!(value(&head, "lxp-map-version"), ["0"]);
        assert_eq!(value(&head, "lxp-internal-anything"), [""; 0]);
        assert_eq!(value(&head, "lxp-session"), ["kept"]);
        assert_eq!(value(&head, "x-institution-id"), [institution.to_string()]);
        assert_eq!(value(&head, "x-request-id"), ["r-1"]);
        let deadline: u64 = value(&head, "lxp-deadline-ms")[0].parse().expect("a number");
        assert!(deadline <= 30_000);
    }

    #[test]
    fn without_an_institution_none_is_passed_on() {
        let (head, _) = stamped("GET", Target::AnyNode, &[("X-Institution-Id", "someone")]);
        assert_eq!(value(&head, "x-institution-id"), [""; 0]);
    }

    #[test]
    fn only_reads_and_keyed_writes_are_resendable() {
        for (method, headers, resendable) in [
            ("GET", &[][..], true),
            ("HEAD", &[], true),
            ("POST", &[], false),
            ("PUT", &[], false),
            ("DELETE", &[], false),
            ("POST", &[("Idempotency-Key", "k")], true),
        ] {
            assert_eq!(stamped(method, Target::AnyNode, headers).1, resendable, "{method}");
        }
    }
}
