//! A course, new, changed and as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::checks::together_with;
use crate::resource::{Field, Kind, Resource, plain_decimal};

/// A course.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Course {
    /// Its id.
    pub id: Uuid,
    /// Its code, unique in the institution.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Credits, an exact decimal.
    #[serde(serialize_with = "plain_decimal")]
    pub credits: Decimal,
    /// ACTIVE or ARCHIVED.
    pub status: String,
    /// The system that it came from.
    pub source: Option<String>,
    /// Its id there.
    pub external_id: Option<String>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A course to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCourse {
    /// Unique in the institution.
    #[garde(length(chars, min = 1, max = 64))]
    pub code: String,
    /// Its title.
    #[garde(length(chars, min = 1, max = 300))]
    pub title: String,
    /// Credits; 0 where absent.
    #[serde(default)]
    #[garde(custom(valid_credits))]
    pub credits: Decimal,
    /// The system that it came from; together with `externalId` unique.
    #[garde(
        length(chars, min = 1, max = 64),
        custom(together_with("externalId", self.external_id.as_ref()))
    )]
    pub source: Option<String>,
    /// Its id there.
    #[garde(
        length(chars, min = 1, max = 128),
        custom(together_with("source", self.source.as_ref()))
    )]
    pub external_id: Option<String>,
}

/// A change of a course; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchCourse {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// A new code.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    pub code: Option<String>,
    /// A new title.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    pub title: Option<String>,
    /// New credits.
    #[garde(inner(custom(valid_credits)))]
    pub credits: Option<Decimal>,
    /// ACTIVE or ARCHIVED.
    #[garde(inner(custom(valid_status)))]
    pub status: Option<String>,
}

impl PatchCourse {
    /// The course as it is to be.
    pub fn apply_to(&self, mut course: Course) -> Course {
        if let Some(code) = &self.code {
            course.code.clone_from(code);
        }
        if let Some(title) = &self.title {
            course.title.clone_from(title);
        }
        if let Some(credits) = self.credits {
            course.credits = credits;
        }
        if let Some(status) = &self.status {
            course.status.clone_from(status);
        }
        course
    }
}

/// 0 to 9999 with at most four decimals, which is what the column keeps.
pub fn valid_credits(value: &Decimal, (): &()) -> garde::Result {
    let fits =
        (Decimal::ZERO..=Decimal::from(9999)).contains(value) && value.normalize().scale() <= 4;
    if fits {
        Ok(())
    } else {
        Err(garde::Error::new("0 to 9999 with at most 4 decimals is expected"))
    }
}

fn valid_status(value: &str, (): &()) -> garde::Result {
    match value {
        "ACTIVE" | "ARCHIVED" => Ok(()),
        _ => Err(garde::Error::new("ACTIVE or ARCHIVED is expected")),
    }
}

/// What `status` may be.
const STATUSES: &[&str] = &["ACTIVE", "ARCHIVED"];

impl Resource for Course {
    const ENTITY: &'static str = "courses";
    const KIND: &'static str = "COURSE";
    const TOUCHES: &'static [&'static str] = &["courses", "subjects", "programs", "program-stats"];
    const NOUN: &'static str = "course";
    const SELECT: &'static str = "SELECT t.id, t.code, t.title, t.credits, t.status, t.source, t.external_id, \
        t.row_version, t.created_at, t.updated_at FROM courses t";
    const FIELDS: &'static [Field] = &[
        Field::id("courses", "course"),
        Field::both("code", "t.code", Kind::Text),
        Field::sort("title", "t.title", Kind::Text),
        Field::filter("status", "t.status", Kind::OneOf(STATUSES)),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "code",
        "title",
        "credits",
        "status",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = Some(Duration::from_mins(5));
}
