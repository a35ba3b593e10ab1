//! Programs: what students study for, with the curriculum that a template generates.
//!
//! What must stay true:
//! - `createProgram` is one transaction: program, curriculum from the template, new courses, term system, and
//!   the `PROGRAM_CREATED` event.
//! - A curriculum is never changed once it is there; generation is pure (`generate`) and says by JSON pointer
//!   what a template gets wrong.
//!
//! Left to others: terms (terms), templates with a preview of their own (a later resource).

mod generate;
mod model;
mod service;
mod stats;
mod store;
mod template;

use axum::http::Method;
use service_kit::token::{Role, Roles};

pub use model::{ById, NewProgram, PatchProgram, Program, ProgramDetail};
pub use stats::ProgramStats;
pub use template::Template;

use crate::operation::{EVERYONE, Operation, roles};
use crate::resource::{self, ListQuery, Page};

const PATH: &str = "/v1/programs";
const ITEM: &str = "/v1/programs/{id}";
const STATS_READERS: Roles = roles(&[Role::Admin, Role::Staff, Role::Instructor]);

/// The operations of programs.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Program>, Page<Program>>(
            "academic.listPrograms",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists programs")
        .roles(EVERYONE),
        Operation::read_encoded::<ById, ProgramDetail>(
            "academic.getProgram",
            ITEM,
            |reader, input| Box::pin(resource::find_encoded(reader, input.id)),
        )
        .summary("Gives a program with its curriculum and term system")
        .roles(EVERYONE),
        Operation::write::<NewProgram, ProgramDetail>(
            "academic.createProgram",
            PATH,
            |work, input| Box::pin(service::create(work, input)),
        )
        .summary("Creates a program, its curriculum and its term system")
        .status(201),
        Operation::write::<PatchProgram, ProgramDetail>(
            "academic.updateProgram",
            ITEM,
            |work, input| Box::pin(service::update(work, input)),
        )
        .summary("Changes a program")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("academic.deleteProgram", ITEM, |work, input| {
            Box::pin(resource::remove::<Program>(work, input.id))
        })
        .summary("Deletes a program that nothing refers to")
        .method(Method::DELETE)
        .status(204),
        Operation::read_encoded::<ById, ProgramStats>(
            "academic.getProgramStats",
            "/v1/programs/{id}/stats",
            |reader, input| Box::pin(stats::get(reader, input.id)),
        )
        .summary("Counts students, courses and active classes, and gives the completion rate")
        .roles(STATS_READERS),
    ]
}
