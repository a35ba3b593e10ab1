//! A schedule as it is read, and the payload of the jobs that schedules queue.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Cadence;
use crate::resource::{Field, Kind, Resource};

/// Something that is done at the institution's midnight.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobSchedule {
    /// Its id.
    pub id: Uuid,
    /// The kind of job that it queues.
    pub kind: String,
    /// DAILY, WEEKLY (Mondays) or MONTHLY (on the 1st).
    pub cadence: Cadence,
    /// Whether it fires.
    pub enabled: bool,
    /// When it fires next; soon after that, each institution with a delay of its own, its job runs.
    pub next_at: DateTime<Utc>,
    /// The local date that it fired for last.
    pub last_fired_on: Option<NaiveDate>,
    /// When that was.
    pub last_fired_at: Option<DateTime<Utc>>,
    /// Raised by every change and firing.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A change of a schedule; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchJobSchedule {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Whether it is to fire.
    #[garde(skip)]
    pub enabled: Option<bool>,
}

/// A job that was queued.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The job, at `/v1/jobs/{jobId}`.
    pub job_id: Uuid,
    /// The local date that it is for.
    pub date: NaiveDate,
}

/// What a schedule's job is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Due {
    /// The local date that has begun: what ended with it is to be looked at.
    pub date: NaiveDate,
}

const KINDS: &[&str] = &super::KINDS;
const CADENCES: &[&str] = &["DAILY", "WEEKLY", "MONTHLY"];

impl Resource for JobSchedule {
    const ENTITY: &'static str = "job_schedules";
    const KIND: &'static str = "JOB_SCHEDULE";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "schedule";
    const SELECT: &'static str = "SELECT t.id, t.kind, t.cadence, t.enabled, t.next_at, t.last_fired_on, \
        t.last_fired_at, t.row_version, t.created_at, t.updated_at FROM job_schedules t";
    const FIELDS: &'static [Field] = &[
        Field::id("job_schedules", "schedule"),
        Field::both("kind", "t.kind", Kind::OneOf(KINDS)),
        Field::filter("cadence", "t.cadence", Kind::OneOf(CADENCES)),
        Field::filter("enabled", "t.enabled::text", Kind::OneOf(&["true", "false"])),
        Field::sort("nextAt", "t.next_at", Kind::Timestamp),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "kind",
        "cadence",
        "enabled",
        "nextAt",
        "lastFiredOn",
        "lastFiredAt",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
