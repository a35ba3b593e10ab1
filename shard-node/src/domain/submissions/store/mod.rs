//! Every SQL statement of submissions.
//!
//! Order of locks on every path: assessment, attempts of students, enrolments, grades, progress; of several rows of one
//! kind in the order of their ids.

mod attempts;
mod facts;
mod items;
mod regrade;

pub(super) use attempts::{Sat, Settled, lock_attempts, returned, settle};
pub(super) use facts::{
    Drawn, Facts, drawn, facts, hold_assessment, release_of, variant, variant_key,
};
pub(super) use items::{Totals, give_points, kept, kept_of, totals, write_graded};
pub(super) use regrade::{
    Correction, LookedAt, correction, finish_regrade, insert_regrade, lock_regrade, look_at_graded,
    newest_versions, next_graded, next_settled, note_regrade,
};
