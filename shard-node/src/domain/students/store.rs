//! Every SQL statement of students and their users.

use sqlx::postgres::PgQueryResult;
use uuid::Uuid;

use super::model::{NewStudent, Student};
use super::rules::{Known, Planned, external};
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken(
        "students_institution_id_student_no_key",
        "student-no-taken",
        "/studentNo",
        "this student number",
    ),
    Constraint::taken(
        "students_institution_id_source_external_id_key",
        "external-id-taken",
        "/externalId",
        "this external id",
    ),
    Constraint::unknown("students_institution_id_program_id_fkey", "/programId", "program"),
];

/// Inserts a student and its user.
pub(super) async fn insert(tx: &mut TenantTx, planned: &Planned) -> Result<(), Error> {
    let done = insert_rows(tx, std::slice::from_ref(planned))
        .await
        .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "student")
}

/// Inserts many students and their users; a violated constraint is not explained, as it is a race.
pub(super) async fn insert_all(tx: &mut TenantTx, planned: &[Planned]) -> Result<(), Error> {
    if planned.is_empty() {
        return Ok(());
    }
    let done = insert_rows(tx, planned).await?;
    match usize::try_from(done.rows_affected()) {
        Ok(rows) if rows == planned.len() => Ok(()),
        _ => Err(Error::Defect(format!("{} students were inserted", done.rows_affected()))),
    }
}

/// In order of student numbers, so that two calls with the same students rather wait than deadlock.
async fn insert_rows(tx: &mut TenantTx, planned: &[Planned]) -> Result<PgQueryResult, sqlx::Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = planned.iter().map(|row| row.id).collect();
    let users: Vec<Uuid> = planned.iter().map(|row| row.user_id).collect();
    let text = |get: fn(&NewStudent) -> &String| -> Vec<String> {
        planned.iter().map(|row| get(&row.new).clone()).collect()
    };
    let optional = |get: fn(&NewStudent) -> &Option<String>| -> Vec<Option<String>> {
        planned.iter().map(|row| get(&row.new).clone()).collect()
    };
    let programs: Vec<Option<Uuid>> = planned.iter().map(|row| row.new.program_id).collect();
    let cohorts: Vec<Option<i32>> = planned.iter().map(|row| row.new.cohort_year).collect();
    let granted = json_texts(planned)?;
    sqlx::query!(
        "WITH new AS (
             SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
                                  $8::uuid[], $9::int[], $10::text[], $11::text[], $12::text[], $13::text[])
                 AS new (id, user_id, student_no, given_name, family_name, email, program_id, cohort_year,
                         standing, source, external_id, granted)),
         person AS (
             INSERT INTO users (institution_id, id, given_name, family_name, email)
             SELECT $1, user_id, given_name, family_name, email FROM new)
         INSERT INTO students (institution_id, id, user_id, student_no, program_id, cohort_year, standing,
                               source, external_id, accommodations)
         SELECT $1, id, user_id, student_no, program_id, cohort_year, standing, source, external_id, granted::jsonb
         FROM new ORDER BY student_no",
        institution,
        &ids,
        &users,
        &text(|new| &new.student_no),
        &text(|new| &new.given_name),
        &text(|new| &new.family_name),
        &optional(|new| &new.email) as &[Option<String>],
        &programs as &[Option<Uuid>],
        &cohorts as &[Option<i32>],
        &text(|new| &new.standing),
        &optional(|new| &new.source) as &[Option<String>],
        &optional(|new| &new.external_id) as &[Option<String>],
        &granted as &[Option<String>]
    )
    .execute(tx.connection())
    .await
}

/// What students are granted, each as the text of its JSON.
fn json_texts(planned: &[Planned]) -> Result<Vec<Option<String>>, sqlx::Error> {
    let text =
        |row: &Planned| row.new.accommodations.as_ref().map(serde_json::to_string).transpose();
    planned
        .iter()
        .map(text)
        .collect::<Result<_, _>>()
        .map_err(|error| sqlx::Error::Encode(error.into()))
}

/// Writes what a changed student has of its own. The row version rises even where only names changed.
pub(super) async fn update(tx: &mut TenantTx, student: &Student) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE students SET student_no = $3, program_id = $4, cohort_year = $5, standing = $6, accommodations = $7
         WHERE institution_id = $1 AND id = $2",
        institution,
        student.id,
        student.student_no,
        student.program_id,
        student.cohort_year,
        student.standing,
        student.accommodations.as_ref() as _
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "student")
}

/// Writes what a changed student has from its user.
pub(super) async fn update_user(tx: &mut TenantTx, student: &Student) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE users SET given_name = $3, family_name = $4, email = $5
         WHERE institution_id = $1 AND id = $2",
        institution,
        student.user_id,
        student.given_name,
        student.family_name,
        student.email
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "user")
}

/// Deletes the user that a student was; refused while something else refers to it.
pub(super) async fn delete_user(tx: &mut TenantTx, user: Uuid) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done =
        sqlx::query!("DELETE FROM users WHERE institution_id = $1 AND id = $2", institution, user)
            .execute(tx.connection())
            .await?;
    expect_one(done.rows_affected(), "user")
}

/// What of these students somebody has already, and which of their programs there are; the programs stay
/// until the transaction ends.
pub(super) async fn known(tx: &mut TenantTx, wanted: &[&NewStudent]) -> Result<Known, Error> {
    let mut known = Known::default();
    let institution = tx.institution().as_uuid();
    let numbers: Vec<String> = wanted.iter().map(|new| new.student_no.clone()).collect();
    let (sources, external_ids): (Vec<String>, Vec<String>) =
        wanted.iter().filter_map(|new| external(new)).unzip();
    let holders = sqlx::query!(
        r#"SELECT id AS "id!", student_no AS "student_no!", source, external_id FROM students
           WHERE institution_id = $1 AND student_no = ANY($2)
           UNION
           SELECT s.id, s.student_no, s.source, s.external_id
           FROM unnest($3::text[], $4::text[]) AS wanted (source, external_id)
           JOIN students s ON s.institution_id = $1 AND s.source = wanted.source
                          AND s.external_id = wanted.external_id"#,
        institution,
        &numbers,
        &sources,
        &external_ids
    )
    .fetch_all(tx.connection())
    .await?;
    for holder in holders {
        known.add(holder.id, &holder.student_no, holder.source.zip(holder.external_id));
    }
    let programs: Vec<Uuid> = wanted.iter().filter_map(|new| new.program_id).collect();
    let programs = sqlx::query_scalar!(
        "SELECT id FROM programs WHERE institution_id = $1 AND id = ANY($2) ORDER BY id FOR KEY SHARE",
        institution,
        &programs
    )
    .fetch_all(tx.connection())
    .await?;
    known.programs.extend(programs);
    Ok(known)
}
