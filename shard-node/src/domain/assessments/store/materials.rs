//! Materials: what papers are drawn from. Their pool has the keys; `shown` never reads it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::super::model::MaterialsStatus;
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// What materials are to be made of.
#[derive(Debug, Clone)]
pub(in super::super) struct Wanted {
    pub(in super::super) blueprint: Value,
    pub(in super::super) revision: i32,
}

/// The blueprint whose materials are to be made, its assessment locked; none where that is done, or is not wanted.
pub(in super::super) async fn lock_wanted(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<Wanted>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Wanted,
        r#"SELECT blueprint AS "blueprint!", revision FROM assessments
           WHERE institution_id = $1 AND id = $2 AND status = 'DRAFT' AND materials_status = 'PENDING'
           FOR NO KEY UPDATE"#,
        institution,
        id
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Keeps the materials of a locked draft.
pub(in super::super) async fn insert_materials(
    tx: &mut TenantTx,
    assessment: Uuid,
    wanted: &Wanted,
    pool: &Value,
    hash: &[u8],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "INSERT INTO assessment_materials (institution_id, id, assessment_id, revision, blueprint, pool, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        institution,
        Uuid::now_v7(),
        assessment,
        wanted.revision,
        wanted.blueprint,
        pool,
        hash
    )
    .execute(tx.connection())
    .await?;
    set_status(tx, assessment, "READY", None).await
}

/// Notes why the materials of a locked draft could not be made.
pub(in super::super) async fn failed(
    tx: &mut TenantTx,
    assessment: Uuid,
    problems: Value,
) -> Result<(), Error> {
    set_status(tx, assessment, "FAILED", Some(problems)).await
}

async fn set_status(
    tx: &mut TenantTx,
    assessment: Uuid,
    status: &str,
    problems: Option<Value>,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE assessments SET materials_status = $3, materials_problems = $4
         WHERE institution_id = $1 AND id = $2 AND status = 'DRAFT'",
        institution,
        assessment,
        status,
        problems
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "draft of an assessment")
}

/// The blueprint and pool of the revision that counts.
pub(in super::super) async fn materials(
    tx: &mut TenantTx,
    assessment: Uuid,
) -> Result<Option<(Value, Value)>, Error> {
    let institution = tx.institution().as_uuid();
    let row = sqlx::query!(
        "SELECT m.blueprint, m.pool FROM assessments a
         JOIN assessment_materials m
             ON m.institution_id = $1 AND m.assessment_id = a.id AND m.revision = a.revision
         WHERE a.institution_id = $1 AND a.id = $2",
        institution,
        assessment
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| (row.blueprint, row.pool)))
}

/// What may be shown of materials.
#[derive(Debug, Clone)]
pub(in super::super) struct Shown {
    pub(in super::super) revision: i32,
    pub(in super::super) status: MaterialsStatus,
    pub(in super::super) problems: Option<Value>,
    pub(in super::super) blueprint: Option<Value>,
    pub(in super::super) hash: Option<Vec<u8>>,
    pub(in super::super) made_at: Option<DateTime<Utc>>,
    pub(in super::super) row_version: i64,
}

/// What may be shown of them.
pub(in super::super) async fn shown(tx: &mut TenantTx, assessment: Uuid) -> Result<Shown, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Shown,
        r#"SELECT a.revision, a.materials_status AS "status: MaterialsStatus", a.materials_problems AS problems,
                  a.blueprint, m.hash AS "hash?", m.created_at AS "made_at?", a.row_version
           FROM assessments a
           LEFT JOIN assessment_materials m
               ON m.institution_id = $1 AND m.assessment_id = a.id AND m.revision = a.revision
           WHERE a.institution_id = $1 AND a.id = $2"#,
        institution,
        assessment
    )
    .fetch_one(tx.connection())
    .await?)
}

/// The blueprint of an assessment, where it has one.
pub(in super::super) async fn blueprint_of(
    tx: &mut TenantTx,
    assessment: Uuid,
) -> Result<Option<Value>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT blueprint FROM assessments WHERE institution_id = $1 AND id = $2",
        institution,
        assessment
    )
    .fetch_one(tx.connection())
    .await?)
}
