//! The real `lxp-router` between a client, fake nodes and a fake control plane, all on loopback.
//!
//! Conditions are waited for, with a deadline; nothing sleeps instead of one. Each test has its own router.

mod admission;
mod control;
mod elsewhere;
mod headers;
mod health;
mod limits;
mod lost;
mod node;
mod not_owner;
mod platform;
mod restart;
mod slow;
mod smuggling;
