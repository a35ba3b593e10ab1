//! The learning domain: a folder an entity, each read the same way.
//!
//! `mod.rs` (what it is, what must stay true, its operations), `model.rs` (types), `rules.rs` (pure
//! decisions), `store.rs` (every SQL statement), `service.rs` (use cases). A small entity has fewer files.

mod checks;
pub mod classes;
pub mod courses;
pub mod enrollments;
pub mod events;
pub mod jobs;
pub mod programs;
pub mod students;
pub mod subjects;
pub mod term_systems;
pub mod terms;
pub mod webhooks;
