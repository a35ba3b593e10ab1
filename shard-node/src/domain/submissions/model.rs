//! A submission as it is read: by who teaches whole, by its student without what is not released.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::items::ItemScore;
use crate::domain::attempts::SubmissionStatus;
use crate::domain::attempts::receipt::Receipt;
use crate::domain::questions::Paper;
use crate::resource::{Field, Kind, Resource, plain_decimal_option};

/// What became of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// Its id, which is the attempt's.
    pub id: Uuid,
    /// The assessment.
    pub assessment_id: Uuid,
    /// The class.
    pub class_id: Uuid,
    /// The student.
    pub student_id: Uuid,
    /// Which attempt it is, from 1.
    pub attempt: i32,
    /// Where it stands.
    pub status: SubmissionStatus,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// When it is handed in by itself.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When it was handed in.
    pub submitted_at: Option<DateTime<Utc>>,
    /// STUDENT or DEADLINE.
    pub submitted_by: Option<String>,
    /// Points of its items, before lateness.
    #[serde(serialize_with = "plain_decimal_option")]
    pub raw_score: Option<Decimal>,
    /// Points that there were to get.
    #[serde(serialize_with = "plain_decimal_option")]
    pub possible: Option<Decimal>,
    /// Points that lateness took.
    #[serde(serialize_with = "plain_decimal_option")]
    pub late_deduction: Option<Decimal>,
    /// Points that are left; null until every item has its points, and to its student until they are released.
    #[serde(serialize_with = "plain_decimal_option")]
    pub score: Option<Decimal>,
    /// Whether its student sees points.
    pub released: bool,
    /// The version of the grader.
    pub grader_version: Option<String>,
    /// When it was graded.
    pub graded_at: Option<DateTime<Utc>>,
    /// When it was given back.
    pub returned_at: Option<DateTime<Utc>>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// What `status` may be.
const STATUSES: &[&str] = &["IN_PROGRESS", "SUBMITTED", "IN_REVIEW", "GRADED", "RETURNED"];

/// The columns of a submission; those of its points where the caller sees them.
macro_rules! select {
    ($from:literal, $sees:literal) => {
        concat!(
            "SELECT t.id, t.assessment_id, t.class_id, t.student_id, t.attempt, t.status, t.started_at, \
             t.deadline_at, t.submitted_at, t.submitted_by, \
             CASE WHEN ",
            $sees,
            " THEN t.raw_score END AS raw_score, CASE WHEN ",
            $sees,
            " THEN t.possible END AS possible, CASE WHEN ",
            $sees,
            " THEN t.late_deduction END AS late_deduction, CASE WHEN ",
            $sees,
            " THEN t.score END AS score, r.released, t.grader_version, t.graded_at, t.returned_at, \
             t.row_version, t.created_at, t.updated_at FROM ",
            $from,
            " JOIN assessments a ON a.institution_id = t.institution_id AND a.id = t.assessment_id \
             CROSS JOIN LATERAL (SELECT t.status = 'RETURNED' OR t.status = 'GRADED' \
                AND (a.release_policy = 'IMMEDIATE' OR a.released_at IS NOT NULL) AS released) r"
        )
    };
}
pub(super) use select;

impl Resource for Submission {
    const ENTITY: &'static str = "assessment_submissions";
    const KIND: &'static str = "SUBMISSION";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "submission";
    const SELECT: &'static str = select!("assessment_submissions t", "true");
    const FIELDS: &'static [Field] = &[
        Field::id("assessment_submissions", "submission"),
        Field::reference("assessmentId", "t.assessment_id", "assessments", "assessment"),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::reference("studentId", "t.student_id", "students", "student"),
        Field::filter("status", "t.status", Kind::OneOf(STATUSES)),
        Field::both("attempt", "t.attempt", Kind::Integer),
        Field::sort("startedAt", "t.started_at", Kind::Timestamp),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "assessmentId",
        "classId",
        "studentId",
        "attempt",
        "status",
        "startedAt",
        "deadlineAt",
        "submittedAt",
        "submittedBy",
        "rawScore",
        "possible",
        "lateDeduction",
        "score",
        "released",
        "graderVersion",
        "gradedAt",
        "returnedAt",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}

/// A submission with its paper, its answers and what each item is worth.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubmissionDetail {
    /// What became of it.
    #[serde(flatten)]
    pub submission: Submission,
    /// What was asked.
    pub paper: Paper,
    /// What was answered, by item.
    #[schema(value_type = Object)]
    pub answers: Value,
    /// What each item is worth, in the order of the paper; none to its student before release.
    pub items: Vec<ItemScore>,
    /// What was right, as it was corrected since; null until the assessment is closed and released.
    #[schema(value_type = Option<Object>)]
    pub key: Option<Value>,
}

/// A receipt to be looked at.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyReceipt {
    /// The submission.
    #[garde(skip)]
    pub id: Uuid,
    /// The receipt, as it was given.
    #[garde(dive)]
    pub receipt: Receipt,
}

/// What a receipt is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptVerdict {
    /// Whether it is the receipt of this submission, as it is kept.
    pub valid: bool,
    /// Whether the institution has signed exactly this.
    pub signed: bool,
    /// Whether it is of this submission, and the answers that are kept are those that it names.
    pub matches: bool,
}
