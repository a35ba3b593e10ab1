//! What every entity's store stands on: the guarded transaction, events, idempotency rows.

pub mod constraint;
pub mod idempotency;
pub mod outbox;
mod tenant_tx;

pub use tenant_tx::TenantTx;
