//! What every entity's store stands on: the guarded transaction, events, idempotency rows.

pub mod constraint;
pub mod idempotency;
pub mod outbox;
mod position;
mod tenant_tx;

pub use position::Position;
pub use tenant_tx::{Seen, TenantTx};
