//! Why an enrolment is refused, and what that is to a client.

use axum::http::StatusCode;
use chrono::NaiveDate;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

use super::super::{InvalidTransition, Status};
use super::Clash;
use crate::error::unknown_reference;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum EnrollmentRefused {
    #[error("all {capacity} seats are taken")]
    ClassFull { capacity: i32, waitlist_full: bool },
    #[error("the class is {0}")]
    ClassNotOpen(String),
    #[error("enrolment is open from {from:?} until {until:?}")]
    WindowClosed { from: Option<NaiveDate>, until: Option<NaiveDate> },
    #[error("no such student")]
    UnknownStudent,
    #[error("not completed yet: {}", .0.join(", "))]
    Prerequisite(Vec<String>),
    #[error("{} meets at the same time, on {} for the first time", .0.code, .0.on)]
    ScheduleConflict(Clash),
    #[error("the external id is another enrolment's")]
    ExternalIdTaken(Uuid),
}

impl From<EnrollmentRefused> for Problem {
    fn from(refused: EnrollmentRefused) -> Self {
        let detail = refused.to_string();
        match refused {
            EnrollmentRefused::ClassFull { waitlist_full, .. } => {
                let detail = if waitlist_full {
                    format!("{detail}, and the waitlist is full")
                } else {
                    detail
                };
                Self::new(StatusCode::CONFLICT, "class-full", "Class is full").detail(detail)
            }
            EnrollmentRefused::ClassNotOpen(_) => {
                Self::new(StatusCode::CONFLICT, "class-not-open", "The class takes nobody")
                    .detail(detail)
            }
            EnrollmentRefused::WindowClosed { from, until } => {
                let day = |day: Option<NaiveDate>| {
                    day.map_or_else(|| "any day".to_owned(), |day| day.to_string())
                };
                Self::new(StatusCode::FORBIDDEN, "window-closed", "Enrolment is closed")
                    .detail(format!("it is open from {} to {}", day(from), day(until)))
            }
            EnrollmentRefused::Prerequisite(codes) => {
                let title = "The course demands others that are not completed";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "prerequisite", title)
                    .detail(detail)
                    .with("missing", codes)
            }
            EnrollmentRefused::ScheduleConflict(clash) => {
                let title = "The student is elsewhere at that time";
                Self::new(StatusCode::CONFLICT, "schedule-conflict", title)
                    .detail(detail)
                    .with("conflictsWith", clash.code)
            }
            EnrollmentRefused::UnknownStudent => unknown_reference("/studentId", "student"),
            EnrollmentRefused::ExternalIdTaken(_) => {
                Self::new(StatusCode::CONFLICT, "external-id-taken", "Another one has this already")
                    .field(FieldProblem::new("/externalId", "external-id-taken", detail))
            }
        }
    }
}

impl From<InvalidTransition> for Problem {
    fn from(refused: InvalidTransition) -> Self {
        let allowed: Vec<_> = refused.allowed.into_iter().map(Status::as_str).collect();
        Self::new(StatusCode::CONFLICT, "illegal-transition", "Not from where the enrolment stands")
            .with("from", refused.from.as_str())
            .with("allowed", allowed)
    }
}
