//! Every SQL statement of attempts.
//!
//! Order of locks on every path: assessment, attempts, enrolments, progress, counter, event.
//!
//! Where an attempt is found by its id, that it is under way is told by `submitted_at`, as a CHECK has it, and not by its
//! status: the indexes that have that status for their predicate are empty before an exam, and to the planner the
//! shortest way to any attempt of it; each save would read all that sit.

mod begin;
mod end;
mod save;
mod times;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

pub(super) use begin::{
    NewAttempt, Sitting, hold_enrollment, hold_sitting, in_progress, insert, lock_overdue_of,
};
pub(super) use end::{hand_in, lock_overdue};
pub(super) use save::{Sitter, find, lock, normalized, save, sitter};
pub(super) use times::{hold_sat_by, running, set_deadlines};

use super::SubmissionStatus;

/// An attempt whose row was read, or locked.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "the columns' names")]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) assessment_id: Uuid,
    pub(super) class_id: Uuid,
    pub(super) student_id: Uuid,
    pub(super) attempt: i32,
    pub(super) items: i32,
    pub(super) status: SubmissionStatus,
    pub(super) started_at: DateTime<Utc>,
    pub(super) deadline_at: Option<DateTime<Utc>>,
    pub(super) answers: Value,
    pub(super) saved_at: Option<DateTime<Utc>>,
    pub(super) submitted_at: Option<DateTime<Utc>>,
    pub(super) submitted_by: Option<String>,
    pub(super) answers_hash: Option<Vec<u8>>,
    pub(super) receipt: Option<Vec<u8>>,
    pub(super) row_version: i64,
}

/// Handed in, and what is signed of that.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    pub(super) id: Uuid,
    pub(super) at: DateTime<Utc>,
    pub(super) hash: [u8; 32],
    pub(super) receipt: [u8; 32],
}
