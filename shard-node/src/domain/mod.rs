//! The learning domain: a folder an entity, each read the same way.
//!
//! `mod.rs` (what it is, what must stay true, its operations), `model.rs` (types), `rules.rs` (pure
//! decisions), `store.rs` (every SQL statement), `service.rs` (use cases). A small entity has fewer files.

pub mod assessments;
pub mod attempts;
pub mod attendance;
mod checks;
pub mod class_meetings;
pub mod class_staff;
pub mod classes;
pub mod courses;
pub mod enrollments;
pub mod events;
pub mod gradebook;
pub mod grades;
pub mod grading;
pub mod guardians;
pub mod jobs;
pub mod keys;
pub mod notifications;
pub mod org_units;
pub mod prerequisites;
pub mod programs;
pub mod questions;
pub mod reports;
pub mod students;
pub mod subjects;
pub mod submissions;
pub mod term_systems;
pub mod terms;
pub mod users;
pub mod webhooks;
