//! Enrolments: which student is in which class, in what state.
//!
//! What must stay true:
//! - `seats_taken` of a class always equals the enrolments that hold a seat (ACTIVE, OFFERED, SUSPENDED,
//!   COMPLETED); a seat is taken by a conditional UPDATE in the enrolment's own transaction.
//! - At most one live enrolment (PENDING, ACTIVE, WAITLISTED, OFFERED, SUSPENDED) of a student in a class;
//!   enrolling again answers the one that is there.
//! - A freed seat goes to the first of the waitlist in the transaction that frees it; where the class sets offer hours
//!   it is offered, and held meanwhile. An offer that is not taken in time ends by a job of its own (`offers`), and its
//!   seat goes to the next.
//! - Nobody is in two classes that meet at once, or waits for one, unless the office passed that over (`passing`); nor in
//!   one of a course whose prerequisites are not completed. Both are judged in the enrolment's own transaction, with the
//!   student's row locked where the class has hours.
//! - Locks are taken in one order on every path: advisory lock (the guard), class, students, waitlist, enrolment,
//!   counter, event. The other order deadlocks.
//!
//! Left to others: when classes meet (`class_meetings`); who is told of it (`STUDENT_ENROLLED` in the outbox).

mod bulk;
mod complete;
mod enroll;
mod history;
mod model;
mod offers;
mod passing;
mod promote;
mod rules;
mod service;
mod status;
mod store;

use service_kit::token::{Role, Roles};

pub use bulk::{BulkEnroll, BulkRow};
pub(crate) use complete::complete_all;
pub use history::{EnrollmentEvent, OfEnrollment};
pub use model::{EndEnrollment, Enroll, Enrollment, OfClass, OnFull, Progress, ProgressList};
pub use offers::handlers;
pub use passing::{OverrideEnrollment, OverrideTo, Overrides, Passable};
pub(crate) use promote::promote_waitlist;
pub use status::{InvalidTransition, Status, Transition};
pub(crate) use store::student_of_user;

use crate::operation::{OFFICE, Operation, roles};
use crate::policy::{self, FAMILY, Policy, Relation, STUDENT, TEACHERS};
use crate::resource::bulk::BulkAnswer;
use crate::resource::{ById, ListQuery, Page, Within};

const PATH: &str = "/v1/enrollments";
const ITEM: &str = "/v1/enrollments/{id}";
const OF_CLASS: &str = "/v1/classes/{classId}/enrollments";
const READERS: Policy = FAMILY.with(Role::Instructor, Relation::Teaches);
const BULK: Roles = roles(&[Role::Admin, Role::Staff, Role::ApiClient]);
const LEAVING: Policy = STUDENT.with(Role::ApiClient, Relation::Any);

/// The operations of enrolments.
pub fn operations() -> Vec<Operation> {
    [reads(), writes(), transitions()].into_iter().flatten().collect()
}

fn reads() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Enrollment>, Page<Enrollment>>(
            "enrollment.list",
            PATH,
            |reader, query| Box::pin(service::list(reader, query)),
        )
        .summary(
            "Lists enrolments; students see their own, guardians those of whom they answer for",
        )
        .policy(FAMILY),
        Operation::read::<OfClass, Page<Enrollment>>(
            "enrollment.listOfClass",
            OF_CLASS,
            |reader, query| Box::pin(service::list_of_class(reader, query)),
        )
        .summary("Lists the enrolments of a class")
        .policy(TEACHERS),
        Operation::read::<ById, Enrollment>("enrollment.get", ITEM, |reader, input| {
            Box::pin(service::get(reader, input.id))
        })
        .summary("Gives an enrolment; to students their own")
        .policy(READERS),
        Operation::read::<ById, ProgressList>(
            "progress.get",
            "/v1/enrollments/{id}/progress",
            |reader, input| Box::pin(service::progress(reader, input.id)),
        )
        .summary("Gives the progress of an enrolment by subject")
        .policy(READERS),
        Operation::read::<Within<EnrollmentEvent, OfEnrollment>, Page<EnrollmentEvent>>(
            "enrollment.listHistory",
            "/v1/enrollments/{enrollmentId}/history",
            |reader, input| Box::pin(history::list(reader, input)),
        )
        .summary("Lists what became of an enrolment, who did it, why, and what was passed over"),
    ]
}

fn writes() -> Vec<Operation> {
    vec![
        Operation::write::<Enroll, Enrollment>("academic.enrollStudent", OF_CLASS, |work, input| {
            Box::pin(service::enroll(work, input))
        })
        .summary("Enrols a student: 201, 202 when waitlisted, 200 with the live enrolment when there is one")
        .policy(STUDENT)
        .status(201)
        .queues_at("classId"),
        Operation::write::<BulkEnroll, BulkAnswer>(
            "enrollment.bulkEnroll",
            "/v1/classes/{classId}/enrollments:bulk",
            |work, input| Box::pin(bulk::enroll(work, input)),
        )
        .summary("Enrols up to 1,000 students, with a status for each")
        .roles(BULK)
        .queues_at("classId"),
    ]
}

macro_rules! transition {
    ($name:literal, $verb:literal, $transition:expr, $summary:literal, $policy:expr) => {
        Operation::write::<EndEnrollment, Enrollment>(
            $name,
            concat!("/v1/enrollments/{id}:", $verb),
            |work, input| Box::pin(service::transition(work, input, $transition)),
        )
        .summary($summary)
        .policy($policy)
    };
}

fn transitions() -> Vec<Operation> {
    [leaving(), offers(), standing(), overriding()].into_iter().flatten().collect()
}

fn offers() -> Vec<Operation> {
    vec![
        transition!(
            "enrollment.acceptOffer",
            "acceptOffer",
            Transition::Accept,
            "Takes the seat that is offered, while the offer lasts",
            STUDENT
        ),
        transition!(
            "enrollment.decline",
            "decline",
            Transition::Decline,
            "Lets the seat go that is offered; it goes to the next who waits",
            STUDENT
        ),
    ]
}

fn leaving() -> Vec<Operation> {
    vec![
        transition!(
            "enrollment.drop",
            "drop",
            Transition::Drop,
            "Leaves a class before the drop deadline",
            LEAVING
        ),
        transition!(
            "enrollment.withdraw",
            "withdraw",
            Transition::Withdraw,
            "Leaves a class after the drop deadline",
            LEAVING
        ),
        transition!(
            "enrollment.cancel",
            "cancel",
            Transition::Cancel,
            "Leaves the waitlist",
            LEAVING
        ),
    ]
}

fn overriding() -> Vec<Operation> {
    vec![
        Operation::write::<OverrideEnrollment, Enrollment>(
            "enrollment.override",
            "/v1/enrollments/{id}:override",
            |work, input| Box::pin(passing::override_(work, input)),
        )
        .summary("Takes an enrolment into the class out of turn, or out of it past a deadline, with a reason")
        .roles(OFFICE),
    ]
}

fn standing() -> Vec<Operation> {
    vec![
        transition!(
            "enrollment.suspend",
            "suspend",
            Transition::Suspend,
            "Suspends an enrolment; it keeps its seat",
            policy::OFFICE
        ),
        transition!(
            "enrollment.resume",
            "resume",
            Transition::Resume,
            "Ends a suspension",
            policy::OFFICE
        ),
        transition!(
            "enrollment.complete",
            "complete",
            Transition::Complete,
            "Completes an enrolment",
            policy::OFFICE
        ),
    ]
}
