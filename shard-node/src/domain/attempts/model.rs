//! An attempt as its student sees it, and what is asked of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::receipt::Receipt;
use crate::domain::questions::Paper;

/// Where an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(type_name = "text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SubmissionStatus {
    /// Its student works at it.
    InProgress,
    /// Handed in.
    Submitted,
    /// Graded as far as the grader can; a person has to look at the rest.
    InReview,
    /// Every item has its points.
    Graded,
    /// Given back to its student.
    Returned,
}

impl SubmissionStatus {
    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Submitted => "SUBMITTED",
            Self::InReview => "IN_REVIEW",
            Self::Graded => "GRADED",
            Self::Returned => "RETURNED",
        }
    }
}

/// An attempt.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Its id, which is the submission's.
    pub id: Uuid,
    /// The assessment.
    pub assessment_id: Uuid,
    /// The student.
    pub student_id: Uuid,
    /// Which one it is, from 1.
    pub attempt: i32,
    /// Where it stands.
    pub status: SubmissionStatus,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// When it is handed in by itself; null: never.
    pub deadline_at: Option<DateTime<Utc>>,
    /// The server's time, by which the deadline goes.
    pub server_time: DateTime<Utc>,
    /// When it was handed in.
    pub submitted_at: Option<DateTime<Utc>>,
    /// What is asked.
    pub paper: Paper,
    /// What was saved last, by item.
    #[schema(value_type = Object)]
    pub answers: Value,
    /// When that was.
    pub saved_at: Option<DateTime<Utc>>,
    /// Raised by every save; the next one names it in `If-Match`.
    pub row_version: i64,
}

/// What was saved.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SavedAnswers {
    /// The attempt.
    pub attempt_id: Uuid,
    /// Where it stands.
    pub status: SubmissionStatus,
    /// The answers, by item.
    #[schema(value_type = Object)]
    pub answers: Value,
    /// When they were saved.
    pub saved_at: Option<DateTime<Utc>>,
    /// When the attempt is handed in by itself; null: never.
    pub deadline_at: Option<DateTime<Utc>>,
    /// The server's time, by which the deadline goes.
    pub server_time: DateTime<Utc>,
    /// Raised by every save; the next one names it in `If-Match`.
    pub row_version: i64,
}

/// An assessment to begin.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartAttempt {
    /// The assessment.
    #[garde(skip)]
    pub assessment_id: Uuid,
}

/// Answers to keep in the place of those before.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SaveAnswers {
    /// The attempt.
    #[garde(skip)]
    pub id: Uuid,
    /// All of them, by item of the paper: 256 KiB of JSON at most.
    #[garde(skip)]
    #[schema(value_type = Object)]
    pub answers: BTreeMap<String, Value>,
}

/// An attempt to hand in.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubmitAttempt {
    /// The attempt.
    #[garde(skip)]
    pub id: Uuid,
    /// The final answers; those that were saved last where absent.
    #[garde(skip)]
    #[schema(value_type = Option<Object>)]
    pub answers: Option<BTreeMap<String, Value>>,
}

/// An attempt that was handed in.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    /// Its id, which is the submission's.
    pub id: Uuid,
    /// Where it stands.
    pub status: SubmissionStatus,
    /// STUDENT, or DEADLINE where it was handed in from the last save.
    pub submitted_by: String,
    /// The proof of it.
    pub receipt: Receipt,
    /// Raised by every change.
    pub row_version: i64,
}
