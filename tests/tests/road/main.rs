//! Whole flows: a client, the router, nodes, Postgres and Redis, as processes.

mod clients;
mod console;
mod isolation;
mod jobs;
mod moves;
mod oulad;
mod ownership;
mod seats;
mod tokens;
