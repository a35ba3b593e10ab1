//! Which institutions this node serves, from its own database.
//!
//! `poll` asks the primary who it is and what it owns, `watch` does so again and again; `identity` remembers which
//! primary was confirmed last, and `directory` is asked where another one answers; `ownership` is what requests see,
//! and `lease` says how long they may believe it. In `park` they wait while a move is being decided.

mod directory;
mod identity;
mod lease;
mod ownership;
mod park;
mod poll;
mod watch;

pub use directory::Directory;
pub use identity::{Identity, Memory};
pub use lease::{Lease, Term};
pub use ownership::{Ownership, Verdict};
pub use park::{Outcome, PATIENCE as PARK_PATIENCE, Park, Parked};
pub use poll::{PollError, Polled, Poller, primary_pool};
pub use watch::watch;
