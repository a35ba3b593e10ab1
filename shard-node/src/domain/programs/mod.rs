//! Programs: what students study for, with the curriculum that a template generates.
//!
//! What must stay true:
//! - `createProgram` is one transaction: program, curriculum from the template, new courses, term system, and
//!   the `PROGRAM_CREATED` event.
//! - A curriculum is never changed once it is there; generation is pure (`generate`) and says by JSON pointer
//!   what a template gets wrong.
//!
//! Left to others: terms (terms), prerequisites that no template brings (`prerequisites`).

mod curricula;
mod generate;
mod model;
mod service;
mod stats;
mod store;
mod template;
mod templates;

use axum::http::Method;
use service_kit::token::{Role, Roles};

pub use curricula::{OfProgram, ProgramCurriculum};
pub use model::{ById, NewProgram, PatchProgram, Program, ProgramDetail};
pub use stats::ProgramStats;
pub use template::Template;
pub use templates::{CurriculumTemplate, Preview, PreviewItem, PreviewTemplate};

use crate::operation::{EVERYONE, Operation, roles};
use crate::resource::{self, ListQuery, Page, Within};

const PATH: &str = "/v1/programs";
const ITEM: &str = "/v1/programs/{id}";
const TEACHING: Roles = roles(&[Role::Admin, Role::Staff, Role::Instructor]);

/// The operations of programs, their curricula and templates.
pub fn operations() -> Vec<Operation> {
    [programs(), curricula(), templates()].into_iter().flatten().collect()
}

fn curricula() -> Vec<Operation> {
    vec![
        Operation::read::<Within<ProgramCurriculum, OfProgram>, Page<ProgramCurriculum>>(
            "academic.listCurricula",
            "/v1/programs/{programId}/curricula",
            |reader, input| Box::pin(resource::list(reader, input.query)),
        )
        .summary("Lists the curricula of a program")
        .roles(TEACHING),
        Operation::read::<resource::ById, ProgramCurriculum>(
            "academic.getCurriculum",
            "/v1/curricula/{id}",
            |reader, input| Box::pin(resource::find(reader, input.id)),
        )
        .summary("Gives a curriculum")
        .roles(TEACHING),
    ]
}

fn templates() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<CurriculumTemplate>, Page<CurriculumTemplate>>(
            "academic.listCurriculumTemplates",
            templates::PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists stored curriculum templates")
        .roles(TEACHING),
        Operation::read::<resource::ById, CurriculumTemplate>(
            "academic.getCurriculumTemplate",
            "/v1/curriculum-templates/{id}",
            |reader, input| Box::pin(resource::find(reader, input.id)),
        )
        .summary("Gives a stored curriculum template")
        .roles(TEACHING),
        Operation::write::<Template, CurriculumTemplate>(
            "academic.createCurriculumTemplate",
            templates::PATH,
            |work, input| Box::pin(templates::create(work, input)),
        )
        .summary(
            "Stores a curriculum template under its code and version: 201, 200 where it is there",
        )
        .status(201),
        Operation::write::<PreviewTemplate, Preview>(
            "academic.previewCurriculumTemplate",
            "/v1/curriculum-templates:preview",
            |work, input| Box::pin(templates::preview(work, input)),
        )
        .summary(
            "Says what a template would make, with the refusals of createProgram; writes nothing",
        )
        .keeps_no_answer(),
    ]
}

fn programs() -> Vec<Operation> {
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
        .roles(TEACHING),
    ]
}
