//! Every SQL statement of class staff.

use uuid::Uuid;

use crate::error::Error;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::unknown("class_staff_institution_id_class_id_fkey", "/classId", "class"),
    Constraint::unknown("class_staff_institution_id_user_id_fkey", "/userId", "user"),
];

/// Puts a user on the staff of a class; answers whether it was new there.
pub(super) async fn insert(
    tx: &mut TenantTx,
    id: Uuid,
    class: Uuid,
    user: Uuid,
) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO class_staff (institution_id, id, class_id, user_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (institution_id, class_id, user_id) DO NOTHING",
        institution,
        id,
        class,
        user
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    Ok(done.rows_affected() == 1)
}

/// The id of a user's place on the staff of a class.
pub(super) async fn find(
    tx: &mut TenantTx,
    class: Uuid,
    user: Uuid,
) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM class_staff WHERE institution_id = $1 AND class_id = $2 AND user_id = $3",
        institution,
        class,
        user
    )
    .fetch_optional(tx.connection())
    .await?)
}
