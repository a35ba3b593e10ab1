//! Courses: what is taught. A class is a course in a term.
//!
//! What must stay true: every course has at least one subject (made with it), so that progress has something
//! to hang on. Left to others: prerequisites (programs writes them from templates), classes.

mod model;
pub(crate) mod store;

use axum::http::Method;
use service_kit::token::Role;
use uuid::Uuid;

pub use model::{Course, NewCourse, PatchCourse, valid_credits};

use crate::error::Error;
use crate::operation::{Operation, Reply, Work, roles};
use crate::resource::{self, ById, ListQuery, Page};

const PATH: &str = "/v1/courses";
const ITEM: &str = "/v1/courses/{id}";
const READERS: service_kit::token::Roles = roles(&[Role::Admin, Role::Staff, Role::Instructor]);

/// The operations of courses.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Course>, Page<Course>>(
            "academic.listCourses",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists courses")
        .roles(READERS),
        Operation::read_encoded::<ById, Course>("academic.getCourse", ITEM, |reader, input| {
            Box::pin(resource::find_encoded(reader, input.id))
        })
        .summary("Gives a course")
        .roles(READERS),
        Operation::write::<NewCourse, Course>("academic.createCourse", PATH, |work, input| {
            Box::pin(create(work, input))
        })
        .summary("Creates a course with its default subject")
        .status(201),
        Operation::write::<PatchCourse, Course>("academic.updateCourse", ITEM, |work, input| {
            Box::pin(update(work, input))
        })
        .summary("Changes a course")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("academic.deleteCourse", ITEM, |work, input| {
            Box::pin(resource::remove::<Course>(work, input.id))
        })
        .summary("Deletes a course that nothing refers to")
        .method(Method::DELETE)
        .status(204),
    ]
}

async fn create(work: &mut Work, input: NewCourse) -> Result<Reply<Course>, Error> {
    let id = Uuid::now_v7();
    store::insert(work.tx(), id, &input).await?;
    resource::created(work, id, PATH).await
}

async fn update(work: &mut Work, patch: PatchCourse) -> Result<Reply<Course>, Error> {
    let course = patch.apply_to(resource::lock::<Course>(work, patch.id).await?);
    store::update(work.tx(), &course).await?;
    resource::updated(work, course.id).await
}
