//! Students: a person (`users`) who studies here (`students`), read and changed as one.
//!
//! What must stay true: each student has a user of its own, made and deleted with it; the row version is that
//! of `students`, so whoever changes the names in `users` writes `students`, too; a student sees nobody else,
//! a guardian those for whom they answer.
//!
//! Left to others: signing in, roles (users), who answers for whom (`guardians`), what a student is enrolled in (enrollments).

mod accommodations;
mod model;
mod rules;
mod service;
mod store;

use axum::http::Method;
use service_kit::token::{Role, Roles};

pub use accommodations::Accommodations;
pub use model::{BulkStudents, NewStudent, PatchStudent, Student};

use crate::operation::{Operation, roles};
use crate::policy::FAMILY;
use crate::resource::bulk::BulkAnswer;
use crate::resource::{ById, ListQuery, Page};

const PATH: &str = "/v1/students";
const ITEM: &str = "/v1/students/{id}";
const IMPORTERS: Roles = roles(&[Role::Admin, Role::Staff, Role::ApiClient]);

/// The operations of students.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Student>, Page<Student>>(
            "academic.listStudents",
            PATH,
            |reader, query| Box::pin(service::list(reader, query)),
        )
        .summary("Lists students; students see themselves, guardians those for whom they answer")
        .policy(FAMILY),
        Operation::read::<ById, Student>("academic.getStudent", ITEM, |reader, input| {
            Box::pin(service::get(reader, input.id))
        })
        .summary(
            "Gives a student; to students themselves, and to guardians those for whom they answer",
        )
        .policy(FAMILY),
        Operation::write::<NewStudent, Student>("academic.createStudent", PATH, |work, input| {
            Box::pin(service::create(work, input))
        })
        .summary("Creates a student and the student's user")
        .status(201),
        Operation::write::<PatchStudent, Student>("academic.updateStudent", ITEM, |work, input| {
            Box::pin(service::update(work, input))
        })
        .summary("Changes a student")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("academic.deleteStudent", ITEM, |work, input| {
            Box::pin(service::delete(work, input.id))
        })
        .summary("Deletes a student who was never enrolled, and the student's user")
        .method(Method::DELETE)
        .status(204),
        Operation::write::<BulkStudents, BulkAnswer>(
            "academic.bulkCreateStudents",
            "/v1/students:bulk",
            |work, input| Box::pin(service::create_all(work, input)),
        )
        .summary("Creates up to 1,000 students, with a status for each")
        .roles(IMPORTERS),
    ]
}
