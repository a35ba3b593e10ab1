//! Codes.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::codes::{AttendanceCode, NewCode};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[Constraint::taken(
    "attendance_codes_institution_id_code_key",
    "code-taken",
    "/code",
    "this code",
)];

/// Inserts a code.
pub(in super::super) async fn insert_code(
    tx: &mut TenantTx,
    id: Uuid,
    new: &NewCode,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO attendance_codes (institution_id, id, code, name, counts_as)
         VALUES ($1, $2, $3, $4, $5)",
        institution,
        id,
        new.code,
        new.name,
        new.counts_as
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "attendance code")
}

/// Writes a changed code.
pub(in super::super) async fn update_code(
    tx: &mut TenantTx,
    code: &AttendanceCode,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE attendance_codes SET name = $3, counts_as = $4
         WHERE institution_id = $1 AND id = $2",
        institution,
        code.id,
        code.name,
        code.counts_as
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "attendance code")
}

/// Whether somebody is marked with a code that is locked.
pub(in super::super) async fn code_is_used(tx: &mut TenantTx, id: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM attendance_records
                         WHERE institution_id = $1 AND code_id = $2) AS "exists!""#,
        institution,
        id
    )
    .fetch_one(tx.connection())
    .await?)
}

/// All codes by what they are called; what they count as stays until the transaction ends.
pub(in super::super) async fn hold_codes(
    tx: &mut TenantTx,
) -> Result<HashMap<String, Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        "SELECT id, code FROM attendance_codes WHERE institution_id = $1 ORDER BY id FOR SHARE",
        institution
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.id)).collect())
}
