//! Sessions, marks and what they come to, as they are read.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::resource::{Field, Kind, Resource, Scope};

/// The class that a path names.
#[derive(Debug)]
pub struct OfClass;

impl Scope for OfClass {
    const NAME: &'static str = "classId";
}

/// The session that a path names.
#[derive(Debug)]
pub struct OfSession;

impl Scope for OfSession {
    const NAME: &'static str = "sessionId";
}

/// A meeting of a class in which students are marked.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttendanceSession {
    /// Its id.
    pub id: Uuid,
    /// The class.
    pub class_id: Uuid,
    /// Its day, in the institution's time zone.
    pub date: NaiveDate,
    /// When it begins.
    pub starts_at: Option<DateTime<Utc>>,
    /// When it ends.
    pub ends_at: Option<DateTime<Utc>>,
    /// What it is about.
    pub title: Option<String>,
    /// OPEN; CLOSED, when marks are final; CANCELLED, when it did not take place and does not count.
    pub status: String,
    /// Until when students may check in, where a code was made.
    pub check_in_until: Option<DateTime<Utc>>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// What `status` may be.
pub(super) const STATUSES: &[&str] = &["OPEN", "CLOSED", "CANCELLED"];

impl Resource for AttendanceSession {
    const ENTITY: &'static str = "attendance_sessions";
    const KIND: &'static str = "ATTENDANCE_SESSION";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "attendance session";
    const SELECT: &'static str = "SELECT t.id, t.class_id, t.held_on AS date, t.starts_at, t.ends_at, t.title, \
        t.status, t.check_in_until, t.row_version, t.created_at, t.updated_at FROM attendance_sessions t";
    const FIELDS: &'static [Field] = &[
        Field::id("attendance_sessions", "attendance session"),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::both("date", "t.held_on", Kind::Date),
        Field::since("from", "t.held_on", Kind::Date),
        Field::until("to", "t.held_on", Kind::Date),
        Field::filter("status", "t.status", Kind::OneOf(STATUSES)),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "classId",
        "date",
        "startsAt",
        "endsAt",
        "title",
        "status",
        "checkInUntil",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}

/// What a student is marked as in a session.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttendanceRecord {
    /// Its id.
    pub id: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// The student.
    pub student_id: Uuid,
    /// The enrolment by which the student was in the class on that day.
    pub enrollment_id: Uuid,
    /// The code, such as PRESENT.
    pub code: String,
    /// A remark.
    pub note: Option<String>,
    /// MARKED by staff, or `CHECK_IN` by the student's own.
    pub method: String,
    /// The user who did it.
    pub marked_by: Uuid,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

impl Resource for AttendanceRecord {
    const ENTITY: &'static str = "attendance_records";
    const KIND: &'static str = "ATTENDANCE_RECORD";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "attendance record";
    const SELECT: &'static str = "SELECT t.id, t.session_id, t.student_id, t.enrollment_id, c.code, t.note, t.method, \
        t.marked_by, t.row_version, t.created_at, t.updated_at FROM attendance_records t \
        JOIN attendance_codes c ON c.institution_id = t.institution_id AND c.id = t.code_id";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::reference("sessionId", "t.session_id", "attendance_sessions", "attendance session"),
        Field::reference("studentId", "t.student_id", "students", "student"),
        Field::both("code", "c.code", Kind::Text),
        Field::filter("method", "t.method", Kind::OneOf(&["MARKED", "CHECK_IN"])),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "sessionId",
        "studentId",
        "enrollmentId",
        "code",
        "note",
        "method",
        "markedBy",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    /// What somebody remarked of a student is nobody else's, and not for good.
    const UNRECORDED: &'static [&'static str] = &["note"];
    const CACHE_TTL: Option<Duration> = None;
}

/// What the attendance of a class comes to on one day.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassAttendance {
    /// Its id.
    pub id: Uuid,
    /// The class.
    pub class_id: Uuid,
    /// The day.
    pub date: NaiveDate,
    /// Sessions that were not cancelled.
    pub sessions: i64,
    /// Students who were in the class on that day.
    pub enrolled: i64,
    /// Marks.
    pub marked: i64,
    /// Marks whose code counts.
    pub counted: i64,
    /// What these count as, in all.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub present: Decimal,
    /// The part of `counted` that is `present`, to 4 decimals; null where nothing counts.
    #[serde(with = "rust_decimal::serde::float_option")]
    #[schema(value_type = Option<f64>)]
    pub rate: Option<Decimal>,
    /// Marks by their code.
    #[schema(value_type = Object)]
    pub by_code: Value,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was first computed.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
}

impl Resource for ClassAttendance {
    const ENTITY: &'static str = "class_attendance_stats";
    const KIND: &'static str = "CLASS_ATTENDANCE";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "class attendance";
    const SELECT: &'static str = "SELECT t.id, t.class_id, t.held_on AS date, t.sessions, t.enrolled, t.marked, t.counted, \
        t.present, t.rate, t.by_code, t.row_version, t.created_at, t.updated_at FROM class_attendance_stats t";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::both("date", "t.held_on", Kind::Date),
        Field::since("from", "t.held_on", Kind::Date),
        Field::until("to", "t.held_on", Kind::Date),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "classId",
        "date",
        "sessions",
        "enrolled",
        "marked",
        "counted",
        "present",
        "rate",
        "byCode",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
