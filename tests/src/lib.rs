//! What whole-platform tests share: the platform that `make test` runs, one of a test's own, a client that speaks to
//! its router, and load.
//!
//! What must stay true: tests on the shared platform keep apart by institution. A test makes its own and touches
//! nothing else. Whoever stops a part has a platform of its own.

mod beside;
mod browser;
mod client;
mod load;
pub mod oulad;
mod own;
mod parts;
mod platform;
mod sink;
mod size;

pub use beside::Beside;
pub use browser::Browser;
pub use client::{Answer, Client};
pub use load::{History, Load, Op, Request, Schools};
pub use own::Own;
pub use parts::{freeze, kill, thaw};
pub use platform::{Institution, Platform, program};
pub use sink::Sink;
pub use size::Size;
