//! What is different for one student: other windows, more time, more attempts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Assessment;
use super::status::Status;
use super::{PATH, lock_any_version, rules, store};
use crate::domain::checks::valid_instant;
use crate::domain::{attempts, submissions};
use crate::error::{Error, not_found, unknown_reference};
use crate::operation::{Reader, Reply, Work};
use crate::policy::About;
use crate::resource::{self, Field, Kind, Page, Resource, Scope, Within};

/// The assessment that a path names.
#[derive(Debug)]
pub struct OfAssessment;

impl Scope for OfAssessment {
    const NAME: &'static str = "assessmentId";
}

/// What is different for a student; null is as for everybody.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssessmentOverride {
    /// Its id.
    pub id: Uuid,
    /// The assessment.
    pub assessment_id: Uuid,
    /// The student.
    pub student_id: Uuid,
    /// From when it may be begun.
    pub opens_at: Option<DateTime<Utc>>,
    /// Later than this is late.
    pub due_at: Option<DateTime<Utc>>,
    /// Until when it may be sat.
    pub closes_at: Option<DateTime<Utc>>,
    /// How much longer the time limit is, in percent; what the student is granted anyway counts where it is more.
    pub extra_time_percent: Option<i32>,
    /// Attempts beyond those of all.
    pub extra_attempts: Option<i32>,
    /// Why.
    pub note: Option<String>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

impl Resource for AssessmentOverride {
    const ENTITY: &'static str = "assessment_overrides";
    const KIND: &'static str = "ASSESSMENT_OVERRIDE";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "override";
    const SELECT: &'static str = "SELECT t.id, t.assessment_id, t.student_id, t.opens_at, t.due_at, t.closes_at, \
        t.extra_time_percent, t.extra_attempts, t.note, t.row_version, t.created_at, t.updated_at \
        FROM assessment_overrides t";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::reference("assessmentId", "t.assessment_id", "assessments", "assessment"),
        Field::reference("studentId", "t.student_id", "students", "student"),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "assessmentId",
        "studentId",
        "opensAt",
        "dueAt",
        "closesAt",
        "extraTimePercent",
        "extraAttempts",
        "note",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
    // Why somebody has more time is nobody else's business.
    const UNRECORDED: &'static [&'static str] = &["note", "extraTimePercent"];
}

/// What is to be different for a student, in the place of what was.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetOverride {
    /// The assessment.
    #[garde(skip)]
    pub assessment_id: Uuid,
    /// The student, who is in the class.
    #[garde(skip)]
    pub student_id: Uuid,
    /// From when it may be begun; as for all where absent.
    #[garde(inner(custom(valid_instant)))]
    pub opens_at: Option<DateTime<Utc>>,
    /// Later than this is late; as for all where absent.
    #[garde(inner(custom(valid_instant)))]
    pub due_at: Option<DateTime<Utc>>,
    /// Until when it may be sat; as for all where absent.
    #[garde(inner(custom(valid_instant)))]
    pub closes_at: Option<DateTime<Utc>>,
    /// How much longer the time limit is, 0 to 300 percent.
    #[garde(range(min = 0, max = 300))]
    pub extra_time_percent: Option<i32>,
    /// Attempts beyond those of all, 0 to 100.
    #[garde(range(min = 0, max = 100))]
    pub extra_attempts: Option<i32>,
    /// Why.
    #[garde(length(chars, max = 1000))]
    pub note: Option<String>,
}

/// A student's override of an assessment.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfStudent {
    /// The assessment.
    #[garde(skip)]
    pub assessment_id: Uuid,
    /// The student.
    #[garde(skip)]
    pub student_id: Uuid,
}

/// Lists those of an assessment.
pub(super) async fn list(
    reader: &Reader,
    input: Within<AssessmentOverride, OfAssessment>,
) -> Result<Page<AssessmentOverride>, Error> {
    let mut tx = reader.begin().await?;
    let of: Assessment = resource::load_required(&mut tx, input.of).await?;
    reader.expect(&mut tx, About::class(of.class_id).hidden(Assessment::NOUN)).await?;
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}

/// Sets one. An attempt of the student's that is under way goes by it at once, and what lateness took is worked out anew;
/// what is closed is not opened by it.
pub(super) async fn set(
    work: &mut Work,
    input: SetOverride,
) -> Result<Reply<AssessmentOverride>, Error> {
    let of = lock_any_version(work, input.assessment_id).await?;
    if !store::exists_in_class(work.tx(), input.student_id, of.class_id).await? {
        return Err(unknown_reference("/studentId", "student of the class").into());
    }
    let windows = (
        input.opens_at.or(of.opens_at),
        input.due_at.or(of.due_at),
        input.closes_at.or(of.closes_at),
    );
    rules::check_windows(windows)?;
    let before = store::find_override(work.tx(), of.id, input.student_id).await?;
    if of.status == Status::Closed {
        let before = match before {
            Some(id) => Some(resource::load_required::<AssessmentOverride>(work.tx(), id).await?),
            None => None,
        };
        rules::may_override_closed(before.as_ref(), &input)?;
    }
    let id = store::put_override(work.tx(), &input).await?;
    attempts::retime(work, of.id, Some(input.student_id)).await?;
    if of.late_policy_id.is_some() {
        work.enqueue(submissions::settle_lateness(of.id, Some(input.student_id)));
    }
    if before.is_some() {
        return resource::updated(work, id).await;
    }
    resource::created(work, id, &format!("{PATH}/{}/overrides", of.id)).await
}

/// Takes one away.
pub(super) async fn delete(work: &mut Work, input: OfStudent) -> Result<Reply<()>, Error> {
    let of = lock_any_version(work, input.assessment_id).await?;
    let id = store::find_override(work.tx(), of.id, input.student_id).await?;
    let id = id.ok_or_else(|| not_found(AssessmentOverride::NOUN))?;
    let reply = resource::remove::<AssessmentOverride>(work, id).await?;
    attempts::retime(work, of.id, Some(input.student_id)).await?;
    if of.late_policy_id.is_some() {
        work.enqueue(submissions::settle_lateness(of.id, Some(input.student_id)));
    }
    Ok(reply)
}
