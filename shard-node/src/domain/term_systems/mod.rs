//! Term systems: how a year is cut into terms, and the terms of a year made from it.
//!
//! What must stay true: a year's terms and breaks fit into 52 weeks, so the terms of two years never overlap;
//! generating a year twice gives the same terms.
//!
//! Left to others: terms made or changed by hand (terms), which program follows which system (programs).

mod model;
mod rules;
mod service;
pub(crate) mod store;

use axum::http::Method;

pub use model::{
    Division, GenerateTerms, GeneratedTerms, NewTermSystem, PatchTermSystem, TermSystem,
};

use crate::operation::Operation;
use crate::resource::{self, ById, ListQuery, Page};

const PATH: &str = "/v1/term-systems";
const ITEM: &str = "/v1/term-systems/{id}";

/// The operations of term systems.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<TermSystem>, Page<TermSystem>>(
            "academic.listTermSystems",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists term systems"),
        Operation::read_encoded::<ById, TermSystem>(
            "academic.getTermSystem",
            ITEM,
            |reader, input| Box::pin(resource::find_encoded(reader, input.id)),
        )
        .summary("Gives a term system"),
        Operation::write::<NewTermSystem, TermSystem>(
            "academic.createTermSystem",
            PATH,
            |work, input| Box::pin(service::create(work, input)),
        )
        .summary("Creates a term system")
        .status(201),
        Operation::write::<PatchTermSystem, TermSystem>(
            "academic.updateTermSystem",
            ITEM,
            |work, input| Box::pin(service::update(work, input)),
        )
        .summary("Changes a term system; terms that are there stay as they are")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("academic.deleteTermSystem", ITEM, |work, input| {
            Box::pin(resource::remove::<TermSystem>(work, input.id))
        })
        .summary("Deletes a term system that nothing refers to")
        .method(Method::DELETE)
        .status(204),
        Operation::write::<GenerateTerms, GeneratedTerms>(
            "academic.generateTerms",
            "/v1/term-systems/{id}:generate",
            |work, input| Box::pin(service::generate(work, input)),
        )
        .summary("Makes the terms of a year; 200 where all of them are there already")
        .status(201),
    ]
}
