//! Every SQL statement of submissions.
//!
//! Order of locks on every path: assessment, enrolment, attempts of a student, progress.

mod attempts;
mod facts;
mod items;
mod regrade;

pub(super) use attempts::{Sat, Settled, lock_attempts, returned, settle};
pub(super) use facts::{Facts, hold_assessment, release_of, variant, variant_key};
pub(super) use items::{Totals, give_points, kept, totals, write_graded};
pub(super) use regrade::{
    Correction, correction, finish_regrade, insert_regrade, lock_regrade, newest_versions,
    next_graded, note_regrade,
};
