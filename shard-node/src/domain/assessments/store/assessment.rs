//! Assessments themselves.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::super::model::{Assessment, CountedAttempt, GradingType, ReleasePolicy};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken(
        "assessments_institution_id_source_external_id_key",
        "external-id-taken",
        "/externalId",
        "this id of the source",
    ),
    Constraint::unknown("assessments_institution_id_class_id_fkey", "/classId", "class"),
    Constraint::unknown(
        "assessments_institution_id_class_id_subject_id_fkey",
        "/subjectId",
        "subject of the class",
    ),
    Constraint::unknown("assessments_category_of_class", "/categoryId", "category of the class"),
    Constraint::unknown("assessments_late_policy", "/latePolicyId", "late policy"),
];

/// Inserts a draft without a blueprint.
pub(in super::super) async fn insert(tx: &mut TenantTx, new: &Assessment) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO assessments (institution_id, id, class_id, subject_id, title, instructions, kind, grading_type,
             points_possible, opens_at, due_at, closes_at, time_limit_s, max_attempts, attempt_policy, category_id,
             late_policy_id, release_policy, counts, source, external_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
        institution,
        new.id,
        new.class_id,
        new.subject_id,
        new.title,
        new.instructions,
        new.kind,
        new.grading_type as GradingType,
        new.points_possible,
        new.opens_at,
        new.due_at,
        new.closes_at,
        new.time_limit_seconds,
        new.max_attempts,
        new.attempt_policy as CountedAttempt,
        new.category_id,
        new.late_policy_id,
        new.release_policy as ReleasePolicy,
        new.counts,
        new.source,
        new.external_id
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "assessment")
}

/// Writes a changed one, but for its blueprint and where it stands.
pub(in super::super) async fn update(tx: &mut TenantTx, it: &Assessment) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE assessments SET subject_id = $3, title = $4, instructions = $5, kind = $6, grading_type = $7,
             points_possible = $8, opens_at = $9, due_at = $10, closes_at = $11, time_limit_s = $12, max_attempts = $13,
             attempt_policy = $14, category_id = $15, late_policy_id = $16, release_policy = $17, counts = $18
         WHERE institution_id = $1 AND id = $2",
        institution,
        it.id,
        it.subject_id,
        it.title,
        it.instructions,
        it.kind,
        it.grading_type as GradingType,
        it.points_possible,
        it.opens_at,
        it.due_at,
        it.closes_at,
        it.time_limit_seconds,
        it.max_attempts,
        it.attempt_policy as CountedAttempt,
        it.category_id,
        it.late_policy_id,
        it.release_policy as ReleasePolicy,
        it.counts
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "assessment")
}

/// Gives a draft another blueprint, of which materials are to be made, or none; its points with it.
pub(in super::super) async fn set_blueprint(
    tx: &mut TenantTx,
    id: Uuid,
    blueprint: Option<Value>,
    points: Option<Decimal>,
) -> Result<i32, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "UPDATE assessments
         SET blueprint = $3, points_possible = coalesce($4, points_possible), revision = revision + 1,
             materials_status = CASE WHEN $3::jsonb IS NULL THEN 'NONE' ELSE 'PENDING' END, materials_problems = NULL
         WHERE institution_id = $1 AND id = $2 AND status = 'DRAFT' RETURNING revision",
        institution,
        id,
        blueprint,
        points
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Whether a late policy is every class's, or this class's own.
pub(in super::super) async fn late_policy_fits(
    tx: &mut TenantTx,
    policy: Uuid,
    class: Uuid,
) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM late_policies WHERE institution_id = $1 AND id = $2
                         AND (class_id IS NULL OR class_id = $3)) AS "exists!""#,
        institution,
        policy,
        class
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Publishes a locked draft.
pub(in super::super) async fn publish(
    tx: &mut TenantTx,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE assessments SET status = 'PUBLISHED', published_at = $3
         WHERE institution_id = $1 AND id = $2 AND status = 'DRAFT'",
        institution,
        id,
        at
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "draft of an assessment")
}

/// Closes a locked one.
pub(in super::super) async fn close(
    tx: &mut TenantTx,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE assessments SET status = 'CLOSED', closed_at = $3
         WHERE institution_id = $1 AND id = $2 AND status = 'PUBLISHED'",
        institution,
        id,
        at
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "published assessment")
}

/// Marks a locked one as released.
pub(in super::super) async fn release(
    tx: &mut TenantTx,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE assessments SET released_at = $3
         WHERE institution_id = $1 AND id = $2 AND released_at IS NULL",
        institution,
        id,
        at
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "assessment that is not released")
}

/// Who gives the points.
pub(in super::super) async fn grading_type(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<GradingType, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT grading_type AS "grading_type: GradingType" FROM assessments
           WHERE institution_id = $1 AND id = $2"#,
        institution,
        id
    )
    .fetch_one(tx.connection())
    .await?)
}

/// When the last student's window ends; none where one has no end.
pub(in super::super) async fn last_end(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<DateTime<Utc>>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT CASE WHEN a.closes_at IS NOT NULL THEN greatest(a.closes_at, max(o.closes_at)) END AS last_end
         FROM assessments a
         LEFT JOIN assessment_overrides o ON o.institution_id = $1 AND o.assessment_id = a.id
         WHERE a.institution_id = $1 AND a.id = $2 GROUP BY a.institution_id, a.id, a.closes_at",
        institution,
        id
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Whether an assessment that students may know of is in a class.
pub(in super::super) async fn exists_in_class(
    tx: &mut TenantTx,
    student: Uuid,
    class: Uuid,
) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM enrollments
                         WHERE institution_id = $1 AND class_id = $2 AND student_id = $3
                           AND status IN ('ACTIVE', 'SUSPENDED', 'COMPLETED')) AS "exists!""#,
        institution,
        class,
        student
    )
    .fetch_one(tx.connection())
    .await?)
}
