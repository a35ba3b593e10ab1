//! Every SQL statement of enrolments: what is locked, what is known, what is written.
//!
//! Order of locks on every path: class, waitlist, enrolment, counter, event.

mod known;
mod locks;
mod write;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

pub(crate) use known::{class_exists, student_of_user, teaches};
pub(super) use known::{is_own_student, known, progress, statuses};
pub(super) use locks::{class_of, lock, lock_class, lock_first_waiting};
pub(super) use write::{append_events, begin_progress, free_seat, insert, set_status, take_seats};

use super::Status;

/// An enrolment to insert.
pub(super) struct NewRow {
    pub(super) id: Uuid,
    pub(super) student: Uuid,
    pub(super) status: Status,
    pub(super) waitlist_place: Option<i64>,
    pub(super) enrolled_on: NaiveDate,
    pub(super) source: Option<String>,
    pub(super) external_id: Option<String>,
}

/// A change of state, for `enrollment_events`.
pub(super) struct EventRow {
    pub(super) enrollment: Uuid,
    pub(super) from: Option<Status>,
    pub(super) to: Status,
    pub(super) effective_on: NaiveDate,
    pub(super) reason: Option<String>,
}

/// An enrolment whose row is locked.
pub(super) struct Locked {
    pub(super) id: Uuid,
    pub(super) student: Uuid,
    pub(super) status: Status,
    pub(super) row_version: i64,
    /// When the offer ends, where there is one.
    pub(super) offer_expires_at: Option<DateTime<Utc>>,
}

/// What an enrolment becomes.
pub(super) struct NewState {
    pub(super) to: Status,
    /// The day from which the student is in the class, where that is only now; no earlier than was asked for.
    pub(super) enrolled_on: Option<NaiveDate>,
    /// The day on which it ended.
    pub(super) ended_on: Option<NaiveDate>,
    /// When the offer ends, where it is one.
    pub(super) offer_expires_at: Option<DateTime<Utc>>,
}
