//! How an institution's operations are answered: how often, with what outcome, in what time; by minute and by hour.
//!
//! What must stay true:
//! - A request does not wait for it: it adds to what the node keeps in memory ([`Meter`]), which is bounded, and a writer
//!   takes that to the database every [`EVERY`] (`write`), through the guard as everything of a tenant.
//! - It is added up: any number of nodes write the same rows, and a move takes them along as it takes all.
//! - A count may be too low, never too high. What is lost: what a node had not written when it was killed, or when it
//!   ceased to own the institution (15 s at most), and a write of which nobody knows whether it took place. A node that is
//!   told to stop writes first. What is lost for want of room or by such a write, `lxp_endpoint_metrics_lost_total` says.
//! - Old buckets go with the next write: minutes after two days, hours after 90.
//!
//! Left to others: what the node itself answers, whoever asked: that is in `/metrics`.

mod meter;
mod model;
mod rules;
mod service;
mod store;
mod write;

use service_kit::token::{Role, Roles};

pub use meter::Meter;
pub use model::{By, EndpointMetric, EndpointMetrics, EndpointMetricsQuery, Resolution};
pub use write::{EVERY, round, run};

use crate::operation::{Operation, roles};

const ADMIN: Roles = roles(&[Role::Admin]);

/// The operations of metrics.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<EndpointMetricsQuery, EndpointMetrics>(
            "admin.listEndpointMetrics",
            "/v1/endpoint-metrics",
            |reader, query| Box::pin(service::list(reader, query)),
        )
        .summary("Gives how often operations were called, with what outcome and in what time")
        .roles(ADMIN),
    ]
}
