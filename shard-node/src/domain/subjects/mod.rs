//! Subjects: the gradable strands of a course. Every course has `MAIN` from its start.
//!
//! What must stay true: a course has at least one. Whoever deletes one holds the course's row, so two that
//! delete the last two at once leave one.
//!
//! Left to others: which subjects a class has (classes takes those that its course has when it is made).

mod model;
mod store;

use axum::http::{Method, StatusCode};
use service_kit::Problem;
use service_kit::token::{Role, Roles};
use uuid::Uuid;

pub use model::{NewSubject, PatchSubject, Subject};

use crate::error::Error;
use crate::operation::{Operation, Reply, Work, roles};
use crate::resource::{self, ById, ListQuery, Page};

const PATH: &str = "/v1/subjects";
const ITEM: &str = "/v1/subjects/{id}";
const READERS: Roles = roles(&[Role::Admin, Role::Staff, Role::Instructor]);

/// The operations of subjects.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Subject>, Page<Subject>>(
            "academic.listSubjects",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists subjects")
        .roles(READERS),
        Operation::read_encoded::<ById, Subject>("academic.getSubject", ITEM, |reader, input| {
            Box::pin(resource::find_encoded(reader, input.id))
        })
        .summary("Gives a subject")
        .roles(READERS),
        Operation::write::<NewSubject, Subject>("academic.createSubject", PATH, |work, input| {
            Box::pin(create(work, input))
        })
        .summary("Creates a subject of a course")
        .status(201),
        Operation::write::<PatchSubject, Subject>("academic.updateSubject", ITEM, |work, input| {
            Box::pin(update(work, input))
        })
        .summary("Changes a subject")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("academic.deleteSubject", ITEM, |work, input| {
            Box::pin(delete(work, input.id))
        })
        .summary("Deletes a subject that nothing refers to and that is not its course's only one")
        .method(Method::DELETE)
        .status(204),
    ]
}

async fn create(work: &mut Work, input: NewSubject) -> Result<Reply<Subject>, Error> {
    let id = Uuid::now_v7();
    store::insert(work.tx(), id, &input).await?;
    resource::created(work, id, PATH).await
}

async fn update(work: &mut Work, patch: PatchSubject) -> Result<Reply<Subject>, Error> {
    let subject = patch.apply_to(resource::lock::<Subject>(work, patch.id).await?);
    store::update(work.tx(), &subject).await?;
    resource::updated(work, subject.id).await
}

async fn delete(work: &mut Work, id: Uuid) -> Result<Reply<()>, Error> {
    let course = store::lock_course_of(work.tx(), id).await?;
    if let Some(course) = course
        && !store::has_another(work.tx(), course, id).await?
    {
        return Err(last_subject());
    }
    resource::remove::<Subject>(work, id).await
}

fn last_subject() -> Error {
    Problem::new(StatusCode::CONFLICT, "last-subject", "A course has at least one subject")
        .detail("it is its course's only subject: create another first, or delete the course")
        .into()
}
