//! Use cases of term systems.

use axum::http::StatusCode;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

use super::model::{GenerateTerms, GeneratedTerms, NewTermSystem, PatchTermSystem, TermSystem};
use super::rules::{self, Calendar, Clash, TooLong};
use super::store;
use crate::domain::terms::Term;
use crate::error::Error;
use crate::operation::{Reply, Work, invalid};
use crate::resource::{self, bulk};

/// Creates a term system whose year fits.
pub(super) async fn create(
    work: &mut Work,
    input: NewTermSystem,
) -> Result<Reply<TermSystem>, Error> {
    Calendar::from(&input).check()?;
    let id = Uuid::now_v7();
    store::insert(work.tx(), id, &input).await?;
    resource::created(work, id, super::PATH).await
}

/// Changes a term system. Its terms stay: a year that was generated may have begun.
pub(super) async fn update(
    work: &mut Work,
    patch: PatchTermSystem,
) -> Result<Reply<TermSystem>, Error> {
    let system = patch.apply_to(resource::lock::<TermSystem>(work, patch.id).await?);
    Calendar::from(&system).check()?;
    store::update(work.tx(), &system).await?;
    resource::updated(work, system.id).await
}

/// Makes the terms of a year that are not there yet. The lock on the system keeps out other terms of it.
pub(super) async fn generate(
    work: &mut Work,
    input: GenerateTerms,
) -> Result<Reply<GeneratedTerms>, Error> {
    let system = resource::lock::<TermSystem>(work, input.id).await?;
    let anchor = system
        .anchor
        .parse()
        .map_err(|_| Error::Defect(format!("a stored anchor is `{}`", system.anchor)))?;
    let planned = rules::plan(Calendar::from(&system), anchor, input.year)
        .ok_or_else(|| Error::Defect(format!("year {} cannot be planned", input.year)))?;
    let codes: Vec<String> = planned.iter().map(|term| term.code.clone()).collect();
    let existing = store::terms_near(work.tx(), system.id, &planned).await?;
    let missing = rules::missing(planned, &existing).map_err(|clash| overlap(&clash))?;
    let ids: Vec<Uuid> = missing.iter().map(|_| Uuid::now_v7()).collect();
    store::insert_terms(work.tx(), system.id, &ids, &missing).await?;
    bulk::created_all::<Term>(work, &ids).await?;
    let all = store::terms_by_codes(work.tx(), system.id, &codes).await?;
    let items = bulk::load_all::<Term>(work.tx(), &all).await?;
    let terms = GeneratedTerms { items };
    if ids.is_empty() {
        return Ok(Reply::ok(terms));
    }
    Ok(Reply::created(terms, format!("/v1/terms?termSystemId={}", system.id)))
}

impl From<TooLong> for Error {
    fn from(error: TooLong) -> Self {
        invalid().field(FieldProblem::new("/weeksPerTerm", "invalid", error.to_string())).into()
    }
}

fn overlap(clash: &Clash) -> Error {
    Problem::new(StatusCode::CONFLICT, "overlap", "Terms would overlap")
        .field(FieldProblem::new("/year", "overlap", clash.to_string()))
        .into()
}
