//! Every SQL statement of schedules.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use shard_map::InstitutionId;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Cadence, Firing};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// A schedule whose row is locked.
#[derive(Debug)]
pub(super) struct Locked {
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) cadence: Cadence,
    pub(super) enabled: bool,
    /// Firings up to this date are past; none before somebody has looked at it.
    pub(super) passed_on: Option<NaiveDate>,
}

/// The zone of an institution; a defect where this program does not know it.
pub(super) async fn zone(tx: &mut TenantTx) -> Result<Tz, Error> {
    let institution = tx.institution().as_uuid();
    let name = sqlx::query_scalar!(
        "SELECT timezone FROM institutions WHERE institution_id = $1 AND id = $1",
        institution
    )
    .fetch_one(tx.connection())
    .await?;
    name.parse().map_err(|_| Error::Defect(format!("the time zone {name} is not known")))
}

/// Locks those that are to be looked at by now, but for those that another node has in hand.
pub(super) async fn lock_due(tx: &mut TenantTx, now: DateTime<Utc>) -> Result<Vec<Locked>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Locked,
        r#"SELECT id, kind, cadence AS "cadence: Cadence", enabled, passed_on FROM job_schedules
           WHERE institution_id = $1 AND enabled AND next_at <= $2
           ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"#,
        institution,
        now
    )
    .fetch_all(tx.connection())
    .await?)
}

/// What is known of one, with the caller's lock on it.
pub(super) async fn read(tx: &mut TenantTx, id: Uuid) -> Result<Option<Locked>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Locked,
        r#"SELECT id, kind, cadence AS "cadence: Cadence", enabled, passed_on FROM job_schedules
           WHERE institution_id = $1 AND id = $2 FOR NO KEY UPDATE"#,
        institution,
        id
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Says when to look again, and up to which date firings are past.
pub(super) async fn pass(
    tx: &mut TenantTx,
    id: Uuid,
    enabled: bool,
    passed_on: NaiveDate,
    next_at: DateTime<Utc>,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE job_schedules SET enabled = $3, passed_on = $4, next_at = $5
         WHERE institution_id = $1 AND id = $2 AND (passed_on IS NULL OR passed_on <= $4)",
        institution,
        id,
        enabled,
        passed_on,
        next_at
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "schedule")
}

/// Keeps that it has fired for a date that had not fired yet.
pub(super) async fn fired(
    tx: &mut TenantTx,
    id: Uuid,
    date: NaiveDate,
    at: DateTime<Utc>,
    next: Firing,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE job_schedules SET passed_on = $3, last_fired_on = $3, last_fired_at = $4, next_at = $5
         WHERE institution_id = $1 AND id = $2 AND passed_on < $3",
        institution,
        id,
        date,
        at,
        next.at
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "schedule")
}

/// Looks again at a time, whatever is due: what hinders is logged, and not in the way of others meanwhile.
pub(super) async fn postpone(
    tx: &mut TenantTx,
    schedules: &[Uuid],
    until: DateTime<Utc>,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "UPDATE job_schedules SET next_at = $3 WHERE institution_id = $1 AND id = ANY($2)",
        institution,
        schedules,
        until
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Institutions that have one to look at.
pub(super) async fn ready(
    pool: &PgPool,
    now: DateTime<Utc>,
    at_most: i32,
) -> Result<Vec<InstitutionId>, Error> {
    let ready = sqlx::query_scalar!(
        r#"SELECT institution_id AS "institution_id!" FROM work_ready($2, 'schedules', $1)"#,
        now,
        at_most
    )
    .fetch_all(pool)
    .await?;
    Ok(ready.into_iter().map(InstitutionId::new).collect())
}
