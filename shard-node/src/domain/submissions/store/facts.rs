//! What grading and reading must know of an assessment, and of a student's paper.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::rules::Release;
use crate::domain::assessments::{CountedAttempt, GradingType, ReleasePolicy};
use crate::domain::grading::GradingPolicy;
use crate::error::Error;
use crate::store::TenantTx;

/// An assessment, held for the transaction, as grading one of its submissions sees it.
#[derive(Debug, Clone)]
pub(in super::super) struct Facts {
    pub(in super::super) assessment_id: Uuid,
    pub(in super::super) class_id: Uuid,
    pub(in super::super) student_id: Uuid,
    pub(in super::super) grading_type: GradingType,
    pub(in super::super) points_possible: Decimal,
    pub(in super::super) attempt_policy: CountedAttempt,
    pub(in super::super) release_policy: ReleasePolicy,
    pub(in super::super) released_at: Option<DateTime<Utc>>,
    pub(in super::super) closed_at: Option<DateTime<Utc>>,
    /// How its answers are read, where its blueprint says so.
    pub(in super::super) grading: Option<Json<GradingPolicy>>,
    /// When it is due for this student.
    pub(in super::super) due_at: Option<DateTime<Utc>>,
    /// Where its class is.
    pub(in super::super) timezone: String,
    /// What lateness costs, in percent of the points; nothing where there is no policy.
    pub(in super::super) late_rate: Option<Decimal>,
    pub(in super::super) late_interval: Option<String>,
    pub(in super::super) late_floor: Option<Decimal>,
}

impl Facts {
    pub(in super::super) fn release(&self) -> Release {
        let Self { release_policy: policy, released_at, closed_at, .. } = *self;
        Release { policy, released_at, closed_at }
    }
}

/// The assessment of a submission, held: nobody releases or closes it meanwhile.
pub(in super::super) async fn hold_assessment(
    tx: &mut TenantTx,
    submission: Uuid,
) -> Result<Option<Facts>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Facts,
        r#"SELECT a.id AS assessment_id, a.class_id, t.student_id, a.grading_type AS "grading_type: GradingType",
                  a.points_possible, a.attempt_policy AS "attempt_policy: CountedAttempt",
                  a.release_policy AS "release_policy: ReleasePolicy", a.released_at, a.closed_at,
                  a.blueprint->'grading' AS "grading: Json<GradingPolicy>",
                  coalesce(o.due_at, a.due_at) AS due_at, coalesce(c.timezone, i.timezone) AS "timezone!",
                  l.rate_percent AS "late_rate?", l."interval" AS "late_interval?", l.floor_percent AS "late_floor?"
           FROM assessment_submissions t
           JOIN assessments a ON a.institution_id = $1 AND a.id = t.assessment_id
           JOIN classes c ON c.institution_id = $1 AND c.id = a.class_id
           JOIN institutions i ON i.institution_id = $1 AND i.id = $1
           LEFT JOIN late_policies l ON l.institution_id = $1 AND l.id = a.late_policy_id
           LEFT JOIN assessment_overrides o
               ON o.institution_id = $1 AND o.assessment_id = a.id AND o.student_id = t.student_id
           WHERE t.institution_id = $1 AND t.id = $2 FOR SHARE OF a"#,
        institution,
        submission
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// The same, held by nobody: for who only looks.
pub(in super::super) async fn facts(
    tx: &mut TenantTx,
    submission: Uuid,
) -> Result<Option<Facts>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Facts,
        r#"SELECT a.id AS assessment_id, a.class_id, t.student_id, a.grading_type AS "grading_type: GradingType",
                  a.points_possible, a.attempt_policy AS "attempt_policy: CountedAttempt",
                  a.release_policy AS "release_policy: ReleasePolicy", a.released_at, a.closed_at,
                  a.blueprint->'grading' AS "grading: Json<GradingPolicy>",
                  coalesce(o.due_at, a.due_at) AS due_at, coalesce(c.timezone, i.timezone) AS "timezone!",
                  l.rate_percent AS "late_rate?", l."interval" AS "late_interval?", l.floor_percent AS "late_floor?"
           FROM assessment_submissions t
           JOIN assessments a ON a.institution_id = $1 AND a.id = t.assessment_id
           JOIN classes c ON c.institution_id = $1 AND c.id = a.class_id
           JOIN institutions i ON i.institution_id = $1 AND i.id = $1
           LEFT JOIN late_policies l ON l.institution_id = $1 AND l.id = a.late_policy_id
           LEFT JOIN assessment_overrides o
               ON o.institution_id = $1 AND o.assessment_id = a.id AND o.student_id = t.student_id
           WHERE t.institution_id = $1 AND t.id = $2"#,
        institution,
        submission
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// How far the assessment of a submission is.
pub(in super::super) async fn release_of(
    tx: &mut TenantTx,
    assessment: Uuid,
) -> Result<Release, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Release,
        r#"SELECT release_policy AS "policy: ReleasePolicy", released_at, closed_at FROM assessments
           WHERE institution_id = $1 AND id = $2"#,
        institution,
        assessment
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Of which draw a paper is.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Drawn {
    pub(in super::super) assessment_id: Uuid,
    pub(in super::super) student_id: Uuid,
    pub(in super::super) attempt: i32,
    pub(in super::super) revision: i32,
}

/// Of which draw the paper of a submission is.
pub(in super::super) async fn drawn(tx: &mut TenantTx, id: Uuid) -> Result<Drawn, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Drawn,
        "SELECT assessment_id, student_id, attempt, revision FROM assessment_submissions
         WHERE institution_id = $1 AND id = $2",
        institution,
        id
    )
    .fetch_one(tx.connection())
    .await?)
}

/// The paper of a submission.
pub(in super::super) async fn variant(tx: &mut TenantTx, id: Uuid) -> Result<Value, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT paper FROM assessment_variants WHERE institution_id = $1 AND submission_id = $2",
        institution,
        id
    )
    .fetch_one(tx.connection())
    .await?)
}

/// The key of a submission.
pub(in super::super) async fn variant_key(tx: &mut TenantTx, id: Uuid) -> Result<Value, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT key FROM assessment_variants WHERE institution_id = $1 AND submission_id = $2",
        institution,
        id
    )
    .fetch_one(tx.connection())
    .await?)
}
