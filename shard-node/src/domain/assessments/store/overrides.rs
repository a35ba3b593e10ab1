//! What is different for one student.

use uuid::Uuid;

use super::super::overrides::SetOverride;
use crate::error::Error;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[Constraint::unknown(
    "assessment_overrides_institution_id_student_id_fkey",
    "/studentId",
    "student",
)];

/// Sets it in the place of what was set before; answers the row.
pub(in super::super) async fn put_override(
    tx: &mut TenantTx,
    set: &SetOverride,
) -> Result<Uuid, Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query_scalar!(
        "INSERT INTO assessment_overrides (institution_id, id, assessment_id, student_id, opens_at, due_at, closes_at,
             extra_time_percent, extra_attempts, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (institution_id, assessment_id, student_id) DO UPDATE
             SET opens_at = excluded.opens_at, due_at = excluded.due_at, closes_at = excluded.closes_at,
                 extra_time_percent = excluded.extra_time_percent, extra_attempts = excluded.extra_attempts,
                 note = excluded.note
         RETURNING id",
        institution,
        Uuid::now_v7(),
        set.assessment_id,
        set.student_id,
        set.opens_at,
        set.due_at,
        set.closes_at,
        set.extra_time_percent,
        set.extra_attempts,
        set.note
    )
    .fetch_one(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))
}

/// The row of a student, where there is one.
pub(in super::super) async fn find_override(
    tx: &mut TenantTx,
    assessment: Uuid,
    student: Uuid,
) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM assessment_overrides
         WHERE institution_id = $1 AND assessment_id = $2 AND student_id = $3",
        institution,
        assessment,
        student
    )
    .fetch_optional(tx.connection())
    .await?)
}
