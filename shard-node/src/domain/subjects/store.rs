//! Every SQL statement of subjects.

use uuid::Uuid;

use super::{NewSubject, Subject};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken(
        "subjects_institution_id_course_id_code_key",
        "code-taken",
        "/code",
        "this code",
    ),
    Constraint::unknown("subjects_institution_id_course_id_fkey", "/courseId", "course"),
];

/// Inserts a subject.
pub(super) async fn insert(tx: &mut TenantTx, id: Uuid, new: &NewSubject) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO subjects (institution_id, id, course_id, code, name) VALUES ($1, $2, $3, $4, $5)",
        institution,
        id,
        new.course_id,
        new.code,
        new.name
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "subject")
}

/// Writes a changed subject.
pub(super) async fn update(tx: &mut TenantTx, subject: &Subject) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE subjects SET code = $3, name = $4 WHERE institution_id = $1 AND id = $2",
        institution,
        subject.id,
        subject.code,
        subject.name
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "subject")
}

/// Locks the course of a subject; none where there is no such subject.
pub(super) async fn lock_course_of(
    tx: &mut TenantTx,
    subject: Uuid,
) -> Result<Option<Uuid>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        "SELECT c.id FROM subjects s
         JOIN courses c ON c.institution_id = s.institution_id AND c.id = s.course_id
         WHERE s.institution_id = $1 AND s.id = $2 FOR NO KEY UPDATE OF c",
        institution,
        subject
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Whether a course has a subject beside this one; a statement of its own, with a snapshot younger than the lock.
pub(super) async fn has_another(
    tx: &mut TenantTx,
    course: Uuid,
    subject: Uuid,
) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM subjects
                         WHERE institution_id = $1 AND course_id = $2 AND id <> $3) AS "exists!""#,
        institution,
        course,
        subject
    )
    .fetch_one(tx.connection())
    .await?)
}
