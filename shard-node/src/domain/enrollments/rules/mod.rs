//! Who gets a seat, who waits, who may leave. Pure.

mod leave;
mod refused;
mod seats;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::{OnFull, Passable};

pub(super) use leave::{is_over, may_accept, may_leave};
pub(super) use refused::EnrollmentRefused;
pub(super) use seats::{Decided, Decision, Seats};

/// A class, as enrolling sees it once its row is locked.
#[derive(Debug, Clone)]
pub(super) struct ClassFacts {
    pub(super) id: Uuid,
    /// What is taught in it.
    pub(super) course: Uuid,
    /// Whether it has meetings, which students may have to be at while they are elsewhere.
    pub(super) has_hours: bool,
    /// Whether its course demands others.
    pub(super) has_demands: bool,
    pub(super) status: String,
    pub(super) capacity: i32,
    /// How long a free seat is offered to who waits; null where it is given at once.
    pub(super) offer_hours: Option<i32>,
    pub(super) seats_taken: i32,
    pub(super) waitlist_capacity: i32,
    pub(super) waiting: i64,
    /// The highest waitlist place that was ever given; 0 for none.
    pub(super) last_place: i64,
    pub(super) enroll_from: Option<NaiveDate>,
    pub(super) enroll_until: Option<NaiveDate>,
    pub(super) drop_until: Option<NaiveDate>,
    pub(super) withdraw_until: Option<NaiveDate>,
    /// The date in the institution's time zone.
    pub(super) today: NaiveDate,
}

impl ClassFacts {
    /// Whether it takes students at all, new ones and those who wait.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "PLANNED" | "ACTIVE")
    }

    /// Seats that those who wait may have: none of a class that takes nobody.
    pub(super) fn seats_to_give(&self) -> i64 {
        if self.is_open() { i64::from(self.capacity - self.seats_taken) } else { 0 }
    }
}

impl ClassFacts {
    /// Until when a seat that is free now is offered; none where it is given at once.
    pub(super) fn offer_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        Some(now + TimeDelta::hours(self.offer_hours?.into()))
    }
}

/// One student to enrol.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) student: Uuid,
    pub(super) on_full: OnFull,
    pub(super) effective_on: NaiveDate,
    pub(super) external: Option<(String, String)>,
    /// Whether the term's enrolment window binds who asks: students, not the office.
    pub(super) in_window: bool,
    /// The refusals that somebody passes over on purpose.
    pub(super) passing: Vec<Passable>,
    /// Why.
    pub(super) reason: Option<String>,
}

/// What the database knows of the students and enrolments that requests name.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) students: HashSet<Uuid>,
    /// Live enrolments of the class by student.
    pub(super) live: HashMap<Uuid, Uuid>,
    /// Enrolments by (source, external id), in whatever state.
    pub(super) external: HashMap<(String, String), External>,
    /// Courses that students have not completed and the class's course demands, by student: their codes.
    pub(super) missing: HashMap<Uuid, Vec<String>>,
    /// Classes that students are in and that meet when this one does, by student: one of each.
    pub(super) clashes: HashMap<Uuid, Clash>,
}

/// An enrolment that has an external id already.
#[derive(Debug, Clone, Copy)]
pub(super) struct External {
    pub(super) id: Uuid,
    pub(super) class: Uuid,
    pub(super) student: Uuid,
}

/// A class of a student's that meets when another does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clash {
    /// Its code.
    pub(super) code: String,
    /// The first day on which both meet.
    pub(super) on: NaiveDate,
}
