//! A class, new, changed and as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::checks::{together_with, valid_timezone};
use crate::resource::{Field, Kind, Resource, nullable};

/// A class.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Class {
    /// Its id.
    pub id: Uuid,
    /// What is taught.
    pub course_id: Uuid,
    /// When it is taught.
    pub term_id: Uuid,
    /// Its code, unique in the term.
    pub code: String,
    /// Its title.
    pub title: String,
    /// PLANNED, ACTIVE, COMPLETED or CANCELLED.
    pub status: String,
    /// Seats in all.
    pub capacity: i32,
    /// Seats that enrolments hold.
    pub seats_taken: i32,
    /// Places on the waitlist.
    pub waitlist_capacity: i32,
    /// For how long a free seat is offered to who waits; given at once where null.
    pub offer_hours: Option<i32>,
    /// The clock that its hours are of; the institution's where null.
    pub timezone: Option<String>,
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

/// A class to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewClass {
    /// What is taught.
    #[garde(skip)]
    pub course_id: Uuid,
    /// When it is taught.
    #[garde(skip)]
    pub term_id: Uuid,
    /// Unique in the term.
    #[garde(length(chars, min = 1, max = 64))]
    pub code: String,
    /// Its title; the course's where absent.
    #[garde(length(chars, min = 1, max = 300))]
    pub title: Option<String>,
    /// Seats in all.
    #[garde(range(min = 0, max = 100_000))]
    pub capacity: i32,
    /// Places on the waitlist; 0 where absent.
    #[serde(default)]
    #[garde(range(min = 0, max = 100_000))]
    pub waitlist_capacity: i32,
    /// For how many hours a free seat is offered to who waits, 1 to 720; given at once where absent.
    #[garde(range(min = 1, max = 720))]
    pub offer_hours: Option<i32>,
    /// The clock that its hours are of, such as Europe/London; the institution's where absent.
    #[garde(inner(custom(valid_timezone)))]
    pub timezone: Option<String>,
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

/// A change of a class; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchClass {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// A new code.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    pub code: Option<String>,
    /// A new title.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    pub title: Option<String>,
    /// Another number of seats, not below those that are taken.
    #[garde(inner(range(min = 0, max = 100_000)))]
    pub capacity: Option<i32>,
    /// Another number of places on the waitlist; those who wait already stay.
    #[garde(inner(range(min = 0, max = 100_000)))]
    pub waitlist_capacity: Option<i32>,
    /// Another time for offers, or none; seats that are offered already stay so.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>)]
    #[garde(inner(inner(range(min = 1, max = 720))))]
    pub offer_hours: Option<Option<i32>>,
    /// Another clock, or the institution's; sessions that are there stay as they are.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    #[garde(inner(inner(custom(valid_timezone))))]
    pub timezone: Option<Option<String>>,
    /// PLANNED, ACTIVE, COMPLETED or CANCELLED.
    #[garde(inner(custom(valid_status)))]
    pub status: Option<String>,
}

impl PatchClass {
    /// The class as it is to be.
    pub fn apply_to(&self, mut class: Class) -> Class {
        if let Some(code) = &self.code {
            class.code.clone_from(code);
        }
        if let Some(title) = &self.title {
            class.title.clone_from(title);
        }
        if let Some(status) = &self.status {
            class.status.clone_from(status);
        }
        if let Some(timezone) = &self.timezone {
            class.timezone.clone_from(timezone);
        }
        class.capacity = self.capacity.unwrap_or(class.capacity);
        class.offer_hours = self.offer_hours.unwrap_or(class.offer_hours);
        class.waitlist_capacity = self.waitlist_capacity.unwrap_or(class.waitlist_capacity);
        class
    }
}

fn valid_status<C>(value: &str, _: &C) -> garde::Result {
    match value {
        "PLANNED" | "ACTIVE" | "COMPLETED" | "CANCELLED" => Ok(()),
        _ => Err(garde::Error::new("PLANNED, ACTIVE, COMPLETED or CANCELLED is expected")),
    }
}

/// What `status` may be.
const STATUSES: &[&str] = &["PLANNED", "ACTIVE", "COMPLETED", "CANCELLED"];

impl Resource for Class {
    const ENTITY: &'static str = "classes";
    const KIND: &'static str = "CLASS";
    const TOUCHES: &'static [&'static str] = &["classes", "program-stats"];
    const NOUN: &'static str = "class";
    const SELECT: &'static str = "SELECT t.id, t.course_id, t.term_id, t.code, t.title, t.status, \
        t.capacity, t.seats_taken, t.waitlist_capacity, t.offer_hours, t.timezone, t.source, t.external_id, t.row_version, \
        t.created_at, t.updated_at FROM classes t";
    const FIELDS: &'static [Field] = &[
        Field::id("classes", "class"),
        Field::both("code", "t.code", Kind::Text),
        Field::sort("title", "t.title", Kind::Text),
        Field::reference("courseId", "t.course_id", "courses", "course"),
        Field::reference("termId", "t.term_id", "terms", "term"),
        Field::filter("status", "t.status", Kind::OneOf(STATUSES)),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "courseId",
        "termId",
        "code",
        "title",
        "status",
        "capacity",
        "seatsTaken",
        "waitlistCapacity",
        "offerHours",
        "timezone",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = Some(Duration::from_mins(3));
}
