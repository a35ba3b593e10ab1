//! Rows of `idempotency_keys`.

use serde_json::Value;
use uuid::Uuid;

use super::TenantTx;
use crate::error::Error;

/// What is kept under a key.
pub struct KeyRow {
    /// SHA-256 of operation and input.
    pub request_hash: Vec<u8>,
    /// The answer, once the request has finished.
    pub answer: Option<Value>,
}

/// Claims a key; false where a row of the last 24 h has it. Waits for a running request with the same key.
pub async fn insert(
    tx: &mut TenantTx,
    id: Uuid,
    principal: Uuid,
    key: &str,
    request_hash: &[u8],
) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO idempotency_keys (institution_id, id, principal, key, request_hash)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (institution_id, principal, key) DO UPDATE
             SET request_hash = excluded.request_hash, answer = NULL, created_at = now()
             WHERE idempotency_keys.created_at < now() - interval '24 hours'",
        institution,
        id,
        principal,
        key,
        request_hash
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The row of a key.
pub async fn find(tx: &mut TenantTx, principal: Uuid, key: &str) -> Result<Option<KeyRow>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        KeyRow,
        "SELECT request_hash, answer FROM idempotency_keys
         WHERE institution_id = $1 AND principal = $2 AND key = $3",
        institution,
        principal,
        key
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Stores the answer of a request that has finished.
pub async fn set_answer(
    tx: &mut TenantTx,
    principal: Uuid,
    key: &str,
    answer: &Value,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE idempotency_keys SET answer = $4
         WHERE institution_id = $1 AND principal = $2 AND key = $3",
        institution,
        principal,
        key,
        answer
    )
    .execute(tx.connection())
    .await?;
    match done.rows_affected() {
        1 => Ok(()),
        rows => Err(Error::Defect(format!("{rows} idempotency rows were written, not 1"))),
    }
}

/// Deletes keys older than 24 h, at most 1,000 of them; answers how many.
pub async fn delete_expired(tx: &mut TenantTx) -> Result<u64, Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "DELETE FROM idempotency_keys WHERE institution_id = $1 AND id = ANY (ARRAY(
             SELECT id FROM idempotency_keys
             WHERE institution_id = $1 AND created_at < now() - interval '24 hours'
             ORDER BY created_at LIMIT 1000))",
        institution
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}
