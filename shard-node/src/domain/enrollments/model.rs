//! An enrolment, asked for and as it is read.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::{Overrides, Status};
use crate::domain::checks::valid_day;
use crate::resource::{Field, Kind, ListQuery, Resource, plain_decimal, plain_decimal_option};

/// An enrolment.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Enrollment {
    /// Its id.
    pub id: Uuid,
    /// The class.
    pub class_id: Uuid,
    /// The student.
    pub student_id: Uuid,
    /// Where it stands.
    pub status: Status,
    /// Its place among those who wait, from 1; null unless WAITLISTED.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waitlist_position: Option<i64>,
    /// Until when the seat is offered; null unless OFFERED.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offer_expires_at: Option<DateTime<Utc>>,
    /// The day on which it began, in the institution's time zone.
    pub enrolled_on: NaiveDate,
    /// The day on which it was dropped, withdrawn or cancelled, or on which its offer ended.
    pub ended_on: Option<NaiveDate>,
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

/// What to do where the class is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFull {
    /// Refuse with 409 `class-full`.
    #[default]
    Reject,
    /// Wait for a seat, if the waitlist has room.
    Waitlist,
}

/// A student to enrol.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Enroll {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// The student; a student may enrol nobody else.
    #[garde(skip)]
    pub student_id: Uuid,
    /// What to do where the class is full.
    #[serde(default)]
    #[garde(skip)]
    pub on_full: OnFull,
    /// The day on which it begins; today where absent. For admin and staff.
    #[garde(inner(custom(valid_day)))]
    pub effective_date: Option<NaiveDate>,
    /// Refusals to pass over. For admin and staff.
    #[garde(dive)]
    pub overrides: Option<Overrides>,
}

/// An enrolment to change.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndEnrollment {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// The day from which it counts; today where absent. For admin, staff and api clients.
    #[garde(inner(custom(valid_day)))]
    pub effective_date: Option<NaiveDate>,
    /// Why, for the record.
    #[garde(length(chars, max = 500))]
    pub reason: Option<String>,
}

/// A list of the enrolments of one class: `classId` of the path, and what lists take.
#[derive(Debug)]
pub struct OfClass {
    /// The class.
    pub class_id: Uuid,
    /// The rest.
    pub query: ListQuery<Enrollment>,
}

impl<'de> Deserialize<'de> for OfClass {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let query = ListQuery::<Enrollment>::deserialize(deserializer)?;
        let class_id = query.filters.iter().find(|(field, _)| field.name == "classId");
        let class_id = class_id.and_then(|(_, id)| id.parse().ok());
        let class_id = class_id.ok_or_else(|| D::Error::missing_field("classId"))?;
        Ok(Self { class_id, query })
    }
}

impl Validate for OfClass {
    type Context = ();

    fn validate_into(&self, (): &(), _: &mut dyn FnMut() -> garde::Path, _: &mut garde::Report) {}
}

impl ToSchema for OfClass {}

impl PartialSchema for OfClass {
    fn schema() -> RefOr<Schema> {
        ListQuery::<Enrollment>::schema()
    }
}

/// How far a student is in one subject of a class.
#[derive(Debug, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The subject.
    pub subject_id: Uuid,
    /// The subject's code.
    pub subject_code: String,
    /// `NOT_STARTED`, `IN_PROGRESS` or `COMPLETED`.
    pub status: String,
    /// The fraction that is done, 0 to 1.
    #[serde(serialize_with = "plain_decimal")]
    pub completed: Decimal,
    /// The mark so far, in percent, of what is released; null of nothing.
    #[serde(serialize_with = "plain_decimal_option")]
    pub percent: Option<Decimal>,
}

/// The progress of one enrolment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgressList {
    /// The enrolment.
    pub enrollment_id: Uuid,
    /// One entry a subject.
    pub items: Vec<Progress>,
}

/// What `status` may be.
const STATUSES: &[&str] = &[
    "PENDING",
    "ACTIVE",
    "WAITLISTED",
    "OFFERED",
    "SUSPENDED",
    "COMPLETED",
    "DROPPED",
    "WITHDRAWN",
    "CANCELLED",
    "EXPIRED",
    "REJECTED",
];

impl Resource for Enrollment {
    const ENTITY: &'static str = "enrollments";
    const KIND: &'static str = "ENROLLMENT";
    const TOUCHES: &'static [&'static str] = &["classes", "program-stats"];
    const NOUN: &'static str = "enrolment";
    const SELECT: &'static str = "SELECT t.id, t.class_id, t.student_id, t.status, \
        CASE WHEN t.status = 'WAITLISTED' THEN (SELECT count(*) FROM enrollments w \
            WHERE w.institution_id = t.institution_id AND w.class_id = t.class_id \
              AND w.status = 'WAITLISTED' AND w.waitlist_place <= t.waitlist_place) END AS waitlist_position, \
        t.offer_expires_at, t.enrolled_on, t.ended_on, t.source, t.external_id, t.row_version, t.created_at, t.updated_at \
        FROM enrollments t";
    const FIELDS: &'static [Field] = &[
        Field::id("enrollments", "enrolment"),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::reference("studentId", "t.student_id", "students", "student"),
        Field::filter("status", "t.status", Kind::OneOf(STATUSES)),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("enrolledOn", "t.enrolled_on", Kind::Date),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "classId",
        "studentId",
        "status",
        "waitlistPosition",
        "offerExpiresAt",
        "enrolledOn",
        "endedOn",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
