//! Every SQL statement of grades.
//!
//! Order of locks on every path: assessments (shared), enrolments, grades, progress. Whoever writes grades of a student
//! holds the student's enrolments of the class, so that progress and final results are computed from all of them.

mod held;
mod progress;
mod release;
mod write;

pub(crate) use held::known_students;
pub(super) use held::{
    Class, Enrolled, class_of_grade, due_dates, external_holders, hold_enrollments, hold_grades,
    hold_sheets, load_class, submitted_at, users,
};
pub(super) use progress::{ProgressRow, students_of_class, subjects, submitted, write_progress};
pub(super) use release::{Released, class_of_assessment, release};
pub(super) use write::{EventRow, GradeRow, append_events, write};
