//! Every SQL statement of the institution's key.

use uuid::Uuid;

use crate::error::Error;
use crate::store::TenantTx;

/// The key, where there is one.
pub(super) async fn find(tx: &mut TenantTx) -> Result<Option<[u8; 32]>, Error> {
    let institution = tx.institution().as_uuid();
    let secret = sqlx::query_scalar!(
        "SELECT secret FROM institution_keys WHERE institution_id = $1",
        institution
    )
    .fetch_optional(tx.connection())
    .await?;
    secret
        .map(|secret| {
            secret.try_into().map_err(|_| Error::Defect("a key is not of 32 bytes".to_owned()))
        })
        .transpose()
}

/// Keeps one, unless there is one already: of two that come at once the second waits for the first.
pub(super) async fn insert(tx: &mut TenantTx, key: &[u8; 32]) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "INSERT INTO institution_keys (institution_id, id, secret) VALUES ($1, $2, $3)
         ON CONFLICT (institution_id) DO NOTHING",
        institution,
        Uuid::now_v7(),
        &key[..]
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
