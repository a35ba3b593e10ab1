//! What people do to jobs, in SQL.

use std::time::Duration;

use axum::http::StatusCode;
use service_kit::Problem;
use uuid::Uuid;

use super::Retried;
use crate::error::Error;
use crate::jobs::store::interval;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// Failed jobs that are queued anew at once.
const RETRIED_AT_ONCE: i64 = 1_000;

/// Queues one anew; its row is locked.
pub(super) async fn retry(tx: &mut TenantTx, id: Uuid) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE jobs SET state = 'QUEUED', attempts = 0, run_at = now(), finished_at = NULL, keep_until = NULL
         WHERE institution_id = $1 AND id = $2 AND state IN ('FAILED', 'CANCELLED')",
        institution,
        id
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error.into()))?;
    expect_one(done.rows_affected(), "job")
}

/// Gives one up; its row is locked. Who has leased it finds so at its end.
pub(super) async fn cancel(tx: &mut TenantTx, id: Uuid, keep: Duration) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE jobs SET state = 'CANCELLED', leased_until = NULL, again_at = NULL, finished_at = now(),
                         keep_until = now() + $3
         WHERE institution_id = $1 AND id = $2 AND state IN ('QUEUED', 'RUNNING')",
        institution,
        id,
        interval(keep)
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "job")
}

/// Queues failed ones anew, the oldest first, of one type where it is said. A key has one live job: of those with one key
/// the last is taken, and none while one is live. One that becomes live meanwhile ends the statement: the write is run
/// again, and finds it.
pub(super) async fn retry_failed(tx: &mut TenantTx, kind: Option<&str>) -> Result<Retried, Error> {
    let institution = tx.institution().as_uuid();
    // Of each key by itself, in scalar subqueries: as joins they would read all that failed, each time.
    let done = sqlx::query!(
        "UPDATE jobs j SET state = 'QUEUED', attempts = 0, run_at = now(), finished_at = NULL
         WHERE j.institution_id = $1 AND j.id = ANY (ARRAY(
             SELECT f.id FROM jobs f
             WHERE f.institution_id = $1 AND f.state = 'FAILED' AND ($2::text IS NULL OR f.type = $2)
               AND (f.unique_key IS NULL OR (
                   (SELECT l.id FROM jobs l
                    WHERE l.institution_id = $1 AND l.state = 'FAILED' AND l.type = f.type
                      AND l.unique_key = f.unique_key
                    ORDER BY l.type, l.unique_key, l.created_at DESC, l.id DESC LIMIT 1) = f.id
                   AND (SELECT live.id FROM jobs live
                        WHERE live.institution_id = $1 AND live.type = f.type AND live.unique_key = f.unique_key
                          AND live.state IN ('QUEUED', 'RUNNING')) IS NULL))
             ORDER BY f.created_at, f.id LIMIT $3 FOR UPDATE OF f SKIP LOCKED))",
        institution,
        kind,
        RETRIED_AT_ONCE
    )
    .execute(tx.connection())
    .await?;
    let retried = i64::try_from(done.rows_affected()).unwrap_or(i64::MAX);
    Ok(Retried { retried, more: retried == RETRIED_AT_ONCE })
}

fn explain(error: Error) -> Error {
    if error.constraint() != Some("jobs_live_key") {
        return error;
    }
    Problem::new(StatusCode::CONFLICT, "key-live", "Another job with its key is queued or runs")
        .detail("that one does what this one would have done")
        .into()
}
