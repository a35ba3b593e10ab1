//! Prerequisites: the courses that another demands to be completed before.
//!
//! What must stay true: they lead nowhere in a circle. Whoever adds one, here or by a template, holds the institution's
//! lock of prerequisites.
//!
//! Left to others: who has completed what (`enrollments` refuses who has not).

mod model;
mod store;

use axum::http::{Method, StatusCode};
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use service_kit::token::{Role, Roles};
use uuid::Uuid;

pub use model::{AddPrerequisite, OfCourse, OnePrerequisite, Prerequisite};
pub(crate) use store::lock as lock_prerequisites;

use crate::error::{Error, not_found, unknown_reference};
use crate::operation::{Operation, Reader, Reply, Work, roles};
use crate::resource::{self, Page, Within};

const PATH: &str = "/v1/courses/{courseId}/prerequisites";
const ITEM: &str = "/v1/courses/{courseId}/prerequisites/{prerequisiteId}";
const READERS: Roles = roles(&[Role::Admin, Role::Staff, Role::Instructor]);

/// The operations of prerequisites.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<Within<Prerequisite, OfCourse>, Page<Prerequisite>>(
            "academic.listPrerequisites",
            PATH,
            |reader, input| Box::pin(list(reader, input)),
        )
        .summary("Lists what a course demands to be completed before")
        .roles(READERS),
        Operation::write::<AddPrerequisite, Prerequisite>(
            "academic.addPrerequisite",
            PATH,
            |work, input| Box::pin(add(work, input)),
        )
        .summary("Has a course demand another: 201, 200 where it does already")
        .status(201),
        Operation::write::<OnePrerequisite, ()>(
            "academic.removePrerequisite",
            ITEM,
            |work, input| Box::pin(remove(work, input)),
        )
        .summary("Has a course not demand another any more")
        .method(Method::DELETE)
        .status(204),
    ]
}

async fn list(
    reader: &Reader,
    input: Within<Prerequisite, OfCourse>,
) -> Result<Page<Prerequisite>, Error> {
    resource::list(reader, input.query).await
}

async fn add(work: &mut Work, input: AddPrerequisite) -> Result<Reply<Prerequisite>, Error> {
    let AddPrerequisite { course_id, prerequisite_id } = input;
    store::lock(work.tx()).await?;
    let known = store::known(work.tx(), &[course_id, prerequisite_id]).await?;
    if !known.contains(&course_id) {
        return Err(not_found("course"));
    }
    if !known.contains(&prerequisite_id) {
        return Err(unknown_reference("/prerequisiteId", "course").into());
    }
    if store::demanded(work.tx(), prerequisite_id).await?.contains(&course_id) {
        return Err(circle());
    }
    let id = Uuid::now_v7();
    if store::insert(work.tx(), id, course_id, prerequisite_id).await? {
        let row: Prerequisite = resource::load_required(work.tx(), id).await?;
        resource::record(work, "CREATED", id, &row)?;
        let place = format!("/v1/courses/{course_id}/prerequisites/{prerequisite_id}");
        return Ok(Reply::created(row, place));
    }
    let there = store::find(work.tx(), course_id, prerequisite_id).await?;
    let there = there.ok_or_else(|| Error::Defect("what is taken is not there".into()))?;
    Ok(Reply::ok(resource::load_required(work.tx(), there).await?))
}

async fn remove(work: &mut Work, input: OnePrerequisite) -> Result<Reply<()>, Error> {
    let found = store::find(work.tx(), input.course_id, input.prerequisite_id).await?;
    let id = found.ok_or_else(|| not_found("prerequisite of this course"))?;
    resource::remove::<Prerequisite>(work, id).await
}

fn circle() -> Error {
    let code = "prerequisite-cycle";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "The course would demand itself")
        .field(FieldProblem::new(
            "/prerequisiteId",
            code,
            "a course that does not demand this one, over others or at once, is expected",
        ))
        .into()
}
