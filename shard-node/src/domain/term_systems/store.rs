//! Every SQL statement of term systems, and of the terms that they generate.

use uuid::Uuid;

use super::model::{NewTermSystem, TermSystem};
use super::rules::{Calendar, ExistingTerm, PlannedTerm};
use crate::error::{Error, overloaded};
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[Constraint::taken(
    "term_systems_institution_id_type_terms_per_year_weeks_per_t_key",
    "term-system-exists",
    "/type",
    "this division of the year",
)];

/// What `find_or_insert` takes for what a program does not say.
const DEFAULT_ANCHOR: &str = "09-01";

/// The term system of a program that says no more than this: anchored on 1 September, without breaks. Two
/// that ask at once get the same one, and it stays until the transaction ends.
pub(crate) async fn find_or_insert(
    tx: &mut TenantTx,
    type_: &str,
    terms_per_year: i32,
    weeks_per_term: i32,
) -> Result<Uuid, Error> {
    Calendar { terms_per_year, weeks_per_term, break_weeks: 0 }.check()?;
    let institution = tx.institution().as_uuid();
    let inserted = sqlx::query_scalar!(
        "INSERT INTO term_systems
             (institution_id, id, type, terms_per_year, weeks_per_term, anchor, break_weeks)
         VALUES ($1, $2, $3, $4, $5, $6, 0)
         ON CONFLICT (institution_id, type, terms_per_year, weeks_per_term, anchor, break_weeks)
         DO NOTHING RETURNING id",
        institution,
        Uuid::now_v7(),
        type_,
        terms_per_year,
        weeks_per_term,
        DEFAULT_ANCHOR
    )
    .fetch_optional(tx.connection())
    .await?;
    if let Some(id) = inserted {
        return Ok(id);
    }
    let found = sqlx::query_scalar!(
        "SELECT id FROM term_systems
         WHERE institution_id = $1 AND type = $2 AND terms_per_year = $3 AND weeks_per_term = $4
           AND anchor = $5 AND break_weeks = 0
         FOR KEY SHARE",
        institution,
        type_,
        terms_per_year,
        weeks_per_term,
        DEFAULT_ANCHOR
    )
    .fetch_optional(tx.connection())
    .await?;
    // Between the two statements somebody may have deleted it: nothing was applied, and another try is fine.
    found.ok_or_else(|| overloaded().into())
}

/// Inserts a term system.
pub(super) async fn insert(tx: &mut TenantTx, id: Uuid, new: &NewTermSystem) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO term_systems
             (institution_id, id, type, terms_per_year, weeks_per_term, anchor, break_weeks)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        institution,
        id,
        new.kind.as_str(),
        new.terms_per_year,
        new.weeks_per_term,
        new.anchor,
        new.break_weeks
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "term system")
}

/// Writes a changed term system.
pub(super) async fn update(tx: &mut TenantTx, system: &TermSystem) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE term_systems
         SET type = $3, terms_per_year = $4, weeks_per_term = $5, anchor = $6, break_weeks = $7
         WHERE institution_id = $1 AND id = $2",
        institution,
        system.id,
        system.kind,
        system.terms_per_year,
        system.weeks_per_term,
        system.anchor,
        system.break_weeks
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "term system")
}

/// Terms of the system that a plan may clash with: those with one of its codes or on one of its days.
pub(super) async fn terms_near(
    tx: &mut TenantTx,
    system: Uuid,
    planned: &[PlannedTerm],
) -> Result<Vec<ExistingTerm>, Error> {
    let institution = tx.institution().as_uuid();
    let codes: Vec<String> = planned.iter().map(|term| term.code.clone()).collect();
    let first = planned.iter().map(|term| term.starts_on).min();
    let last = planned.iter().map(|term| term.ends_on).max();
    Ok(sqlx::query_as!(
        ExistingTerm,
        "SELECT code, starts_on, ends_on FROM terms
         WHERE institution_id = $1 AND term_system_id = $2
           AND (code = ANY($3) OR (starts_on <= $5 AND ends_on >= $4))",
        institution,
        system,
        &codes,
        first,
        last
    )
    .fetch_all(tx.connection())
    .await?)
}

/// Inserts terms in one statement. A code that somebody took since it was looked at fails as a race does:
/// the transaction is run again and sees it.
pub(super) async fn insert_terms(
    tx: &mut TenantTx,
    system: Uuid,
    ids: &[Uuid],
    terms: &[PlannedTerm],
) -> Result<(), Error> {
    if terms.is_empty() {
        return Ok(());
    }
    let institution = tx.institution().as_uuid();
    let codes: Vec<String> = terms.iter().map(|term| term.code.clone()).collect();
    let names: Vec<String> = terms.iter().map(|term| term.name.clone()).collect();
    let starts: Vec<_> = terms.iter().map(|term| term.starts_on).collect();
    let ends: Vec<_> = terms.iter().map(|term| term.ends_on).collect();
    let done = sqlx::query!(
        "INSERT INTO terms (institution_id, id, term_system_id, code, name, starts_on, ends_on)
         SELECT $1, id, $2, code, name, starts_on, ends_on
         FROM unnest($3::uuid[], $4::text[], $5::text[], $6::date[], $7::date[])
              AS term (id, code, name, starts_on, ends_on)",
        institution,
        system,
        ids,
        &codes,
        &names,
        &starts,
        &ends
    )
    .execute(tx.connection())
    .await?;
    match usize::try_from(done.rows_affected()) {
        Ok(rows) if rows == terms.len() => Ok(()),
        _ => Err(Error::Defect(format!("{} terms were inserted", done.rows_affected()))),
    }
}

/// Ids of the system's terms with these codes, by their first days.
pub(super) async fn terms_by_codes(
    tx: &mut TenantTx,
    system: Uuid,
    codes: &[String],
) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM terms
         WHERE institution_id = $1 AND term_system_id = $2 AND code = ANY($3) ORDER BY starts_on",
        institution,
        system,
        codes
    )
    .fetch_all(tx.connection())
    .await?)
}
