//! Which institutions this node serves, from its own database.

mod ownership;

pub use ownership::{Ownership, Verdict, watch};
