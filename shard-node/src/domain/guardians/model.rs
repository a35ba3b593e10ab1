//! A guardian's link to a student, new, changed and as it is read.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

use crate::domain::checks::{not_before, one_of, valid_day};
use crate::resource::{Field, Kind, Resource, nullable};

/// What a guardian is to a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum Relationship {
    /// Mother or father.
    Parent,
    /// By law.
    Guardian,
    /// Pays, such as an employer.
    Sponsor,
    /// Something else.
    Other,
}

impl Relationship {
    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parent => "PARENT",
            Self::Guardian => "GUARDIAN",
            Self::Sponsor => "SPONSOR",
            Self::Other => "OTHER",
        }
    }
}

/// What `relationship` may be.
const RELATIONSHIPS: &[&str] = &["PARENT", "GUARDIAN", "SPONSOR", "OTHER"];

/// That a user answers for a student.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuardianLink {
    /// Its id.
    pub id: Uuid,
    /// The user who answers.
    pub guardian_id: Uuid,
    /// The student.
    pub student_id: Uuid,
    /// What the user is to the student.
    #[schema(schema_with = relationship)]
    pub relationship: Relationship,
    /// The first day on which it counts, in the institution's time zone; from ever where null.
    pub from: Option<NaiveDate>,
    /// The last day; for good where null.
    pub until: Option<NaiveDate>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A link to make.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewLink {
    /// The user who answers.
    #[garde(skip)]
    pub guardian_id: Uuid,
    /// The student.
    #[garde(skip)]
    pub student_id: Uuid,
    /// What the user is to the student.
    #[garde(skip)]
    #[schema(schema_with = relationship)]
    pub relationship: Relationship,
    /// The first day on which it counts, in the institution's time zone; from ever where absent.
    #[garde(inner(custom(valid_day)))]
    pub from: Option<NaiveDate>,
    /// The last day; for good where absent.
    #[garde(inner(custom(valid_day), custom(not_before(self.from))))]
    pub until: Option<NaiveDate>,
}

/// A change of a link; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchLink {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// What the user is to the student.
    #[garde(skip)]
    pub relationship: Option<Relationship>,
    /// Another first day, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NaiveDate>)]
    #[garde(inner(inner(custom(valid_day))))]
    pub from: Option<Option<NaiveDate>>,
    /// Another last day, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NaiveDate>)]
    #[garde(inner(inner(custom(valid_day))))]
    pub until: Option<Option<NaiveDate>>,
}

impl PatchLink {
    /// The link as it is to be.
    pub fn apply_to(&self, mut link: GuardianLink) -> GuardianLink {
        link.relationship = self.relationship.unwrap_or(link.relationship);
        link.from = self.from.unwrap_or(link.from);
        link.until = self.until.unwrap_or(link.until);
        link
    }
}

fn relationship() -> RefOr<Schema> {
    one_of("What the user is to the student.", RELATIONSHIPS)
}

impl Resource for GuardianLink {
    const ENTITY: &'static str = "guardian_links";
    const KIND: &'static str = "GUARDIAN_LINK";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "guardian link";
    const SELECT: &'static str = "SELECT t.id, t.guardian_id, t.student_id, t.relationship, t.from_on AS \"from\", \
        t.until_on AS until, t.row_version, t.created_at, t.updated_at FROM guardian_links t";
    const FIELDS: &'static [Field] = &[
        Field::id("guardian_links", "guardian link"),
        Field::reference("guardianId", "t.guardian_id", "users", "user"),
        Field::reference("studentId", "t.student_id", "students", "student"),
        Field::filter("relationship", "t.relationship", Kind::OneOf(RELATIONSHIPS)),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "guardianId",
        "studentId",
        "relationship",
        "from",
        "until",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
