//! Every SQL statement of attendance.
//!
//! Order of locks on every path: session, codes, marks or tries.

mod check_in;
mod codes;
mod marks;
mod sessions;
mod stats;

pub(super) use check_in::{checked_in, count_try, insert_check_in, open_check_in};
pub(super) use codes::{code_is_used, hold_codes, insert_code, update_code};
pub(super) use marks::{Written, enrolled, students, write_marks};
pub(super) use sessions::{has_marks, hold_session, insert_session, local_date, update_session};
pub(super) use stats::{class_days, compute_stats, of_student};
