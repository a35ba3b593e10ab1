//! Every SQL statement of gradebooks.
//!
//! Order of locks where results are made: class, enrolments, results, progress. Who writes a grade holds the student's
//! enrolments, and so waits, or is waited for.

mod read;
mod results;
mod settings;

pub(super) use read::{
    Person, cells, class_stats, count_people, find_people, people, scale_of, structure,
};
pub(super) use results::{
    Finalizing, NewResult, enrollment_of_result, external_results, hold_class, hold_enrollment,
    hold_everybody, hold_students, reopen, write_results,
};
pub(super) use settings::{
    clear_default_scale, insert_category, insert_late_policy, insert_scale, update_category,
    update_late_policy, update_scale,
};
