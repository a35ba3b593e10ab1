//! An assessment as it is read, and what it is made of.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::status::Status;
use crate::resource::{Field, Kind, Resource, plain_decimal};

/// Who gives the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum GradingType {
    /// The grader, and a person what it leaves for review.
    Automated,
    /// A person, all of them.
    Manual,
}

/// When students see their scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(type_name = "text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReleasePolicy {
    /// As soon as they are graded; the key once the assessment is closed.
    Immediate,
    /// Once it is closed, with the key.
    AfterClose,
    /// When somebody releases them; the key once it is closed, too.
    Manual,
}

/// Which of a student's attempts counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum CountedAttempt {
    /// The best.
    Best,
    /// The last.
    Last,
    /// The first.
    First,
    /// The mean of all.
    Average,
}

/// Where the materials stand: what papers are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum MaterialsStatus {
    /// There is no blueprint.
    None,
    /// A job makes them.
    Pending,
    /// They are there.
    Ready,
    /// They could not be made; the materials say why.
    Failed,
}

/// Something that students of a class are assessed by.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// Its id.
    pub id: Uuid,
    /// The class.
    pub class_id: Uuid,
    /// The subject of the class that it counts for; for all of them where null.
    pub subject_id: Option<Uuid>,
    /// What it is called.
    pub title: String,
    /// What students are told before they begin.
    pub instructions: Option<String>,
    /// The institution's own word, such as TMA, CMA or EXAM.
    pub kind: Option<String>,
    /// AUTOMATED or MANUAL.
    pub grading_type: GradingType,
    /// DRAFT, PUBLISHED or CLOSED.
    pub status: Status,
    /// Points of all, an exact decimal; those of the blueprint where there is one.
    #[serde(serialize_with = "plain_decimal")]
    pub points_possible: Decimal,
    /// From when it may be begun.
    pub opens_at: Option<DateTime<Utc>>,
    /// Later than this is late.
    pub due_at: Option<DateTime<Utc>>,
    /// Until when it may be sat.
    pub closes_at: Option<DateTime<Utc>>,
    /// How long an attempt may take, in seconds.
    pub time_limit_seconds: Option<i32>,
    /// How often it may be sat.
    pub max_attempts: i32,
    /// Which attempt counts.
    pub attempt_policy: CountedAttempt,
    /// The category of the gradebook.
    pub category_id: Option<Uuid>,
    /// What lateness costs; nothing where null.
    pub late_policy_id: Option<Uuid>,
    /// When scores are seen.
    pub release_policy: ReleasePolicy,
    /// When they were released for all.
    pub released_at: Option<DateTime<Utc>>,
    /// Whether it counts for totals and progress.
    pub counts: bool,
    /// Which blueprint this is, from 1; 0 where there is none.
    pub revision: i32,
    /// Where the materials stand.
    pub materials_status: MaterialsStatus,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
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

/// What `status` may be.
pub(super) const STATUSES: &[&str] = &["DRAFT", "PUBLISHED", "CLOSED"];
/// What `gradingType` may be.
const GRADING_TYPES: &[&str] = &["AUTOMATED", "MANUAL"];

/// The columns of an assessment, of those that a join leaves.
macro_rules! select {
    ($join:literal) => {
        concat!(
            "SELECT t.id, t.class_id, t.subject_id, t.title, t.instructions, t.kind, t.grading_type, t.status, \
             t.points_possible, t.opens_at, t.due_at, t.closes_at, t.time_limit_s AS time_limit_seconds, \
             t.max_attempts, t.attempt_policy, t.category_id, t.late_policy_id, t.release_policy, t.released_at, \
             t.counts, t.revision, t.materials_status, t.published_at, t.closed_at, t.source, t.external_id, \
             t.row_version, t.created_at, t.updated_at FROM assessments t",
            $join
        )
    };
}
pub(super) use select;

impl Resource for Assessment {
    const ENTITY: &'static str = "assessments";
    const KIND: &'static str = "ASSESSMENT";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "assessment";
    const SELECT: &'static str = select!("");
    const FIELDS: &'static [Field] = &[
        Field::id("assessments", "assessment"),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::reference("subjectId", "t.subject_id", "subjects", "subject"),
        Field::sort("title", "t.title", Kind::Text),
        Field::filter("kind", "t.kind", Kind::Text),
        Field::filter("gradingType", "t.grading_type", Kind::OneOf(GRADING_TYPES)),
        Field::filter("status", "t.status", Kind::OneOf(STATUSES)),
        Field::since("dueFrom", "t.due_at", Kind::Timestamp),
        Field::until("dueTo", "t.due_at", Kind::Timestamp),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "classId",
        "subjectId",
        "title",
        "instructions",
        "kind",
        "gradingType",
        "status",
        "pointsPossible",
        "opensAt",
        "dueAt",
        "closesAt",
        "timeLimitSeconds",
        "maxAttempts",
        "attemptPolicy",
        "categoryId",
        "latePolicyId",
        "releasePolicy",
        "releasedAt",
        "counts",
        "revision",
        "materialsStatus",
        "publishedAt",
        "closedAt",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
