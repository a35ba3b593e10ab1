//! The node of an attempt as Pingora connects to it: an address, with every timeout set.

use pingora::upstreams::peer::{HttpPeer, HttpUpstreamRequestPolicy};

use super::context::Context;
use crate::config::{CONNECT_DEADLINE, NODE_IDLE, NODE_WRITE_DEADLINE};
use crate::upstream::Upstream;

/// A peer for one attempt. Plain HTTP/1.1; no protocol upgrades.
pub(crate) fn peer(upstream: &Upstream, context: &Context) -> Box<HttpPeer> {
    // From an address: from a name it would resolve, and unwrap.
    let mut peer = HttpPeer::new(upstream.address, false, String::new());
    let deadline = context.answer_deadline();
    let options = &mut peer.options;
    options.connection_timeout = Some(CONNECT_DEADLINE.min(deadline));
    options.total_connection_timeout = Some(CONNECT_DEADLINE.min(deadline));
    options.read_timeout = Some(deadline);
    options.write_timeout = Some(NODE_WRITE_DEADLINE.min(deadline));
    options.idle_timeout = Some(NODE_IDLE);
    options.http_upstream_request_policy = HttpUpstreamRequestPolicy::deny_upgrades();
    Box::new(peer)
}
