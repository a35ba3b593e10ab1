//! The router's settings, and the limits that are the same everywhere.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use service_kit::token::TokenSettings;

/// The prefix of variables that override settings.
pub(crate) const ENV_PREFIX: &str = "LXP_ROUTER";

/// The settings file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where clients are served.
    pub(crate) listen: SocketAddr,
    /// Where `/healthz`, `/readyz` and `/metrics` are.
    pub(crate) admin_listen: SocketAddr,
    /// The control plane, `http://host:port`.
    pub(crate) control_url: String,
    /// The file with the bearer token of role `router`.
    pub(crate) control_token_file: PathBuf,
    /// Where the last good map is kept.
    pub(crate) map_file: PathBuf,
    /// A Unix socket at which a router gives its listeners to the one that is started in its place.
    #[serde(default)]
    pub(crate) handover_socket: Option<PathBuf>,
    /// Worker threads.
    #[schemars(extend("x-unit" = "threads"))]
    #[serde(default = "default_threads")]
    pub(crate) threads: usize,
    /// A `tracing` filter.
    #[serde(default = "default_log")]
    pub(crate) log: String,
    /// Whose tokens are believed.
    pub(crate) tokens: TokenSettings,
}

fn default_threads() -> usize {
    2
}

fn default_log() -> String {
    "info".to_owned()
}

/// Largest request head, request line included, in bytes.
pub(crate) const HEAD_MAX_BYTES: usize = 32 * 1024;

/// Longest path with query, in bytes.
pub(crate) const URI_MAX_BYTES: usize = 8 * 1024;

/// Largest request body, in bytes.
pub(crate) const BODY_MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Largest body of a request that comes without a token, in bytes.
pub(crate) const TOKEN_BODY_MAX_BYTES: u64 = 4 * 1024;

/// A request's head must be there this long after its first byte; a new connection must have sent that one
/// within this, too.
pub(crate) const HEAD_DEADLINE: Duration = Duration::from_secs(10);

/// A connection may wait this long for its next request.
pub(crate) const IDLE_DEADLINE_S: u64 = 60;

/// After the order to stop an idle connection is kept this long: a request may be on its way.
pub(crate) const IDLE_AFTER_STOP: Duration = Duration::from_secs(3);

/// Longest pause between two pieces of a request's body.
pub(crate) const BODY_PAUSE: Duration = Duration::from_secs(5);

/// So long a body may come as slowly as it likes; with [`BODY_PAUSE`] it is why slow clients are cut within
/// 15 s.
pub(crate) const BODY_GRACE: Duration = Duration::from_secs(8);

/// After that it must have come at this rate on average.
pub(crate) const BODY_MIN_BYTES_PER_S: u64 = 4 * 1024;

/// Longest wait for a client that does not read its answer.
pub(crate) const CLIENT_WRITE_DEADLINE: Duration = Duration::from_secs(15);

/// How long the rest of a refused request's body is read, so that the client sees the answer.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// Most time a request may have, and what one has that does not say; see `Lxp-Deadline-Ms`.
pub(crate) const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// How much longer than its deadline an answer of a node is waited for.
pub(crate) const DEADLINE_SLACK: Duration = Duration::from_millis(100);

/// This long after its deadline a request's connection is cut, whatever it is doing.
pub(crate) const CUT_SLACK: Duration = Duration::from_millis(220);

/// Longest wait for a connection to a node.
pub(crate) const CONNECT_DEADLINE: Duration = Duration::from_secs(1);

/// Longest wait for a node to take a piece of a request.
pub(crate) const NODE_WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// Connections to nodes are kept this long without use; shorter than nodes keep them.
pub(crate) const NODE_IDLE: Duration = Duration::from_secs(20);

/// Connections to nodes that are kept for reuse.
pub(crate) const NODE_POOL_SIZE: usize = 1024;

/// Most connections of clients; more wait in the system's queue.
pub(crate) const CONNECTIONS_MAX: usize = 20_000;

/// Requests in flight are finished within this when the router stops.
pub(crate) const DRAIN_DEADLINE: Duration = Duration::from_secs(25);

/// Longest wait for a map that a 421 made necessary.
pub(crate) const MAP_REFRESH_DEADLINE: Duration = Duration::from_secs(2);
