//! The numbers of events: gapless for an institution, with a hash chain through them.
//!
//! A transaction writes its events without a number; the sequencer gives them theirs after it has committed. Of the two
//! ways that were measured (DOMAIN, "Jobs") it is the one that costs the writers nothing: a counter row that each of
//! them updates last is a lock of the whole institution, held through its commit.
//!
//! What must stay true, and why it does:
//! - **No gap, no number twice.** Numbers are given in one transaction that has the institution's turn
//!   (`events_lock_key`) to its end, takes the chain's head in a *later* statement than the turn, and writes the new
//!   head with the numbers. The turn is given up after the commit can be seen, so the next one sees this head. The
//!   unique key on (institution, seq) stands behind it.
//! - **A later change of an aggregate has the higher number.** An event carries the row version of its aggregate, which
//!   is raised under the row's lock; that is held until the commit can be seen. So who wrote version 2 began to commit
//!   after version 1 could be seen, and each snapshot that has version 2 has version 1. Either version 1 has its number
//!   already, from an earlier batch, or both are without one: then a batch that takes version 2 takes version 1 as well
//!   (`store::take`), and [`order`] puts it first.
//! - Between aggregates there is no order to keep: events stand as they were written, as near as may be. One that
//!   commits late gets a later number, whatever its time says.
//! - **A move needs no drain.** Numbers, head and events without a number are rows as others. The guard lets this
//!   transaction in on one shard at a time; whoever numbers next, here or there, goes on from the head that he sees.
//! - A number that was given stands: the commit is durable as every other, so nobody has read a number that is given
//!   again.
//! - The hash of an event covers the one before it ([`chain`]); `verify` walks it. Deliveries to webhooks are written
//!   with the numbers, so an endpoint gets what is numbered while it is enabled, and nothing twice.
//! - It needs no Redis. Without a lease it rests, as all work of a node does.

pub mod chain;
pub mod order;
mod run;
mod sequencer;
pub(crate) mod store;
pub mod verify;
mod wake;

pub use run::{round, run};
pub use sequencer::{BATCH, Numbered, number};
pub use wake::Wakes;
