//! What takes more than one transaction: the leader, and the moves that it drives.

pub mod lead;
pub mod metrics;
pub mod plans;
pub mod tenant_move;
