//! A result as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::scale::Outcome;
use crate::resource::{Field, Kind, Resource, plain_decimal_option};

/// What an enrolment came to.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassResult {
    /// Its id.
    pub id: Uuid,
    /// The class.
    pub class_id: Uuid,
    /// The enrolment.
    pub enrollment_id: Uuid,
    /// The student.
    pub student_id: Uuid,
    /// FINAL; or REOPENED, while grades may change.
    pub state: String,
    /// In percent, to 4 decimals; null where a system sent none, or nothing counted.
    #[serde(serialize_with = "plain_decimal_option")]
    pub percent: Option<Decimal>,
    /// What that is called.
    pub letter: Option<String>,
    /// PASS, DISTINCTION, FAIL, WITHDRAWN, EXEMPT or INCOMPLETE.
    pub outcome: Outcome,
    /// When it became final last.
    pub finalized_at: DateTime<Utc>,
    /// The user who did it; null where the platform did.
    pub finalized_by: Option<Uuid>,
    /// Why it was reopened last.
    pub reason: Option<String>,
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

impl Resource for ClassResult {
    const ENTITY: &'static str = "class_results";
    const KIND: &'static str = "RESULT";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "result";
    const SELECT: &'static str = "SELECT t.id, t.class_id, t.enrollment_id, t.student_id, t.state, t.percent, t.letter, \
        t.outcome, t.finalized_at, t.finalized_by, t.reason, t.source, t.external_id, t.row_version, t.created_at, \
        t.updated_at FROM class_results t";
    const FIELDS: &'static [Field] = &[
        Field::id("class_results", "result"),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::reference("studentId", "t.student_id", "students", "student"),
        Field::reference("enrollmentId", "t.enrollment_id", "enrollments", "enrolment"),
        Field::filter("state", "t.state", Kind::OneOf(&["FINAL", "REOPENED"])),
        Field::filter(
            "outcome",
            "t.outcome",
            Kind::OneOf(&["PASS", "DISTINCTION", "FAIL", "WITHDRAWN", "EXEMPT", "INCOMPLETE"]),
        ),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("finalizedAt", "t.finalized_at", Kind::Timestamp),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "classId",
        "enrollmentId",
        "studentId",
        "state",
        "percent",
        "letter",
        "outcome",
        "finalizedAt",
        "finalizedBy",
        "reason",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
