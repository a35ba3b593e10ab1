//! Every SQL statement of classes and their subjects.

use uuid::Uuid;

use super::model::{Class, NewClass};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken(
        "classes_institution_id_term_id_code_key",
        "code-taken",
        "/code",
        "this code",
    ),
    Constraint::taken(
        "classes_institution_id_source_external_id_key",
        "external-id-taken",
        "/externalId",
        "this external id",
    ),
    Constraint::unknown("classes_institution_id_course_id_fkey", "/courseId", "course"),
    Constraint::unknown("classes_institution_id_term_id_fkey", "/termId", "term"),
];

/// The title of a course, which stays until the transaction ends; none where there is no such course.
pub(super) async fn hold_course(tx: &mut TenantTx, course: Uuid) -> Result<Option<String>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT title FROM courses WHERE institution_id = $1 AND id = $2 FOR KEY SHARE",
        institution,
        course
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// The subjects of a course, which stay until the transaction ends.
pub(super) async fn hold_subjects(tx: &mut TenantTx, course: Uuid) -> Result<Vec<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT id FROM subjects WHERE institution_id = $1 AND course_id = $2 ORDER BY id FOR KEY SHARE",
        institution,
        course
    )
    .fetch_all(tx.connection())
    .await?)
}

/// Inserts a class.
pub(super) async fn insert(
    tx: &mut TenantTx,
    id: Uuid,
    title: &str,
    new: &NewClass,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO classes (institution_id, id, course_id, term_id, code, title, capacity,
                              waitlist_capacity, offer_hours, source, external_id, timezone)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        institution,
        id,
        new.course_id,
        new.term_id,
        new.code,
        title,
        new.capacity,
        new.waitlist_capacity,
        new.offer_hours,
        new.source,
        new.external_id,
        new.timezone
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "class")
}

/// Gives a class its subjects in one statement.
pub(super) async fn insert_subjects(
    tx: &mut TenantTx,
    class: Uuid,
    subjects: &[Uuid],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = subjects.iter().map(|_| Uuid::now_v7()).collect();
    sqlx::query!(
        "INSERT INTO class_subjects (institution_id, id, class_id, subject_id)
         SELECT $1, id, $2, subject FROM unnest($3::uuid[], $4::uuid[]) AS pair (id, subject)",
        institution,
        class,
        &ids,
        subjects
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes a changed class; `seats_taken` is not its to change.
pub(super) async fn update(tx: &mut TenantTx, class: &Class) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE classes SET code = $3, title = $4, status = $5, capacity = $6, waitlist_capacity = $7,
                            offer_hours = $8, timezone = $9
         WHERE institution_id = $1 AND id = $2",
        institution,
        class.id,
        class.code,
        class.title,
        class.status,
        class.capacity,
        class.waitlist_capacity,
        class.offer_hours,
        class.timezone
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "class")
}
