//! What nobody's lease covers: leases that ran out, and jobs that need not be kept any longer.

use shard_map::InstitutionId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::Error;
use crate::store::TenantTx;

/// Leases that are ended at once.
pub(crate) const LOST_AT_ONCE: usize = 100;

/// Jobs that are deleted at once.
const SWEPT_AT_ONCE: i64 = 1_000;

/// Institutions with something due, of jobs or of anything else; those that are left out have the same chance the
/// next time.
pub(crate) async fn institutions_ready(
    pool: &PgPool,
    at_most: i32,
) -> Result<Vec<InstitutionId>, Error> {
    let ready = sqlx::query_scalar!(
        r#"SELECT institution_id AS "institution_id!" FROM work_ready($1, 'jobs')"#,
        at_most
    )
    .fetch_all(pool)
    .await?;
    Ok(ready.into_iter().map(InstitutionId::new).collect())
}

/// Jobs whose leases ran out, locked, with their fences and types. What a worker's transaction holds has not been lost
/// yet: it is passed by.
pub(crate) async fn lost(tx: &mut TenantTx) -> Result<Vec<(Uuid, i64, String)>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        "SELECT id, fence, type AS kind FROM jobs
         WHERE institution_id = $1 AND state = 'RUNNING' AND leased_until < clock_timestamp()
         ORDER BY leased_until LIMIT $2 FOR UPDATE SKIP LOCKED",
        institution,
        i64::try_from(LOST_AT_ONCE).unwrap_or(i64::MAX)
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.fence, row.kind)).collect())
}

/// Deletes what has been kept for long enough, a batch of it; answers whether there may be more.
pub async fn sweep(tx: &mut TenantTx) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "DELETE FROM jobs j
         WHERE j.institution_id = $1 AND j.id = ANY (ARRAY(
             SELECT id FROM jobs WHERE institution_id = $1 AND keep_until < now()
             ORDER BY keep_until LIMIT $2 FOR UPDATE SKIP LOCKED))",
        institution,
        SWEPT_AT_ONCE
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == SWEPT_AT_ONCE.unsigned_abs())
}
