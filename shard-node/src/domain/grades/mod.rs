//! Grades: the mark of a student in an assessment, and how it came to be.

mod record;

pub use record::{AutomaticGrade, Recorded, record_automatic, release};
