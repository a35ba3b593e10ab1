//! A request's head as a node sees it: what is internal is stripped, then stamped.
//!
//! The institution is inserted here, from the context: a client's `Connection: x-institution-id` makes
//! Pingora strip whatever stood there before.

use std::mem;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, request};
use pingora::http::RequestHeader;
use shard_map::InstitutionId;
use uuid::fmt::Hyphenated;

use super::admit::{IDEMPOTENCY_KEY, INSTITUTION};
use super::context::Context;
use super::{DEADLINE_MS, REQUEST_ID, TRACE};
use crate::map::View;

static MAP_VERSION: HeaderName = HeaderName::from_static("lxp-map-version");

/// Headers named `Lxp-*` that a client may send; all others are internal.
const FROM_CLIENTS: [&str; 2] = ["lxp-session", "lxp-consistency"];

/// Most headers that are added.
const ADDED: usize = 5;

/// Makes a request's head ready for a node.
pub(crate) fn stamp(head: &mut RequestHeader, context: &mut Context, view: &View) {
    // As plain parts: the second map, in which Pingora keeps the letters of names, would be grown with each header, and
    // a node does not look at letters.
    let nothing = http::Request::new(()).into_parts().0;
    let mut parts = request::Parts::from(mem::replace(head, nothing.into()));
    write(&mut parts.headers, context, view);
    // Judged by what the node gets: a key that the client had stripped protects nothing.
    context.resendable = matches!(parts.method, http::Method::GET | http::Method::HEAD)
        || parts.headers.contains_key(&IDEMPOTENCY_KEY);
    *head = parts.into();
}

fn write(headers: &mut HeaderMap, context: &Context, view: &View) {
    let internal: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("lxp-") && !FROM_CLIENTS.contains(&name.as_str()))
        .cloned()
        .collect();
    for name in &internal {
        headers.remove(name);
    }
    headers.reserve(ADDED);
    match context.institution() {
        Some(institution) => name_institution(headers, institution),
        None => {
            headers.remove(&INSTITUTION);
        }
    }
    headers.insert(&MAP_VERSION, view.version_header.clone());
    headers.insert(&REQUEST_ID, context.request_id.clone());
    headers.insert(&TRACE, context.trace.clone());
    let left_ms = u64::try_from(context.time_left().as_millis()).unwrap_or(u64::MAX);
    headers.insert(&DEADLINE_MS, HeaderValue::from(left_ms));
}

fn name_institution(headers: &mut HeaderMap, institution: InstitutionId) {
    let mut text = [0; Hyphenated::LENGTH];
    let text = institution.as_uuid().hyphenated().encode_lower(&mut text);
    let mut said = headers.get_all(&INSTITUTION).iter();
    // Most clients have said it already, in these very letters.
    if said.next().is_some_and(|said| said == &*text) && said.next().is_none() {
        return;
    }
    // A uuid is of characters that a header can carry.
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(&INSTITUTION, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use prometheus::IntGauge;
    use shard_map::ShardMap;
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
        stamp(&mut head, &mut context, &view);
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
    fn the_institution_stands_there_once_whatever_the_client_said() {
        let institution = InstitutionId::new(Uuid::from_u128(0xabc));
        let text = institution.to_string();
        let upper = text.to_uppercase();
        for said in [vec![], vec![&text], vec![&upper], vec![&text, &text], vec![&text, &upper]] {
            let headers: Vec<_> =
                said.iter().map(|said| ("X-Institution-Id", said.as_str())).collect();
            let (head, _) = stamped("GET", Target::Institution(institution), &headers);
            assert_eq!(value(&head, "x-institution-id"), [text.as_str()], "{said:?}");
        }
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
