//! The router's own metrics, beside those of every HTTP service.

mod active;
mod label;

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use service_kit::metrics::Metrics;

pub(crate) use active::ActiveUsers;
pub(crate) use label::path_label;

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
    /// `lxp_active_users`.
    pub(crate) active_users: ActiveUsers,
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
        let active = IntGauge::new(
            "lxp_active_users",
            "Users who sent a request in the last five minutes, up to 100,000",
        )?;
        http.registry.register(Box::new(active.clone()))?;
        let active_users = ActiveUsers::new(active);
        http.registry.register(Box::new(not_owner.clone()))?;
        http.registry.register(Box::new(again.clone()))?;
        http.registry.register(Box::new(node_put_out.clone()))?;
        http.registry.register(Box::new(node_out.clone()))?;
        http.registry.register(Box::new(map_version.clone()))?;
        http.registry.register(Box::new(cut.clone()))?;
        http.registry.register(Box::new(connections.clone()))?;
        Ok(Self {
            http,
            not_owner,
            again,
            active_users,
            node_put_out,
            node_out,
            map_version,
            cut,
            connections,
        })
    }
}
