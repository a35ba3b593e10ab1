//! Every SQL statement of org units.

use uuid::Uuid;

use super::model::{NewUnit, OrgUnit};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken("org_units_institution_id_code_key", "code-taken", "/code", "this code"),
    Constraint::taken(
        "org_units_institution_id_source_external_id_key",
        "external-id-taken",
        "/externalId",
        "this external id",
    ),
    Constraint::unknown("org_units_institution_id_parent_id_fkey", "/parentId", "org unit"),
];

/// Inserts a unit: what is new is above nothing.
pub(super) async fn insert(tx: &mut TenantTx, id: Uuid, new: &NewUnit) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO org_units (institution_id, id, parent_id, code, name, source, external_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        institution,
        id,
        new.parent_id,
        new.code,
        new.name,
        new.source,
        new.external_id
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "org unit")
}

/// Writes a changed unit.
pub(super) async fn update(tx: &mut TenantTx, unit: &OrgUnit) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE org_units SET parent_id = $3, code = $4, name = $5 WHERE institution_id = $1 AND id = $2",
        institution,
        unit.id,
        unit.parent_id,
        unit.code,
        unit.name
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "org unit")
}

/// Keeps others from moving units in the institution until the transaction ends.
pub(super) async fn lock_tree(tx: &mut TenantTx) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('lxp.org-units', uuid_hash_extended($1, 0)))",
        institution
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A unit and all that are above it.
pub(super) async fn lineage(tx: &mut TenantTx, unit: Uuid) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"WITH RECURSIVE above AS (
               SELECT id, parent_id FROM org_units WHERE institution_id = $1 AND id = $2
               UNION
               SELECT o.id, o.parent_id FROM above a
               JOIN org_units o ON o.institution_id = $1 AND o.id = a.parent_id)
           SELECT id AS "id!" FROM above"#,
        institution,
        unit
    )
    .fetch_all(tx.connection())
    .await?)
}
