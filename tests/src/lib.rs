//! What whole-platform tests share: the platform that `make test` runs, and a client that speaks to its router.
//!
//! What must stay true: tests keep apart by institution. A test makes its own and touches nothing else.

mod client;
mod platform;

pub use client::{Answer, Client};
pub use platform::{Institution, Platform};
