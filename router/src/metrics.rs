//! The router's own metrics, beside those of every HTTP service.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use service_kit::metrics::Metrics;

/// What the router counts.
#[derive(Debug, Clone)]
pub(crate) struct RouterMetrics {
    /// Requests, response times, requests in flight.
    pub(crate) http: Metrics,
    /// 421 answers of nodes.
    pub(crate) not_owner: IntCounter,
    /// Attempts beyond a request's first: `follow-up`, `connect`, `resend`; `refused` are those that the
    /// retry budget did not grant.
    pub(crate) again: IntCounterVec,
    /// How often a node was put out.
    pub(crate) node_put_out: IntCounterVec,
    /// 1 for a node that is out.
    pub(crate) node_out: IntGaugeVec,
    /// The version of the map in use.
    pub(crate) map_version: IntGauge,
    /// Requests whose connection was cut at their deadline.
    pub(crate) cut: IntCounter,
    /// Connections of clients.
    pub(crate) connections: IntGauge,
}

impl RouterMetrics {
    /// Registers them.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let http = Metrics::new()?;
        let not_owner = IntCounter::new("lxp_router_not_owner_total", "421 answers of nodes")?;
        let again = IntCounterVec::new(
            prometheus::opts!("lxp_router_again_total", "Attempts beyond a request's first"),
            &["why"],
        )?;
        let node_put_out = IntCounterVec::new(
            prometheus::opts!("lxp_router_node_put_out_total", "Times that a node was put out"),
            &["node"],
        )?;
        let node_out = IntGaugeVec::new(
            prometheus::opts!(
                "lxp_router_node_out",
                "Nodes that failed and are tried now and then"
            ),
            &["node"],
        )?;
        let map_version = IntGauge::new("lxp_router_map_version", "Version of the map in use")?;
        let cut = IntCounter::new("lxp_router_cut_total", "Requests cut off at their deadline")?;
        let connections = IntGauge::new("lxp_router_connections", "Connections of clients")?;
        http.registry.register(Box::new(not_owner.clone()))?;
        http.registry.register(Box::new(again.clone()))?;
        http.registry.register(Box::new(node_put_out.clone()))?;
        http.registry.register(Box::new(node_out.clone()))?;
        http.registry.register(Box::new(map_version.clone()))?;
        http.registry.register(Box::new(cut.clone()))?;
        http.registry.register(Box::new(connections.clone()))?;
        Ok(Self { http, not_owner, again, node_put_out, node_out, map_version, cut, connections })
    }
}

/// Labels of paths: the first two segments of what the API has, all else is `other`.
const RESOURCES: [&str; 41] = [
    "programs",
    "curricula",
    "curriculum-templates",
    "term-systems",
    "terms",
    "courses",
    "subjects",
    "classes",
    "users",
    "students",
    "org-units",
    "enrollments",
    "progress",
    "question-banks",
    "questions",
    "assessments",
    "attempts",
    "submissions",
    "gradebook",
    "grades",
    "results",
    "attendance-sessions",
    "records",
    "reports",
    "metrics",
    "notifications",
    "preferences",
    "webhooks",
    "events",
    "imports",
    "jobs",
    "audit",
    "endpoint-metrics",
    "schedules",
    "institution",
    "guardians",
    "materials",
    "sessions",
    "stats",
    "api-clients",
    "rooms",
];

/// A bounded label for a path; never an id.
pub(crate) fn path_label(path: &str) -> &'static str {
    let mut segments = path.trim_start_matches('/').splitn(3, '/');
    match segments.next().unwrap_or_default() {
        "v1" => {
            let second = segments.next().unwrap_or_default();
            let noun = second.split(':').next().unwrap_or_default();
            RESOURCES.iter().position(|known| *known == noun).map_or("other", |at| LABELS[at])
        }
        "trpc" => "/trpc",
        "docs" => "/docs",
        "openapi.json" => "/openapi.json",
        "oauth" => "/oauth/token",
        _ => "other",
    }
}

/// `/v1/<resource>` for each of [`RESOURCES`], made once.
static LABELS: std::sync::LazyLock<Vec<&'static str>> = std::sync::LazyLock::new(|| {
    RESOURCES.iter().map(|noun| &*Box::leak(format!("/v1/{noun}").into_boxed_str())).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_no_ids_and_are_bounded() {
        for (path, label) in [
            ("/v1/programs", "/v1/programs"),
            ("/v1/programs/0190a1b2/stats", "/v1/programs"),
            ("/v1/students:bulk", "/v1/students"),
            ("/v1/0190a1b2", "other"),
            ("/v1", "other"),
            ("/trpc/academic.createProgram,academic.enrollStudent", "/trpc"),
            ("/", "other"),
            ("*", "other"),
            ("", "other"),
        ] {
            assert_eq!(path_label(path), label, "{path}");
        }
    }
}
