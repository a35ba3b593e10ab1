//! Regrades as they are read: who has asked for one sees how far it is. The corrected questions, with their keys, are in
//! none of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::assessments::{Assessment, OfAssessment};
use crate::error::{Error, not_found};
use crate::operation::Reader;
use crate::policy::About;
use crate::resource::{self, Field, Kind, Page, Resource, Within};
use crate::store::TenantTx;

/// Grading anew, as far as it is.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Regrade {
    /// Its id.
    pub id: Uuid,
    /// The assessment.
    pub assessment_id: Uuid,
    /// Which one of the assessment's it is, from 1. The newest counts: one before it ends where it is.
    pub number: i32,
    /// Questions for which everybody gets full points.
    pub full_credit: Vec<Uuid>,
    /// The user who has asked for it.
    pub asked_by: Uuid,
    /// Submissions that were graded anew so far.
    pub examined: i32,
    /// Those whose points have changed.
    pub changed: i32,
    /// When it ended; null until then.
    pub finished_at: Option<DateTime<Utc>>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

impl Resource for Regrade {
    const ENTITY: &'static str = "assessment_regrades";
    const KIND: &'static str = "REGRADE";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "regrade";
    const SELECT: &'static str = "SELECT t.id, t.assessment_id, t.number, t.full_credit, t.asked_by, t.examined, \
        t.changed, t.finished_at, t.row_version, t.created_at, t.updated_at FROM assessment_regrades t";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::reference("assessmentId", "t.assessment_id", "assessments", "assessment"),
        Field::sort("number", "t.number", Kind::Integer),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "assessmentId",
        "number",
        "fullCredit",
        "askedBy",
        "examined",
        "changed",
        "finishedAt",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}

/// A regrade of an assessment.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegradeOfAssessment {
    /// The assessment.
    #[garde(skip)]
    pub assessment_id: Uuid,
    /// The regrade.
    #[garde(skip)]
    pub regrade_id: Uuid,
}

/// Lists those of an assessment.
pub(super) async fn list(
    reader: &Reader,
    input: Within<Regrade, OfAssessment>,
) -> Result<Page<Regrade>, Error> {
    let mut tx = reader.begin().await?;
    expect_taught(reader, &mut tx, input.of).await?;
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}

/// Gives one.
pub(super) async fn get(reader: &Reader, input: RegradeOfAssessment) -> Result<Regrade, Error> {
    let mut tx = reader.begin().await?;
    expect_taught(reader, &mut tx, input.assessment_id).await?;
    let it: Regrade = resource::load_required(&mut tx, input.regrade_id).await?;
    if it.assessment_id != input.assessment_id {
        return Err(not_found(Regrade::NOUN));
    }
    tx.commit().await?;
    Ok(it)
}

async fn expect_taught(reader: &Reader, tx: &mut TenantTx, assessment: Uuid) -> Result<(), Error> {
    let of: Assessment = resource::load_required(tx, assessment).await?;
    reader.expect(tx, About::class(of.class_id).hidden(Assessment::NOUN)).await
}
