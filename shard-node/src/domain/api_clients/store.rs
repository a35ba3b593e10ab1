//! Every SQL statement of api clients.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::rules::{Known, Standing};
use super::secret::SecretDigest;
use super::{ApiClient, NewApiClient};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// How many there are; it stays so until the transaction ends: creations of an institution go one after the other.
pub(super) async fn count_locked(tx: &mut TenantTx) -> Result<i64, Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('lxp.api-clients', uuid_hash_extended($1, 0)))",
        institution
    )
    .execute(tx.connection())
    .await?;
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM api_clients WHERE institution_id = $1"#,
        institution
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Inserts one.
pub(super) async fn insert(
    tx: &mut TenantTx,
    id: Uuid,
    new: &NewApiClient,
    secret: SecretDigest,
    created_by: Uuid,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO api_clients (institution_id, id, name, description, secret_hash, created_by, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        institution,
        id,
        new.name,
        new.description,
        &secret.0[..],
        created_by,
        new.expires_at
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "api client")
}

/// Writes a changed one.
pub(super) async fn update(tx: &mut TenantTx, client: &ApiClient) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE api_clients SET name = $3, description = $4, expires_at = $5
         WHERE institution_id = $1 AND id = $2",
        institution,
        client.id,
        client.name,
        client.description,
        client.expires_at
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "api client")
}

/// Writes another secret; the one before is taken until then.
pub(super) async fn rotate(
    tx: &mut TenantTx,
    id: Uuid,
    secret: SecretDigest,
    until: DateTime<Utc>,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE api_clients SET previous_hash = secret_hash, previous_until = $4, secret_hash = $3
         WHERE institution_id = $1 AND id = $2",
        institution,
        id,
        &secret.0[..],
        until
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "api client")
}

/// Revokes one.
pub(super) async fn revoke(tx: &mut TenantTx, id: Uuid, at: DateTime<Utc>) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE api_clients SET revoked_at = $3 WHERE institution_id = $1 AND id = $2 AND revoked_at IS NULL",
        institution,
        id,
        at
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "api client")
}

/// What is kept of one's secrets.
pub(super) async fn known(tx: &mut TenantTx, id: Uuid) -> Result<Option<Known>, Error> {
    let institution = tx.institution().as_uuid();
    let row = sqlx::query!(
        "SELECT secret_hash, previous_hash, previous_until, expires_at, revoked_at
         FROM api_clients WHERE institution_id = $1 AND id = $2",
        institution,
        id
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| Known {
        secret_hash: row.secret_hash,
        previous_hash: row.previous_hash,
        previous_until: row.previous_until,
        standing: Standing { expires_at: row.expires_at, revoked_at: row.revoked_at },
    }))
}

/// What ends one.
pub(super) async fn standing(tx: &mut TenantTx, id: Uuid) -> Result<Option<Standing>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Standing,
        "SELECT expires_at, revoked_at FROM api_clients WHERE institution_id = $1 AND id = $2",
        institution,
        id
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Notes that one was seen, at most once a minute.
pub(super) async fn used(tx: &mut TenantTx, id: Uuid, at: DateTime<Utc>) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "INSERT INTO api_client_uses AS u (institution_id, id, used_at) VALUES ($1, $2, $3)
         ON CONFLICT (institution_id, id) DO UPDATE SET used_at = EXCLUDED.used_at
         WHERE u.used_at < EXCLUDED.used_at - interval '1 minute'",
        institution,
        id,
        at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
