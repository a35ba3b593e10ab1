//! Use cases of classes.

use axum::http::StatusCode;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

use super::model::{Class, NewClass, PatchClass};
use super::rules::{BelowEnrolled, Change, change_capacity};
use super::store;
use crate::domain::enrollments;
use crate::error::{Error, unknown_reference};
use crate::operation::{Reply, Work};
use crate::resource;

/// Creates a class with the subjects of its course.
pub(super) async fn create(work: &mut Work, mut input: NewClass) -> Result<Reply<Class>, Error> {
    let course = store::hold_course(work.tx(), input.course_id)
        .await?
        .ok_or_else(|| unknown_reference("/courseId", "course"))?;
    let title = input.title.take().unwrap_or(course);
    let subjects = store::hold_subjects(work.tx(), input.course_id).await?;
    let id = Uuid::now_v7();
    store::insert(work.tx(), id, &title, &input).await?;
    store::insert_subjects(work.tx(), id, &subjects).await?;
    resource::created(work, id, super::PATH).await
}

/// Changes a class. Its row is locked first, so nobody takes or frees a seat meanwhile.
pub(super) async fn update(work: &mut Work, patch: PatchClass) -> Result<Reply<Class>, Error> {
    let before = resource::lock::<Class>(work, patch.id).await?;
    let (capacity, seats_taken, status) =
        (before.capacity, before.seats_taken, before.status.clone());
    let class = patch.apply_to(before);
    let change = change_capacity(capacity, class.capacity, seats_taken)?;
    store::update(work.tx(), &class).await?;
    // Opened again, it has the seats that were freed while it took nobody.
    if change == Change::MoreSeats || class.status != status {
        enrollments::promote_waitlist(work, class.id).await?;
    }
    resource::updated(work, class.id).await
}

impl From<BelowEnrolled> for Error {
    fn from(error: BelowEnrolled) -> Self {
        let code = "capacity-below-enrolled";
        Problem::new(StatusCode::CONFLICT, code, "More seats are taken than that")
            .field(FieldProblem::new("/capacity", code, error.to_string()))
            .into()
    }
}
