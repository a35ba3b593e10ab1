//! Reports as they are read.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::resource::{Field, Kind, Resource};

/// What a week came to, for a class or for the institution.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WeeklyReport {
    /// Its id.
    pub id: Uuid,
    /// The Monday.
    pub week_start: NaiveDate,
    /// CLASS or INSTITUTION.
    pub scope: String,
    /// The class; null for the institution.
    pub class_id: Option<Uuid>,
    /// Students at the end of the week; of the institution each once.
    pub enrolled: i64,
    /// Enrolments that began.
    pub joined: i64,
    /// Enrolments that were dropped or withdrawn.
    pub dropped: i64,
    /// Sessions that were not cancelled.
    pub sessions: i64,
    /// Marks whose code counts.
    pub counted: i64,
    /// What these count as, in all.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub present: Decimal,
    /// The part of `counted` that is `present`, to 4 decimals; null where nothing counts.
    #[serde(with = "rust_decimal::serde::float_option")]
    #[schema(value_type = Option<f64>)]
    pub attendance_rate: Option<Decimal>,
    /// What was handed in.
    pub submitted: i64,
    /// Grades that were given.
    pub graded: i64,
    /// Their percents together, so that weeks and classes can be added up.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub percent_sum: Decimal,
    /// Their mean percent, to 4 decimals; null of none.
    #[serde(with = "rust_decimal::serde::float_option")]
    #[schema(value_type = Option<f64>)]
    pub mean_percent: Option<Decimal>,
    /// Raised where a later run found it different.
    pub row_version: i64,
    /// When it was first written.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
}

impl Resource for WeeklyReport {
    const ENTITY: &'static str = "weekly_reports";
    const KIND: &'static str = "WEEKLY_REPORT";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "weekly report";
    const SELECT: &'static str = "SELECT t.id, t.week_start, \
        CASE WHEN t.class_id IS NULL THEN 'INSTITUTION' ELSE 'CLASS' END AS scope, t.class_id, t.enrolled, t.joined, \
        t.dropped, t.sessions, t.counted, t.present, t.attendance_rate, t.submitted, t.graded, \
        t.percent_sum, t.mean_percent, t.row_version, t.created_at, t.updated_at \
        FROM weekly_reports t";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::both("weekStart", "t.week_start", Kind::Date),
        Field::since("from", "t.week_start", Kind::Date),
        Field::until("to", "t.week_start", Kind::Date),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::filter(
            "scope",
            "(CASE WHEN t.class_id IS NULL THEN 'INSTITUTION' ELSE 'CLASS' END)",
            Kind::OneOf(&["CLASS", "INSTITUTION"]),
        ),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "weekStart",
        "scope",
        "classId",
        "enrolled",
        "joined",
        "dropped",
        "sessions",
        "counted",
        "present",
        "attendanceRate",
        "submitted",
        "graded",
        "percentSum",
        "meanPercent",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}

/// What a month came to.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonthlyMetrics {
    /// Its id.
    pub id: Uuid,
    /// Its first day.
    pub month: NaiveDate,
    /// Students, each once, who were in a class on a day of the month.
    pub active_students: i64,
    /// Classes of terms in the month that are not cancelled.
    pub active_classes: i64,
    /// Enrolments that began.
    pub enrollments_made: i64,
    /// Enrolments that were dropped or withdrawn.
    pub enrollments_dropped: i64,
    /// Enrolments that were completed.
    pub enrollments_completed: i64,
    /// Completed ones of all that were live in the month, to 4 decimals; null where there were none.
    #[serde(with = "rust_decimal::serde::float_option")]
    #[schema(value_type = Option<f64>)]
    pub completion_rate: Option<Decimal>,
    /// Sessions that were not cancelled.
    pub sessions: i64,
    /// Marks whose code counts.
    pub counted: i64,
    /// What these count as, in all.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub present: Decimal,
    /// The part of `counted` that is `present`, to 4 decimals; null where nothing counts.
    #[serde(with = "rust_decimal::serde::float_option")]
    #[schema(value_type = Option<f64>)]
    pub attendance_rate: Option<Decimal>,
    /// What was handed in.
    pub submitted: i64,
    /// Grades that were given.
    pub graded: i64,
    /// Their percents together, so that weeks and classes can be added up.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub percent_sum: Decimal,
    /// Their mean percent, to 4 decimals; null of none.
    #[serde(with = "rust_decimal::serde::float_option")]
    #[schema(value_type = Option<f64>)]
    pub mean_percent: Option<Decimal>,
    /// Raised where a later run found it different.
    pub row_version: i64,
    /// When it was first written.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
}

impl Resource for MonthlyMetrics {
    const ENTITY: &'static str = "monthly_metrics";
    const KIND: &'static str = "MONTHLY_METRIC";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "month's metrics";
    const SELECT: &'static str = "SELECT t.id, t.month, t.active_students, t.active_classes, t.enrollments_made, \
        t.enrollments_dropped, t.enrollments_completed, t.completion_rate, t.sessions, t.counted, t.present, \
        t.attendance_rate, t.submitted, t.graded, \
        t.percent_sum, t.mean_percent, t.row_version, t.created_at, t.updated_at FROM monthly_metrics t";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::both("month", "t.month", Kind::Date),
        Field::since("from", "t.month", Kind::Date),
        Field::until("to", "t.month", Kind::Date),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "month",
        "activeStudents",
        "activeClasses",
        "enrollmentsMade",
        "enrollmentsDropped",
        "enrollmentsCompleted",
        "completionRate",
        "sessions",
        "counted",
        "present",
        "attendanceRate",
        "submitted",
        "graded",
        "percentSum",
        "meanPercent",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
