//! What became of an enrolment: its changes of state, as they were written when they happened.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Enrollment, Status};
use crate::error::Error;
use crate::operation::Reader;
use crate::resource::{self, Field, Kind, Page, Resource, Scope, Within};

/// A change of an enrolment's state.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnrollmentEvent {
    /// Its id.
    pub id: Uuid,
    /// The enrolment.
    pub enrollment_id: Uuid,
    /// Where it stood; null where it began.
    pub from_status: Option<Status>,
    /// Where it stands since.
    pub to_status: Status,
    /// The day from which it counts.
    pub effective_on: NaiveDate,
    /// The user who did it; null where the platform did.
    pub actor_id: Option<Uuid>,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// The codes of refusals that were passed over.
    pub overrode: Vec<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// The enrolment that a path names.
#[derive(Debug)]
pub struct OfEnrollment;

impl Scope for OfEnrollment {
    const NAME: &'static str = "enrollmentId";
}

/// Lists those of an enrolment.
pub(super) async fn list(
    reader: &Reader,
    input: Within<EnrollmentEvent, OfEnrollment>,
) -> Result<Page<EnrollmentEvent>, Error> {
    let mut tx = reader.begin().await?;
    resource::load_required::<Enrollment>(&mut tx, input.of).await?;
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}

impl Resource for EnrollmentEvent {
    const ENTITY: &'static str = "enrollment_events";
    const KIND: &'static str = "ENROLLMENT_EVENT";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "event of an enrolment";
    const SELECT: &'static str = "SELECT t.id, t.enrollment_id, t.from_status, t.to_status, t.effective_on, t.actor_id, \
        t.reason, coalesce(string_to_array(t.overrode, ','), '{}') AS overrode, t.created_at FROM enrollment_events t";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::reference("enrollmentId", "t.enrollment_id", "enrollments", "enrolment"),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "enrollmentId",
        "fromStatus",
        "toStatus",
        "effectiveOn",
        "actorId",
        "reason",
        "overrode",
        "createdAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
