//! Every SQL statement that relates users to classes and students.

use uuid::Uuid;

use crate::error::Error;
use crate::store::TenantTx;

/// Whether there is such a class.
pub(crate) async fn class_exists(tx: &mut TenantTx, class: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM classes WHERE institution_id = $1 AND id = $2) AS "exists!""#,
        institution,
        class
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Whether a user is on the staff of a class.
pub(crate) async fn teaches(tx: &mut TenantTx, class: Uuid, user: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM class_staff
                         WHERE institution_id = $1 AND class_id = $2 AND user_id = $3) AS "exists!""#,
        institution,
        class,
        user
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Whether a user is a student of a class, where `own` counts, or answers for one, where `guards` does: who holds a seat
/// there, or waits for one.
pub(super) async fn attends(
    tx: &mut TenantTx,
    class: Uuid,
    user: Uuid,
    own: bool,
    guards: bool,
) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(
               SELECT FROM enrollments e
               JOIN students s ON s.institution_id = $1 AND s.id = e.student_id
               WHERE e.institution_id = $1 AND e.class_id = $2
                 AND e.status IN ('ACTIVE', 'OFFERED', 'SUSPENDED', 'COMPLETED', 'WAITLISTED', 'PENDING')
                 AND ($4::boolean AND s.user_id = $3 OR $5::boolean AND s.id IN (
                     SELECT g.student_id FROM guardian_links g
                     JOIN institutions i ON i.institution_id = $1 AND i.id = $1
                     WHERE g.institution_id = $1 AND g.guardian_id = $3
                       AND coalesce(g.from_on, '-infinity') <= (now() AT TIME ZONE i.timezone)::date
                       AND coalesce(g.until_on, 'infinity') >= (now() AT TIME ZONE i.timezone)::date)))
           AS "exists!""#,
        institution,
        class,
        user,
        own,
        guards
    )
    .fetch_one(tx.connection())
    .await?)
}

/// The student that a user is, and those for whom the user answers on the institution's day of today.
pub(super) async fn related_students(
    tx: &mut TenantTx,
    user: Uuid,
    own: bool,
    guards: bool,
) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM students WHERE institution_id = $1 AND user_id = $2 AND $3::boolean
           UNION
           SELECT g.student_id FROM guardian_links g
           JOIN institutions i ON i.institution_id = $1 AND i.id = $1
           WHERE g.institution_id = $1 AND g.guardian_id = $2 AND $4::boolean
             AND coalesce(g.from_on, '-infinity') <= (now() AT TIME ZONE i.timezone)::date
             AND coalesce(g.until_on, 'infinity') >= (now() AT TIME ZONE i.timezone)::date"#,
        institution,
        user,
        own,
        guards
    )
    .fetch_all(tx.connection())
    .await?)
}
