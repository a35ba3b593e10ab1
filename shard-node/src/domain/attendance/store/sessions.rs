//! Sessions.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::super::model::AttendanceSession;
use super::super::rules::Held;
use super::super::sessions::NewSession;
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken(
        "attendance_sessions_one_a_time",
        "session-taken",
        "/startsAt",
        "this time of the class on this day",
    ),
    Constraint::unknown("attendance_sessions_institution_id_class_id_fkey", "/classId", "class"),
];

/// Inserts a session.
pub(in super::super) async fn insert_session(
    tx: &mut TenantTx,
    id: Uuid,
    new: &NewSession,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO attendance_sessions (institution_id, id, class_id, held_on, starts_at, ends_at, title)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        institution,
        id,
        new.class_id,
        new.date,
        new.starts_at,
        new.ends_at,
        new.title
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "attendance session")
}

/// Writes a changed session.
pub(in super::super) async fn update_session(
    tx: &mut TenantTx,
    session: &AttendanceSession,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE attendance_sessions SET held_on = $3, starts_at = $4, ends_at = $5, title = $6, status = $7
         WHERE institution_id = $1 AND id = $2",
        institution,
        session.id,
        session.date,
        session.starts_at,
        session.ends_at,
        session.title,
        session.status
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "attendance session")
}

/// A session that nobody changes until the transaction ends; others may hold it, too.
pub(in super::super) async fn hold_session(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<Held>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Held,
        "SELECT class_id, held_on AS date, status, check_in_salt, check_in_hash, check_in_until
         FROM attendance_sessions WHERE institution_id = $1 AND id = $2 FOR SHARE",
        institution,
        id
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Whether somebody is marked in a session that is locked.
pub(in super::super) async fn has_marks(tx: &mut TenantTx, session: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM attendance_records
                         WHERE institution_id = $1 AND session_id = $2) AS "exists!""#,
        institution,
        session
    )
    .fetch_one(tx.connection())
    .await?)
}

/// The date on a class's own calendar at an instant.
pub(in super::super) async fn local_date(
    tx: &mut TenantTx,
    class: Uuid,
    at: DateTime<Utc>,
) -> Result<NaiveDate, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT ($3::timestamptz AT TIME ZONE coalesce(c.timezone, i.timezone))::date AS "date!"
           FROM classes c JOIN institutions i ON i.institution_id = $1 AND i.id = $1
           WHERE c.institution_id = $1 AND c.id = $2"#,
        institution,
        class,
        at
    )
    .fetch_one(tx.connection())
    .await?)
}
