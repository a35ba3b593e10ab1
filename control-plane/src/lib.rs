//! The control plane: who owns which institution, which shards and nodes there are, and the map that says so.
//!
//! A request's path is the list of folders: `api` (routes, roles, bodies) -> `service` (one use case, one
//! transaction) -> `model` and `plan` (pure decisions) and `store` (every SQL statement). `reconcile` finishes what a
//! crash left, `operation` is what takes many transactions (moves, by the one that leads), `feed` carries each version
//! of the map to those who wait for it, `console` shows people the same, by the same services.
//!
//! What must stay true:
//! - Every change of ring, directory or map goes through `store::map_head`: versions are gapless.
//! - Several control planes run: nothing here holds truth in memory, and every step can be done twice.
//! - A DSN leaves neither through the API nor through the logs.

pub mod api;
pub mod app;
pub mod config;
pub mod console;
pub mod error;
pub mod feed;
pub mod model;
pub mod operation;
pub mod plan;
pub mod reconcile;
pub mod service;
pub mod shard_db;
pub mod store;
