//! Every SQL statement of programs, curricula and templates.

use axum::http::StatusCode;
use rust_decimal::Decimal;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

use super::model::{NewProgram, Program};
use super::template::Template;
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::taken("programs_institution_id_code_key", "code-taken", "/code", "this code"),
    Constraint::taken(
        "programs_institution_id_source_external_id_key",
        "external-id-taken",
        "/externalId",
        "this external id",
    ),
];

/// One row of `curriculum_items`; its position is its place in the list.
pub(super) struct ItemRow {
    pub(super) id: Uuid,
    pub(super) course: Uuid,
    pub(super) year: i32,
    pub(super) term: i32,
    pub(super) kind: &'static str,
    pub(super) group: Option<String>,
}

/// What the statistics count.
pub(super) struct StatsRow {
    pub(super) students: i64,
    pub(super) courses: i64,
    pub(super) active_classes: i64,
    pub(super) completed: i64,
    pub(super) counted: i64,
}

/// Inserts a program.
pub(super) async fn insert(
    tx: &mut TenantTx,
    id: Uuid,
    term_system: Uuid,
    credits: Decimal,
    new: &NewProgram,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO programs (institution_id, id, code, name, credits, term_system_id, source, external_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        institution,
        id,
        new.code,
        new.name,
        credits,
        term_system,
        new.source,
        new.external_id
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "program")
}

/// Writes a changed program.
pub(super) async fn update(tx: &mut TenantTx, program: &Program) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE programs SET code = $3, name = $4, status = $5 WHERE institution_id = $1 AND id = $2",
        institution,
        program.id,
        program.code,
        program.name,
        program.status
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "program")
}

/// Stores a template under its code and version; answers whether there was none.
pub(super) async fn insert_template(
    tx: &mut TenantTx,
    id: Uuid,
    template: &Template,
) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    let body = serde_json::to_value(template)
        .map_err(|error| Error::Defect(format!("a template does not encode: {error}")))?;
    let done = sqlx::query!(
        "INSERT INTO curriculum_templates (institution_id, id, code, version, body)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (institution_id, code, version) DO NOTHING",
        institution,
        id,
        template.code,
        template.version,
        body
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a template is stored; refuses one whose code and version another body has.
pub(super) async fn expect_same(tx: &mut TenantTx, template: &Template) -> Result<bool, Error> {
    // Compared as templates: "30" and "30.0" are one number, and what is absent is its default.
    match find_template(tx, &template.code, template.version).await? {
        Some((_, stored)) if stored != *template => Err(version_taken(template)),
        stored => Ok(stored.is_some()),
    }
}

/// A stored template.
pub(super) async fn find_template(
    tx: &mut TenantTx,
    code: &str,
    version: i32,
) -> Result<Option<(Uuid, Template)>, Error> {
    let institution = tx.institution().as_uuid();
    let row = sqlx::query!(
        "SELECT id, body FROM curriculum_templates WHERE institution_id = $1 AND code = $2 AND version = $3",
        institution,
        code,
        version
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let template = serde_json::from_value(row.body)
        .map_err(|error| Error::Defect(format!("a stored template does not decode: {error}")))?;
    Ok(Some((row.id, template)))
}

/// Inserts the first curriculum of a program.
pub(super) async fn insert_curriculum(
    tx: &mut TenantTx,
    id: Uuid,
    program: Uuid,
    template: &Template,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO curricula (institution_id, id, program_id, version, template_code, template_version,
                                credits_required)
         VALUES ($1, $2, $3, 1, $4, $5, $6)",
        institution,
        id,
        program,
        template.code,
        template.version,
        template.credits_required
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "curriculum")
}

/// Inserts the items of a curriculum in one statement.
pub(super) async fn insert_items(
    tx: &mut TenantTx,
    curriculum: Uuid,
    rows: &[ItemRow],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let courses: Vec<Uuid> = rows.iter().map(|row| row.course).collect();
    let years: Vec<i32> = rows.iter().map(|row| row.year).collect();
    let terms: Vec<i32> = rows.iter().map(|row| row.term).collect();
    let kinds: Vec<String> = rows.iter().map(|row| row.kind.to_owned()).collect();
    let groups: Vec<Option<String>> = rows.iter().map(|row| row.group.clone()).collect();
    sqlx::query!(
        "INSERT INTO curriculum_items
             (institution_id, id, curriculum_id, position, course_id, year, term, kind, group_code)
         SELECT $1, id, $2, position, course, year, term, kind, group_code
         FROM unnest($3::uuid[], $4::uuid[], $5::int[], $6::int[], $7::text[], $8::text[])
              WITH ORDINALITY AS item (id, course, year, term, kind, group_code, position)",
        institution,
        curriculum,
        &ids,
        &courses,
        &years,
        &terms,
        &kinds,
        &groups as &[Option<String>]
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// (course, prerequisite) by their codes: those of these courses, of what these need, and so on.
pub(super) async fn prerequisites_of(
    tx: &mut TenantTx,
    codes: &[String],
) -> Result<Vec<(String, String)>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query!(
        r#"WITH RECURSIVE needed AS (
               SELECT id FROM courses WHERE institution_id = $1 AND code = ANY($2)
               UNION
               SELECT p.prerequisite_id FROM needed n
               JOIN course_prerequisites p ON p.institution_id = $1 AND p.course_id = n.id)
           SELECT c.code AS course, r.code AS needed
           FROM needed n
           JOIN course_prerequisites p ON p.institution_id = $1 AND p.course_id = n.id
           JOIN courses c ON c.institution_id = $1 AND c.id = p.course_id
           JOIN courses r ON r.institution_id = $1 AND r.id = p.prerequisite_id"#,
        institution,
        codes
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.course, row.needed)).collect())
}

