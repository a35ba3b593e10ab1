//! A grade and its history, as they are read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::resource::{Field, Kind, Resource, Scope, plain_decimal, plain_decimal_option};

/// The class that a path names.
#[derive(Debug)]
pub struct OfClass;

impl Scope for OfClass {
    const NAME: &'static str = "classId";
}

/// The grade that a path names.
#[derive(Debug)]
pub struct OfGrade;

impl Scope for OfGrade {
    const NAME: &'static str = "gradeId";
}

/// Where a grade stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum State {
    /// There is no score yet: left out of the current total, 0 in the final one.
    Ungraded,
    /// There is a score.
    Graded,
    /// The student need not do it: left out of both totals.
    Exempt,
}

impl State {
    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ungraded => "UNGRADED",
            Self::Graded => "GRADED",
            Self::Exempt => "EXEMPT",
        }
    }
}

/// Who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum Origin {
    /// A person.
    Manual,
    /// The grader, or a system that marks by itself.
    Automated,
}

impl Origin {
    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "MANUAL",
            Self::Automated => "AUTOMATED",
        }
    }
}

/// The mark of a student in an assessment.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grade {
    /// Its id.
    pub id: Uuid,
    /// The assessment's class.
    pub class_id: Uuid,
    /// The assessment.
    pub assessment_id: Uuid,
    /// The student.
    pub student_id: Uuid,
    /// UNGRADED, GRADED or EXEMPT.
    pub state: State,
    /// Points, after the late deduction; null unless GRADED.
    #[serde(serialize_with = "plain_decimal_option")]
    pub score: Option<Decimal>,
    /// Points that there were to get.
    #[serde(serialize_with = "plain_decimal")]
    pub possible: Decimal,
    /// Points that lateness took.
    #[serde(serialize_with = "plain_decimal")]
    pub late_deduction: Decimal,
    /// MANUAL or AUTOMATED.
    pub origin: Origin,
    /// The submission that decided, where there was one.
    pub submission_id: Option<Uuid>,
    /// When the work was handed in, where that is known.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When the score or the exemption was given.
    pub graded_at: Option<DateTime<Utc>>,
    /// The user who gave it; null where the platform did.
    pub graded_by: Option<Uuid>,
    /// Since when the student sees it; null where not yet.
    pub released_at: Option<DateTime<Utc>>,
    /// A remark of whoever gave it.
    pub note: Option<String>,
    /// The system that it came from, as long as nobody has changed it here.
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

impl Resource for Grade {
    const ENTITY: &'static str = "grades";
    const KIND: &'static str = "GRADE";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "grade";
    const SELECT: &'static str = "SELECT t.id, t.class_id, t.assessment_id, t.student_id, t.state, t.score, t.possible, \
        t.late_deduction, t.origin, t.submission_id, t.submitted_at, t.graded_at, t.graded_by, t.released_at, t.note, \
        t.source, t.external_id, t.row_version, t.created_at, t.updated_at FROM grades t";
    const FIELDS: &'static [Field] = &[
        Field::id("grades", "grade"),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::reference("assessmentId", "t.assessment_id", "assessments", "assessment"),
        Field::reference("studentId", "t.student_id", "students", "student"),
        Field::filter("state", "t.state", Kind::OneOf(&["UNGRADED", "GRADED", "EXEMPT"])),
        Field::filter("origin", "t.origin", Kind::OneOf(&["MANUAL", "AUTOMATED"])),
        Field::filter(
            "released",
            "(t.released_at IS NOT NULL)::text",
            Kind::OneOf(&["true", "false"]),
        ),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "classId",
        "assessmentId",
        "studentId",
        "state",
        "score",
        "possible",
        "lateDeduction",
        "origin",
        "submissionId",
        "submittedAt",
        "gradedAt",
        "gradedBy",
        "releasedAt",
        "note",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}

/// A change of a grade: who, from what to what, and why.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GradeEvent {
    /// Its id.
    pub id: Uuid,
    /// The grade.
    pub grade_id: Uuid,
    /// GIVEN, CHANGED, RELEASED; or KEPT, where an automatic one came too late and was not taken.
    pub kind: String,
    /// What the grade was; null where there was none.
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
    /// What it became; of KEPT, what was not taken.
    #[schema(value_type = Object)]
    pub after: Value,
    /// The user who did it; null where the platform did.
    pub actor_id: Option<Uuid>,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// The grade's version after it.
    pub grade_version: i64,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl Resource for GradeEvent {
    const ENTITY: &'static str = "grade_events";
    const KIND: &'static str = "GRADE_EVENT";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "change of a grade";
    const SELECT: &'static str = "SELECT t.id, t.grade_id, t.kind, t.before, t.after, t.actor_id, t.reason, \
        t.grade_version, t.created_at FROM grade_events t";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::reference("gradeId", "t.grade_id", "grades", "grade"),
        Field::filter("kind", "t.kind", Kind::OneOf(&["GIVEN", "CHANGED", "RELEASED", "KEPT"])),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "gradeId",
        "kind",
        "before",
        "after",
        "actorId",
        "reason",
        "gradeVersion",
        "createdAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
