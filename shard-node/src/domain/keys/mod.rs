//! The institution's own key: what papers are drawn with, and what receipts are signed with.
//!
//! What must stay true: one an institution, made when it is first needed, never changed, and shown by no operation; it is
//! a tenant's row, so it moves with the institution and draws the same papers there. Who uses it says for what, in the
//! first bytes of what is hashed.

mod store;

use crate::error::Error;
use crate::store::TenantTx;

/// The institution's key. The first time it is made and written, so the transaction must be one that writes.
pub async fn institution_key(tx: &mut TenantTx) -> Result<[u8; 32], Error> {
    if let Some(key) = store::find(tx).await? {
        return Ok(key);
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| Error::Defect(format!("no randomness: {error}")))?;
    store::insert(tx, &key).await?;
    // Somebody else's, where two came at once.
    store::find(tx)
        .await?
        .ok_or_else(|| Error::Defect("an institution's key was not kept".to_owned()))
}
