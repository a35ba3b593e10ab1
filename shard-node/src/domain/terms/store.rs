//! Every SQL statement of terms.

use chrono::NaiveDate;
use uuid::Uuid;

use super::model::{NewTerm, Term};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken("terms_one_code_a_system", "code-taken", "/code", "this code"),
    Constraint::taken(
        "terms_institution_id_source_external_id_key",
        "external-id-taken",
        "/externalId",
        "this external id",
    ),
    Constraint::unknown("terms_institution_id_term_system_id_fkey", "/termSystemId", "term system"),
];

/// Inserts a term.
pub(super) async fn insert(tx: &mut TenantTx, id: Uuid, new: &NewTerm) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO terms (institution_id, id, term_system_id, code, name, starts_on, ends_on,
                            enroll_from, enroll_until, drop_until, withdraw_until, source, external_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        institution,
        id,
        new.term_system_id,
        new.code,
        new.name,
        new.starts_on,
        new.ends_on,
        new.enroll_from,
        new.enroll_until,
        new.drop_until,
        new.withdraw_until,
        new.source,
        new.external_id
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "term")
}

/// Writes a changed term.
pub(super) async fn update(tx: &mut TenantTx, term: &Term) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE terms SET term_system_id = $3, code = $4, name = $5, starts_on = $6, ends_on = $7,
                          enroll_from = $8, enroll_until = $9, drop_until = $10, withdraw_until = $11
         WHERE institution_id = $1 AND id = $2",
        institution,
        term.id,
        term.term_system_id,
        term.code,
        term.name,
        term.starts_on,
        term.ends_on,
        term.enroll_from,
        term.enroll_until,
        term.drop_until,
        term.withdraw_until
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "term")
}

/// Locks a term system against other terms; false where there is none.
pub(super) async fn lock_system(tx: &mut TenantTx, system: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    let found = sqlx::query_scalar!(
        "SELECT id FROM term_systems WHERE institution_id = $1 AND id = $2 FOR NO KEY UPDATE",
        institution,
        system
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(found.is_some())
}

/// The code of another term of the system on some of these days.
pub(super) async fn overlapping(
    tx: &mut TenantTx,
    system: Uuid,
    term: Uuid,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
) -> Result<Option<String>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT code FROM terms
         WHERE institution_id = $1 AND term_system_id = $2 AND id <> $3
           AND starts_on <= $5 AND ends_on >= $4
         ORDER BY starts_on LIMIT 1",
        institution,
        system,
        term,
        starts_on,
        ends_on
    )
    .fetch_optional(tx.connection())
    .await?)
}
