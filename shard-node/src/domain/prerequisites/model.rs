//! A prerequisite, to add and as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::resource::{Field, Kind, Resource, Scope};

/// That a course demands another.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Prerequisite {
    /// Its id.
    pub id: Uuid,
    /// The course that demands.
    pub course_id: Uuid,
    /// The course to be completed before.
    pub prerequisite_id: Uuid,
    /// That course's code.
    pub prerequisite_code: String,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// The course that a path names.
#[derive(Debug)]
pub struct OfCourse;

impl Scope for OfCourse {
    const NAME: &'static str = "courseId";
}

/// A prerequisite to add.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddPrerequisite {
    /// The course that is to demand it.
    #[garde(skip)]
    pub course_id: Uuid,
    /// The course to be completed before.
    #[garde(skip)]
    pub prerequisite_id: Uuid,
}

/// A prerequisite of a course.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnePrerequisite {
    /// The course that demands it.
    #[garde(skip)]
    pub course_id: Uuid,
    /// The course to be completed before.
    #[garde(skip)]
    pub prerequisite_id: Uuid,
}

impl Resource for Prerequisite {
    const ENTITY: &'static str = "course_prerequisites";
    const KIND: &'static str = "COURSE_PREREQUISITE";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "prerequisite";
    const SELECT: &'static str = "SELECT t.id, t.course_id, t.prerequisite_id, c.code AS prerequisite_code, t.row_version, \
        t.created_at FROM course_prerequisites t \
        JOIN courses c ON c.institution_id = t.institution_id AND c.id = t.prerequisite_id";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::reference("courseId", "t.course_id", "courses", "course"),
        Field::sort("prerequisiteCode", "c.code", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] =
        &["id", "courseId", "prerequisiteId", "prerequisiteCode", "rowVersion", "createdAt"];
    const CACHE_TTL: Option<Duration> = None;
}
