//! A subject, new, changed and as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::resource::{Field, Kind, Resource};

/// A gradable strand of a course.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// Its id.
    pub id: Uuid,
    /// The course that it is part of.
    pub course_id: Uuid,
    /// Its code, unique in the course.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A subject to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSubject {
    /// The course that it is part of.
    #[garde(skip)]
    pub course_id: Uuid,
    /// Unique in the course.
    #[garde(length(chars, min = 1, max = 64))]
    pub code: String,
    /// Its name.
    #[garde(length(chars, min = 1, max = 300))]
    pub name: String,
}

/// A change of a subject; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchSubject {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// A new code.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    pub code: Option<String>,
    /// A new name.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    pub name: Option<String>,
}

impl PatchSubject {
    /// The subject as it is to be.
    pub fn apply_to(&self, mut subject: Subject) -> Subject {
        if let Some(code) = &self.code {
            subject.code.clone_from(code);
        }
        if let Some(name) = &self.name {
            subject.name.clone_from(name);
        }
        subject
    }
}

impl Resource for Subject {
    const ENTITY: &'static str = "subjects";
    const KIND: &'static str = "SUBJECT";
    const TOUCHES: &'static [&'static str] = &["subjects"];
    const NOUN: &'static str = "subject";
    const SELECT: &'static str = "SELECT t.id, t.course_id, t.code, t.name, t.row_version, t.created_at, \
        t.updated_at FROM subjects t";
    const FIELDS: &'static [Field] = &[
        Field::id("subjects", "subject"),
        Field::both("code", "t.code", Kind::Text),
        Field::sort("name", "t.name", Kind::Text),
        Field::reference("courseId", "t.course_id", "courses", "course"),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] =
        &["id", "courseId", "code", "name", "rowVersion", "createdAt", "updatedAt"];
    const CACHE_TTL: Option<Duration> = Some(Duration::from_mins(5));
}
