//! Pure decisions: no pool, no clock, no runtime.

pub mod claims;
pub mod health;
pub mod ring_change;
pub mod room;
pub mod validate;
