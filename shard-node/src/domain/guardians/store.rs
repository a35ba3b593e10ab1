//! Every SQL statement of guardians.

use uuid::Uuid;

use super::model::{GuardianLink, NewLink};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken(
        "guardian_links_institution_id_guardian_id_student_id_key",
        "link-taken",
        "/guardianId",
        "this guardian of the student",
    ),
    Constraint::unknown("guardian_links_institution_id_guardian_id_fkey", "/guardianId", "user"),
    Constraint::unknown("guardian_links_institution_id_student_id_fkey", "/studentId", "student"),
];

/// Inserts a link.
pub(super) async fn insert(tx: &mut TenantTx, id: Uuid, new: &NewLink) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO guardian_links (institution_id, id, guardian_id, student_id, relationship, from_on, until_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        institution,
        id,
        new.guardian_id,
        new.student_id,
        new.relationship.as_str(),
        new.from,
        new.until
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "guardian link")
}

/// Writes a changed link.
pub(super) async fn update(tx: &mut TenantTx, link: &GuardianLink) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE guardian_links SET relationship = $3, from_on = $4, until_on = $5
         WHERE institution_id = $1 AND id = $2",
        institution,
        link.id,
        link.relationship.as_str(),
        link.from,
        link.until
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "guardian link")
}
