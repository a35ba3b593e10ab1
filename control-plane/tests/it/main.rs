//! The control plane against a real Postgres: store, services, HTTP. `LXP_TEST_POSTGRES` names it.

mod access;
mod away;
mod console;
mod drained;
mod feed;
mod http;
mod inspection;
mod institutions;
mod left_out;
mod model;
mod moves;
mod nodes;
mod placement;
mod plans;
mod probes;
mod rebalance;
mod rooms;
mod shards;
mod support;
