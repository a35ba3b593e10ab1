//! Classes: a course taught in a term, with a number of seats.
//!
//! What must stay true: `seats_taken` is the number of enrolments that hold a seat, and never more than
//! `capacity`; only enrollments writes it. A class has the subjects that its course had when it was made.
//!
//! Left to others: who is in a class and who waits (enrollments), who teaches it (`class_staff`),
//! when it meets (`class_meetings`).

mod model;
mod rules;
mod service;
mod store;

use axum::http::Method;
use service_kit::token::{Role, Roles};

pub use model::{Class, NewClass, PatchClass};

use crate::operation::{Operation, roles};
use crate::resource::{self, ById, ListQuery, Page};

const PATH: &str = "/v1/classes";
const ITEM: &str = "/v1/classes/{id}";
const READERS: Roles = roles(&[Role::Admin, Role::Staff, Role::Instructor]);

/// The operations of classes.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Class>, Page<Class>>(
            "academic.listClasses",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists classes")
        .roles(READERS),
        Operation::read_encoded::<ById, Class>("academic.getClass", ITEM, |reader, input| {
            Box::pin(resource::find_encoded(reader, input.id))
        })
        .summary("Gives a class")
        .roles(READERS),
        Operation::write::<NewClass, Class>("academic.createClass", PATH, |work, input| {
            Box::pin(service::create(work, input))
        })
        .summary("Creates a class of a course in a term, with the course's subjects")
        .status(201),
        Operation::write::<PatchClass, Class>("academic.updateClass", ITEM, |work, input| {
            Box::pin(service::update(work, input))
        })
        .summary("Changes a class; more seats go to its waitlist")
        .method(Method::PATCH)
        .needs_if_match(),
        Operation::write::<ById, ()>("academic.deleteClass", ITEM, |work, input| {
            Box::pin(resource::remove::<Class>(work, input.id))
        })
        .summary("Deletes a class that nobody was ever enrolled in")
        .method(Method::DELETE)
        .needs_if_match()
        .status(204),
    ]
}