/// Inserts (course, prerequisite) pairs; those that are there stay.
pub(super) async fn insert_prerequisites(
    tx: &mut TenantTx,
    pairs: &[(Uuid, Uuid)],
) -> Result<(), Error> {
    if pairs.is_empty() {
        return Ok(());
    }
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = pairs.iter().map(|_| Uuid::now_v7()).collect();
    let (courses, needed): (Vec<Uuid>, Vec<Uuid>) = pairs.iter().copied().unzip();
    sqlx::query!(
        "INSERT INTO course_prerequisites (institution_id, id, course_id, prerequisite_id)
         SELECT $1, id, course, needed FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS pair (id, course, needed)
         ON CONFLICT (institution_id, course_id, prerequisite_id) DO NOTHING",
        institution,
        &ids,
        &courses,
        &needed
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Counts over the program's newest curriculum; none where there is no such program.
pub(super) async fn stats(tx: &mut TenantTx, program: Uuid) -> Result<Option<StatsRow>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        StatsRow,
        r#"WITH program AS (
               SELECT id FROM programs WHERE institution_id = $1 AND id = $2
           ), course AS (
               SELECT i.course_id FROM curriculum_items i
               WHERE i.institution_id = $1 AND i.curriculum_id = (
                   SELECT c.id FROM curricula c WHERE c.institution_id = $1 AND c.program_id = $2
                   ORDER BY c.version DESC LIMIT 1)
           ), class AS (
               SELECT c.id, c.status FROM classes c
               WHERE c.institution_id = $1 AND c.course_id IN (SELECT course_id FROM course)
           ), enrollment AS (
               SELECT e.student_id, e.status FROM enrollments e
               WHERE e.institution_id = $1 AND e.class_id IN (SELECT id FROM class)
                 AND e.status IN ('COMPLETED', 'DROPPED', 'WITHDRAWN', 'ACTIVE', 'SUSPENDED')
           )
           SELECT (SELECT count(DISTINCT student_id) FROM enrollment WHERE status IN ('ACTIVE', 'SUSPENDED')) AS "students!",
                  (SELECT count(*) FROM course) AS "courses!",
                  (SELECT count(*) FROM class WHERE status = 'ACTIVE') AS "active_classes!",
                  (SELECT count(*) FROM enrollment WHERE status = 'COMPLETED') AS "completed!",
                  (SELECT count(*) FROM enrollment) AS "counted!"
           FROM program"#,
        institution,
        program
    )
    .fetch_optional(tx.connection())
    .await?)
}

fn version_taken(template: &Template) -> Error {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "template",
        "The curriculum template cannot be used",
    )
    .field(FieldProblem::new(
        "/curriculumTemplate/version",
        "version-taken",
        format!(
            "version {} of `{}` is stored with another body: raise the version",
            template.version, template.code
        ),
    ))
    .into()
}
