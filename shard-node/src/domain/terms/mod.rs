//! Terms: the local dates in which classes run, with the windows of enrolling and leaving.
//!
//! What must stay true: two terms of one term system never overlap. The check runs under the lock of the term
//! system's row, which every insert and change of such a term takes, `academic.generateTerms` too.
//!
//! Left to others: making a year's terms at once (`term_systems`), what a window forbids (enrollments).

mod model;
mod rules;
mod service;
mod store;

use axum::http::Method;
use service_kit::token::{Role, Roles};

pub use model::{NewTerm, PatchTerm, Term};

use crate::operation::{Operation, roles};
use crate::resource::{self, ById, ListQuery, Page};

const PATH: &str = "/v1/terms";
const ITEM: &str = "/v1/terms/{id}";
const READERS: Roles = roles(&[Role::Admin, Role::Staff, Role::Instructor]);

/// The operations of terms.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Term>, Page<Term>>(
            "academic.listTerms",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists terms")
        .roles(READERS),
        Operation::read_encoded::<ById, Term>("academic.getTerm", ITEM, |reader, input| {
            Box::pin(resource::find_encoded(reader, input.id))
        })
        .summary("Gives a term")
        .roles(READERS),
        Operation::write::<NewTerm, Term>("academic.createTerm", PATH, |work, input| {
            Box::pin(service::create(work, input))
        })
        .summary("Creates a term")
        .status(201),
        Operation::write::<PatchTerm, Term>("academic.updateTerm", ITEM, |work, input| {
            Box::pin(service::update(work, input))
        })
        .summary("Changes a term")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("academic.deleteTerm", ITEM, |work, input| {
            Box::pin(resource::remove::<Term>(work, input.id))
        })
        .summary("Deletes a term that no class is in")
        .method(Method::DELETE)
        .status(204),
    ]
}
