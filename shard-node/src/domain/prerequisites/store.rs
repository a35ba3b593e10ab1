//! Every SQL statement of prerequisites, but for those of templates (`programs`).

use uuid::Uuid;

use crate::error::Error;
use crate::store::TenantTx;

/// Keeps others from adding prerequisites in the institution until the transaction ends.
pub(crate) async fn lock(tx: &mut TenantTx) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('lxp.prerequisites', uuid_hash_extended($1, 0)))",
        institution
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Those of the ids that are courses, which stay until the transaction ends.
pub(super) async fn known(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM courses WHERE institution_id = $1 AND id = ANY($2) ORDER BY id FOR KEY SHARE",
        institution,
        ids
    )
    .fetch_all(tx.connection())
    .await?)
}

/// A course and all that it demands, over others or at once.
pub(super) async fn demanded(tx: &mut TenantTx, course: Uuid) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"WITH RECURSIVE needed AS (
               SELECT $2::uuid AS id
               UNION
               SELECT p.prerequisite_id FROM needed n
               JOIN course_prerequisites p ON p.institution_id = $1 AND p.course_id = n.id)
           SELECT id AS "id!" FROM needed"#,
        institution,
        course
    )
    .fetch_all(tx.connection())
    .await?)
}

/// Adds one; answers whether it was new.
pub(super) async fn insert(
    tx: &mut TenantTx,
    id: Uuid,
    course: Uuid,
    prerequisite: Uuid,
) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO course_prerequisites (institution_id, id, course_id, prerequisite_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (institution_id, course_id, prerequisite_id) DO NOTHING",
        institution,
        id,
        course,
        prerequisite
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The id of one.
pub(super) async fn find(
    tx: &mut TenantTx,
    course: Uuid,
    prerequisite: Uuid,
) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM course_prerequisites WHERE institution_id = $1 AND course_id = $2 AND prerequisite_id = $3",
        institution,
        course,
        prerequisite
    )
    .fetch_optional(tx.connection())
    .await?)
}
