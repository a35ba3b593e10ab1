//! Every SQL statement of banks and questions.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use sqlx::types::Json;
use uuid::Uuid;

use super::banks::{NewBank, QuestionBank};
use super::blueprint::{Blueprint, Draw, Fixed, POOL_MAX, Pool, PooledQuestion, SectionKind};
use super::definition::{Content, Difficulty};
use super::model::{NewQuestion, Question, Version};
use crate::error::{Error, unknown_reference};
use crate::resource::expect_one;
use crate::store::TenantTx;
use crate::store::constraint::{Constraint, explain};

const CONSTRAINTS: &[Constraint] = &[
    Constraint::unknown("question_banks_institution_id_course_id_fkey", "/courseId", "course"),
    Constraint::unknown("questions_institution_id_bank_id_fkey", "/bankId", "question bank"),
    Constraint::taken(
        "question_banks_institution_id_source_external_id_key",
        "external-id-taken",
        "/externalId",
        "this external id",
    ),
    Constraint::taken(
        "questions_institution_id_source_external_id_key",
        "external-id-taken",
        "/externalId",
        "this external id",
    ),
];

/// Inserts a bank.
pub(super) async fn insert_bank(tx: &mut TenantTx, id: Uuid, new: &NewBank) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO question_banks (institution_id, id, name, description, course_id, source, external_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        institution,
        id,
        new.name,
        new.description,
        new.course_id,
        new.source,
        new.external_id
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "question bank")
}

/// Writes a changed bank.
pub(super) async fn update_bank(tx: &mut TenantTx, bank: &QuestionBank) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE question_banks SET name = $3, description = $4, course_id = $5
         WHERE institution_id = $1 AND id = $2",
        institution,
        bank.id,
        bank.name,
        bank.description,
        bank.course_id
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "question bank")
}

/// Inserts a question, of which no version is there yet.
pub(super) async fn insert_question(
    tx: &mut TenantTx,
    id: Uuid,
    new: &NewQuestion,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO questions (institution_id, id, bank_id, source, external_id) VALUES ($1, $2, $3, $4, $5)",
        institution,
        id,
        new.bank_id,
        new.source,
        new.external_id
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "question")
}

/// Writes where a question is, whether it is drawn, and which version is the newest.
pub(super) async fn update_question(tx: &mut TenantTx, question: &Question) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE questions SET bank_id = $3, status = $4, version = $5 WHERE institution_id = $1 AND id = $2",
        institution,
        question.id,
        question.bank_id,
        question.status,
        question.version
    )
    .execute(tx.connection())
    .await
    .map_err(|error| explain(error, CONSTRAINTS))?;
    expect_one(done.rows_affected(), "question")
}

/// Inserts a version of a question.
pub(super) async fn insert_version(
    tx: &mut TenantTx,
    question: Uuid,
    number: i32,
    version: &Version,
    editor: Uuid,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let content = serde_json::to_value(&version.content)
        .map_err(|error| Error::Defect(format!("a question does not encode: {error}")))?;
    let done = sqlx::query!(
        "INSERT INTO question_versions
             (institution_id, id, question_id, version, type, title, difficulty, tags, content, edited_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        institution,
        Uuid::now_v7(),
        question,
        number,
        version.kind().as_str(),
        version.title,
        version.difficulty,
        &version.tags,
        content,
        editor
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "question version")
}

/// The questions that a blueprint may use, as they are now: 404 with its place where it names a bank or question that
/// is not there, 422 `question-retired` where it names one that is not drawn any more, 422 `pool-too-large` past 2,000.
pub async fn pool_of(tx: &mut TenantTx, blueprint: &Blueprint) -> Result<Pool, Error> {
    let mut questions = BTreeMap::new();
    for (number, section) in blueprint.sections.iter().enumerate() {
        let at = format!("/blueprint/sections/{number}/kind");
        let found = match &section.kind {
            SectionKind::Draw(draw) => drawable(tx, draw, &at).await?,
            SectionKind::Fixed(fixed) => named(tx, fixed, &at).await?,
        };
        questions.extend(found.into_iter().map(|question| (question.id, question)));
        if questions.len() > POOL_MAX {
            let detail =
                format!("at most {POOL_MAX} questions are expected in all that sections draw from");
            return Err(unfit("pool-too-large", at, detail));
        }
    }
    Ok(Pool { questions: questions.into_values().collect() })
}

/// A row of a question with its newest version.
struct Row {
    id: Uuid,
    version: i32,
    bank_id: Uuid,
    status: String,
    tags: Vec<String>,
    difficulty: String,
    content: Json<Content>,
}

impl Row {
    fn pooled(self) -> PooledQuestion {
        PooledQuestion {
            id: self.id,
            version: self.version,
            bank_id: self.bank_id,
            tags: self.tags,
            // The column takes no other word.
            difficulty: Difficulty::of(&self.difficulty).unwrap_or_default(),
            content: self.content.0,
        }
    }
}

async fn drawable(tx: &mut TenantTx, draw: &Draw, at: &str) -> Result<Vec<PooledQuestion>, Error> {
    let institution = tx.institution().as_uuid();
    let limit = i64::try_from(POOL_MAX + 1).unwrap_or(i64::MAX);
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT q.id, q.version, q.bank_id, q.status, v.tags, v.difficulty, v.content AS "content: Json<Content>"
           FROM questions q
           JOIN question_versions v ON v.institution_id = $1 AND v.question_id = q.id AND v.version = q.version
           WHERE q.institution_id = $1 AND q.bank_id = $2 AND q.status = 'ACTIVE' AND v.tags @> $3
             AND ($4::text IS NULL OR v.difficulty = $4)
           ORDER BY q.id LIMIT $5"#,
        institution,
        draw.bank_id,
        &draw.tags,
        draw.difficulty.map(Difficulty::as_str),
        limit
    )
    .fetch_all(tx.connection())
    .await?;
    if rows.is_empty() && !bank_exists(tx, draw.bank_id).await? {
        return Err(unknown_reference(format!("{at}/bankId"), "question bank").into());
    }
    Ok(rows.into_iter().map(Row::pooled).collect())
}

async fn bank_exists(tx: &mut TenantTx, bank: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    let exists = sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM question_banks WHERE institution_id = $1 AND id = $2) AS "exists!""#,
        institution,
        bank
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(exists)
}

async fn named(tx: &mut TenantTx, fixed: &Fixed, at: &str) -> Result<Vec<PooledQuestion>, Error> {
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = fixed.items.iter().map(|item| item.question_id).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT q.id, q.version, q.bank_id, q.status, v.tags, v.difficulty, v.content AS "content: Json<Content>"
           FROM questions q
           JOIN question_versions v ON v.institution_id = $1 AND v.question_id = q.id AND v.version = q.version
           WHERE q.institution_id = $1 AND q.id = ANY($2)"#,
        institution,
        &ids
    )
    .fetch_all(tx.connection())
    .await?;
    for (place, id) in ids.iter().enumerate() {
        let pointer = format!("{at}/items/{place}/questionId");
        match rows.iter().find(|row| row.id == *id) {
            None => return Err(unknown_reference(pointer, "question").into()),
            Some(row) if row.status != "ACTIVE" => {
                let detail = "a question that is ACTIVE is expected".to_owned();
                return Err(unfit("question-retired", pointer, detail));
            }
            Some(_) => {}
        }
    }
    Ok(rows.into_iter().map(Row::pooled).collect())
}

fn unfit(code: &'static str, pointer: String, detail: String) -> Error {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        code,
        "The blueprint asks for questions that it cannot have",
    )
    .field(FieldProblem::new(pointer, code, detail))
    .into()
}
