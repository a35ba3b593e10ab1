//! Categories, scales and late policies.

use sqlx::types::Json;
use uuid::Uuid;

use super::super::categories::{GradingCategory, NewCategory};
use super::super::late_policies::{LatePolicy, NewLatePolicy};
use super::super::scales::{GradeScale, NewScale};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken(
        "grading_categories_institution_id_class_id_name_key",
        "name-taken",
        "/name",
        "this name in the class",
    ),
    Constraint::taken(
        "grading_categories_institution_id_source_external_id_key",
        "external-id-taken",
        "/externalId",
        "this external id",
    ),
    Constraint::taken(
        "grade_scales_one_a_class",
        "scale-taken",
        "/classId",
        "the class's one scale",
    ),
    Constraint::taken("grade_scales_by_name", "name-taken", "/name", "this name"),
    Constraint::taken("late_policies_by_name", "name-taken", "/name", "this name"),
];

/// Inserts a category.
pub(in super::super) async fn insert_category(
    tx: &mut TenantTx,
    id: Uuid,
    new: &NewCategory,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO grading_categories (institution_id, id, class_id, name, weight, drop_lowest, drop_highest,
                                         position, source, external_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        institution,
        id,
        new.class_id,
        new.name,
        new.weight,
        new.drop_lowest,
        new.drop_highest,
        new.position,
        new.source,
        new.external_id
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "grading category")
}

/// Writes a changed category.
pub(in super::super) async fn update_category(
    tx: &mut TenantTx,
    category: &GradingCategory,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE grading_categories SET name = $3, weight = $4, drop_lowest = $5, drop_highest = $6, position = $7
         WHERE institution_id = $1 AND id = $2",
        institution,
        category.id,
        category.name,
        category.weight,
        category.drop_lowest,
        category.drop_highest,
        category.position
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "grading category")
}

/// Inserts a scale.
pub(in super::super) async fn insert_scale(
    tx: &mut TenantTx,
    id: Uuid,
    new: &NewScale,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO grade_scales (institution_id, id, class_id, name, bands, pass_mark, distinction_mark, is_default)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        institution,
        id,
        new.class_id,
        new.name,
        Json(&new.bands) as _,
        new.pass_mark,
        new.distinction_mark,
        new.is_default
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "grade scale")
}

/// Writes a changed scale.
pub(in super::super) async fn update_scale(
    tx: &mut TenantTx,
    scale: &GradeScale,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE grade_scales SET name = $3, bands = $4, pass_mark = $5, distinction_mark = $6, is_default = $7
         WHERE institution_id = $1 AND id = $2",
        institution,
        scale.id,
        scale.name,
        &scale.bands as _,
        scale.pass_mark,
        scale.distinction_mark,
        scale.is_default
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "grade scale")
}

/// Makes any other default scale an ordinary one; there may be none.
pub(in super::super) async fn clear_default_scale(
    tx: &mut TenantTx,
    but: Uuid,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "UPDATE grade_scales SET is_default = false WHERE institution_id = $1 AND is_default AND id <> $2",
        institution,
        but
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Inserts a late policy.
pub(in super::super) async fn insert_late_policy(
    tx: &mut TenantTx,
    id: Uuid,
    new: &NewLatePolicy,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        r#"INSERT INTO late_policies (institution_id, id, class_id, name, rate_percent, "interval", floor_percent)
           VALUES ($1, $2, $3, $4, $5, $6, $7)"#,
        institution,
        id,
        new.class_id,
        new.name,
        new.rate_percent,
        new.interval.as_str(),
        new.floor_percent
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "late policy")
}

/// Writes a changed late policy.
pub(in super::super) async fn update_late_policy(
    tx: &mut TenantTx,
    policy: &LatePolicy,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        r#"UPDATE late_policies SET name = $3, rate_percent = $4, "interval" = $5, floor_percent = $6
           WHERE institution_id = $1 AND id = $2"#,
        institution,
        policy.id,
        policy.name,
        policy.rate_percent,
        policy.interval.as_str(),
        policy.floor_percent
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "late policy")
}
