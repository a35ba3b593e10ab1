//! Whole flows: a client, the router, nodes, Postgres and Redis, as processes.

mod isolation;
mod ownership;
mod seats;
mod tokens;
