//! Checking in, in sessions that are held.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::rules::Accepted;
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// Puts a code's hash in the place of the one before; tries at that are forgotten.
pub(in super::super) async fn open_check_in(
    tx: &mut TenantTx,
    session: Uuid,
    salt: &[u8],
    hash: &[u8],
    until: DateTime<Utc>,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE attendance_sessions SET check_in_salt = $3, check_in_hash = $4, check_in_until = $5
         WHERE institution_id = $1 AND id = $2",
        institution,
        session,
        salt,
        hash,
        until
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "attendance session")?;
    sqlx::query!(
        "DELETE FROM attendance_tries WHERE institution_id = $1 AND session_id = $2",
        institution,
        session
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The mark of a student who has checked in before.
pub(in super::super) async fn checked_in(
    tx: &mut TenantTx,
    session: Uuid,
    student: Uuid,
) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM attendance_records
         WHERE institution_id = $1 AND session_id = $2 AND student_id = $3 AND method = 'CHECK_IN'",
        institution,
        session,
        student
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Counts a try of a student, of which there is one at a time; answers which it is.
pub(in super::super) async fn count_try(
    tx: &mut TenantTx,
    session: Uuid,
    student: Uuid,
) -> Result<i32, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "INSERT INTO attendance_tries (institution_id, id, session_id, student_id, tries)
         VALUES ($1, $2, $3, $4, 1)
         ON CONFLICT (institution_id, session_id, student_id) DO UPDATE
             SET tries = least(attendance_tries.tries, 1000000) + 1
         RETURNING tries",
        institution,
        Uuid::now_v7(),
        session,
        student
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Inserts the mark of a student who checks in; none where there is one.
pub(in super::super) async fn insert_check_in(
    tx: &mut TenantTx,
    session: Uuid,
    by: Uuid,
    mark: &Accepted,
) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "INSERT INTO attendance_records
             (institution_id, id, session_id, enrollment_id, student_id, code_id, method, marked_by)
         VALUES ($1, $2, $3, $4, $5, $6, 'CHECK_IN', $7)
         ON CONFLICT (institution_id, session_id, student_id) DO NOTHING
         RETURNING id",
        institution,
        Uuid::now_v7(),
        session,
        mark.enrollment,
        mark.student,
        mark.code,
        by
    )
    .fetch_optional(tx.connection())
    .await?)
}
