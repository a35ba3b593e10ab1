//! Every SQL statement of courses.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Course, NewCourse};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken("courses_institution_id_code_key", "code-taken", "/code", "this code"),
    Constraint::taken(
        "courses_institution_id_source_external_id_key",
        "external-id-taken",
        "/externalId",
        "this external id",
    ),
];

/// Inserts a course and its default subject `MAIN`.
pub(crate) async fn insert(tx: &mut TenantTx, id: Uuid, new: &NewCourse) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "WITH course AS (
             INSERT INTO courses (institution_id, id, code, title, credits, source, external_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id)
         INSERT INTO subjects (institution_id, id, course_id, code, name)
         SELECT $1, $8, id, 'MAIN', $4 FROM course",
        institution,
        id,
        new.code,
        new.title,
        new.credits,
        new.source,
        new.external_id,
        Uuid::now_v7()
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "course")
}

/// Writes a changed course.
pub(super) async fn update(tx: &mut TenantTx, course: &Course) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE courses SET code = $3, title = $4, credits = $5, status = $6
         WHERE institution_id = $1 AND id = $2",
        institution,
        course.id,
        course.code,
        course.title,
        course.credits,
        course.status
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "course")
}

/// Ids and credits of courses by their codes; a code that is no course's is absent.
pub(crate) async fn by_codes(
    tx: &mut TenantTx,
    codes: &[String],
) -> Result<HashMap<String, (Uuid, rust_decimal::Decimal)>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        "SELECT id, code, credits FROM courses WHERE institution_id = $1 AND code = ANY($2)",
        institution,
        codes
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, (row.id, row.credits))).collect())
}
