//! Use cases of terms.

use axum::http::StatusCode;
use chrono::NaiveDate;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

use super::model::{NewTerm, PatchTerm, Term};
use super::rules::Dates;
use super::store;
use crate::error::{Error, unknown_reference};
use crate::operation::{Reply, Work, invalid};
use crate::resource;

/// Creates a term.
pub(super) async fn create(work: &mut Work, input: NewTerm) -> Result<Reply<Term>, Error> {
    check_dates(Dates::from(&input))?;
    let id = Uuid::now_v7();
    check_overlap(work, input.term_system_id, id, input.starts_on, input.ends_on).await?;
    store::insert(work.tx(), id, &input).await?;
    resource::created(work, id, super::PATH).await
}

/// Changes a term.
pub(super) async fn update(work: &mut Work, patch: PatchTerm) -> Result<Reply<Term>, Error> {
    let term = patch.apply_to(resource::lock::<Term>(work, patch.id).await?);
    check_dates(Dates::from(&term))?;
    check_overlap(work, term.term_system_id, term.id, term.starts_on, term.ends_on).await?;
    store::update(work.tx(), &term).await?;
    resource::updated(work, term.id).await
}

fn check_dates(dates: Dates) -> Result<(), Error> {
    let faults = dates.faults();
    if faults.is_empty() {
        return Ok(());
    }
    Err(faults.into_iter().fold(invalid(), Problem::field).into())
}

/// Locks the term system, so that nobody else adds a term to it, then looks for one on the same days.
async fn check_overlap(
    work: &mut Work,
    system: Option<Uuid>,
    term: Uuid,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
) -> Result<(), Error> {
    let Some(system) = system else { return Ok(()) };
    if !store::lock_system(work.tx(), system).await? {
        return Err(unknown_reference("/termSystemId", "term system").into());
    }
    match store::overlapping(work.tx(), system, term, starts_on, ends_on).await? {
        None => Ok(()),
        Some(code) => Err(overlap(&code)),
    }
}

fn overlap(code: &str) -> Error {
    Problem::new(StatusCode::CONFLICT, "overlap", "Terms would overlap")
        .field(FieldProblem::new(
            "/startsOn",
            "overlap",
            format!("term {code} of the same term system has some of these days; choose others"),
        ))
        .into()
}
