//! Grades: the mark of a student in an assessment, and how it came to be.
//!
//! What must stay true:
//! - One grade of a student in an assessment; each change is in its history, which is only ever added to.
//! - Who changes a grade names the version that they have read (`If-Match`, `rowVersion` in bulk): of two, one is
//!   refused, and nothing is lost. What a student information system has sent it may send anew, until somebody changes
//!   it here.
//! - A grade that a person gave stays before an automatic one that comes later, until it is cleared; and any grade stays
//!   once the student's result is final.
//! - Grade, history, progress, event and notification are one transaction. No score is in event, notification or progress
//!   before it is released. An automatic grade is shown where the attempts that it was made of are: one that was shown
//!   goes out of sight with a later attempt that is not, until that is released, too.
//!
//! Left to others: what grades come to (gradebook), when they are released and what a submission scores (assessments).

mod bulk;
mod model;
mod pen;
mod progress;
mod record;
mod rules;
mod service;
mod store;

use std::time::Duration;

use axum::http::Method;
use service_kit::token::Role;

pub use bulk::{BulkGrade, BulkGrades};
pub use model::{Grade, GradeEvent, OfClass, OfGrade, Origin, State};
pub use progress::{UPDATE_CLASS_PROGRESS, refresh as refresh_progress, refresh_class_job};
pub use record::{AutomaticGrade, Recorded, hold_enrollments, record_automatic, release};
pub use service::PatchGrade;
pub(crate) use store::known_students;

use crate::jobs::Handler;
use crate::operation::Operation;
use crate::policy::{Policy, Relation, TEACHERS};
use crate::resource::bulk::BulkAnswer;
use crate::resource::{ById, Page, Within};

const GRADE: &str = "/v1/grades/{id}";
/// The office, those who teach the class, and other systems.
const SENDERS: Policy = TEACHERS.with(Role::ApiClient, Relation::Any);

/// What a part of a class may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The operations of grades.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<Within<Grade, OfClass>, Page<Grade>>(
            "gradebook.listGrades",
            "/v1/classes/{classId}/grades",
            |reader, input| Box::pin(service::list(reader, input)),
        )
        .summary("Lists the grades of a class")
        .policy(SENDERS),
        Operation::write::<BulkGrades, BulkAnswer>(
            "gradebook.bulkGrades",
            "/v1/classes/{classId}/grades:bulk",
            |work, input| Box::pin(bulk::give(work, input)),
        )
        .summary("Gives, changes, exempts or clears up to 1,000 grades of a class, with a status for each")
        .policy(SENDERS),
        Operation::read::<ById, Grade>("gradebook.getGrade", GRADE, |reader, input| {
            Box::pin(service::get(reader, input.id))
        })
        .summary("Gives a grade")
        .policy(SENDERS),
        Operation::write::<PatchGrade, Grade>("gradebook.updateGrade", GRADE, |work, input| {
            Box::pin(service::update(work, input))
        })
        .summary("Changes, exempts or clears a grade by hand; no automatic one takes its place")
        .method(Method::PATCH)
        .policy(TEACHERS)
        .needs_if_match(),
        Operation::read::<Within<GradeEvent, OfGrade>, Page<GradeEvent>>(
            "gradebook.listGradeHistory",
            "/v1/grades/{gradeId}/history",
            |reader, input| Box::pin(service::history(reader, input)),
        )
        .summary("Lists the changes of a grade: who, from what to what, and why")
        .policy(TEACHERS),
    ]
}

/// What is done in the background.
pub fn handlers() -> Vec<Handler> {
    vec![
        Handler::effect(UPDATE_CLASS_PROGRESS, |work, job| {
            Box::pin(progress::refresh_class(work, job))
        })
        .timeout(TIMEOUT),
    ]
}
