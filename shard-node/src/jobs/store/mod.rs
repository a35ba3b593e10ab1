//! Every SQL statement of the queue. What people ask of jobs is in `domain::jobs`.
//!
//! What must stay true:
//! - All times are the database's own.
//! - What ends a job names its fence, and is nothing where another one leased it, or somebody cancelled it.

mod end;
mod enqueue;
mod lease;
mod tidy;

pub use end::{Ended, end, fail, give_back, hold};
pub(crate) use enqueue::{begin_anew, enqueue};
pub(crate) use lease::interval;
pub use lease::{Line, Taken, due_lines, take};
pub use tidy::sweep;
pub(crate) use tidy::{LOST_AT_ONCE, institutions_ready, lost};
