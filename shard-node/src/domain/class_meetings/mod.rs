//! When classes meet: the timetable, week by week, on each class's own clock.
//!
//! What must stay true:
//! - A meeting is of a class; whoever writes one holds the class's row, so nobody is enrolled by hours that just change.
//! - Sessions that are made from the timetable keep their place in it: made again, nothing is made twice, and one that was
//!   moved or cancelled does not come back.
//!
//! Left to others: who may not be in two classes at once (`enrollments`), marks (`attendance`). A change of hours moves
//! neither enrolments nor sessions that are there.

mod generate;
mod model;
mod rules;
mod service;
mod store;

use axum::http::Method;
use service_kit::token::Role;

pub use generate::{GenerateSessions, GeneratedSessions};
pub use model::{ClassMeeting, Day, LocalTime, NewMeeting, OfClass, PatchMeeting};
pub(crate) use rules::{Slot, StoredSlot, overlap};
pub(crate) use store::slots_of;

use crate::operation::Operation;
use crate::policy::{OFFICE, Policy, Relation, TEACHERS};
use crate::resource::{ById, Page, Within};

const OF_CLASS: &str = "/v1/classes/{classId}/meetings";
const PATH: &str = "/v1/class-meetings";
const ITEM: &str = "/v1/class-meetings/{id}";
/// Hours are for who has to be there; instructors see those of all classes, as they see the classes.
const READERS: Policy = OFFICE
    .with(Role::Instructor, Relation::Any)
    .with(Role::Student, Relation::Attends)
    .with(Role::Guardian, Relation::GuardsIn);

/// The operations of meetings.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<Within<ClassMeeting, OfClass>, Page<ClassMeeting>>(
            "academic.listClassMeetings",
            OF_CLASS,
            |reader, input| Box::pin(service::list(reader, input)),
        )
        .summary("Lists when a class meets; to students who are in it")
        .policy(READERS),
        Operation::write::<NewMeeting, ClassMeeting>(
            "academic.addClassMeeting",
            OF_CLASS,
            |work, input| Box::pin(service::create(work, input)),
        )
        .summary("Adds a weekly meeting to a class")
        .status(201),
        Operation::read::<ById, ClassMeeting>("academic.getClassMeeting", ITEM, |reader, input| {
            Box::pin(service::get(reader, input.id))
        })
        .summary("Gives a meeting")
        .policy(READERS),
        Operation::write::<PatchMeeting, ClassMeeting>(
            "academic.updateClassMeeting",
            ITEM,
            |work, input| Box::pin(service::update(work, input)),
        )
        .summary("Changes a meeting; sessions that are there stay")
        .method(Method::PATCH),
        Operation::write::<ById, ()>("academic.deleteClassMeeting", ITEM, |work, input| {
            Box::pin(service::delete(work, input.id))
        })
        .summary("Deletes a meeting; sessions that are there stay")
        .method(Method::DELETE)
        .status(204),
        Operation::write::<GenerateSessions, GeneratedSessions>(
            "attendance.generateSessions",
            "/v1/classes/{classId}/attendance-sessions:generate",
            |work, input| Box::pin(generate::generate(work, input)),
        )
        .summary("Makes the attendance sessions of a class from its timetable: 201, 200 where all are there")
        .policy(TEACHERS)
        .status(201),
    ]
}
