//! A shard node: the complete domain of the institutions that its shard owns.
//!
//! Inside a node data flows one way: `http` or `trpc` -> `operation` -> a domain service -> rules and store ->
//! Postgres. What must stay true is written at the head of each module; the heart of it is in
//! [`store::TenantTx`] (no rows without a tenant) and [`tenancy`] (no answer without ownership).

pub mod cache;
pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod heartbeat;
pub mod http;
pub mod jobs;
pub mod limits;
pub mod mail;
pub mod node;
pub mod operation;
pub mod operations;
pub mod policy;
pub mod redis;
pub mod relay;
pub mod replica;
pub mod resource;
pub mod schedules;
pub mod store;
pub mod tenancy;
pub mod trpc;
