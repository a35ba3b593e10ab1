//! Use cases of questions.

use axum::http::StatusCode;
use rust_decimal::Decimal;
use service_kit::Problem;
use uuid::Uuid;

use super::blueprint::PooledQuestion;
use super::definition::{Content, Difficulty};
use super::draw;
use super::model::{
    NewQuestion, PatchQuestion, PreviewQuestion, Question, QuestionPreview, Version,
};
use super::paper::PaperItem;
use super::seed::Seed;
use super::{QUESTIONS, rules, store};
use crate::domain::grading::{ItemKey, VariantKey, full_marks};
use crate::error::Error;
use crate::operation::{Reader, Reply, Work};
use crate::resource;

/// What a question is worth where nobody has said it.
const PREVIEW_POINTS: Decimal = Decimal::ONE;

/// Creates a question with its first version.
pub(super) async fn create(work: &mut Work, input: NewQuestion) -> Result<Reply<Question>, Error> {
    let id = Uuid::now_v7();
    store::insert_question(work.tx(), id, &input).await?;
    let version = input.version();
    expect_sound(&version.content).await?;
    let editor = work.caller.subject;
    store::insert_version(work.tx(), id, 1, &version, editor).await?;
    resource::created(work, id, QUESTIONS).await
}

/// Changes one; where more than its bank and status change, by a new version.
pub(super) async fn update(
    work: &mut Work,
    patch: PatchQuestion,
) -> Result<Reply<Question>, Error> {
    let mut question = resource::lock::<Question>(work, patch.id).await?;
    question.bank_id = patch.bank_id.unwrap_or(question.bank_id);
    if let Some(status) = &patch.status {
        question.status.clone_from(status);
    }
    let before = Version::of(&question);
    let after = before.clone().changed(patch);
    let is_edited = after != before;
    question.version += i32::from(is_edited);
    store::update_question(work.tx(), &question).await?;
    if is_edited {
        expect_sound(&after.content).await?;
        let editor = work.caller.subject;
        store::insert_version(work.tx(), question.id, question.version, &after, editor).await?;
    }
    resource::updated(work, question.id).await
}

/// Shows one as a student might see it.
pub(super) async fn preview(
    reader: &Reader,
    input: PreviewQuestion,
) -> Result<QuestionPreview, Error> {
    let question: Question = resource::find(reader, input.id).await?;
    let pooled = pooled(question);
    let drawn = draw::instance(&pooled, PREVIEW_POINTS, Seed::sample(input.sample));
    let instance = drawn.map_err(|error| unsound().detail(error.to_string()))?;
    let item = "i1".to_owned();
    let key = ItemKey {
        item: item.clone(),
        question_id: pooled.id,
        question_version: pooled.version,
        points: PREVIEW_POINTS,
        rule: instance.rule,
    };
    let item = PaperItem {
        item,
        section: String::new(),
        points: PREVIEW_POINTS,
        statement: instance.statement,
        field: instance.field,
        parts: instance.parts,
    };
    Ok(QuestionPreview { item, answers: full_marks(&VariantKey { items: vec![key] }) })
}

fn pooled(question: Question) -> PooledQuestion {
    let Question { id, version, bank_id, tags, difficulty, content, .. } = question;
    let difficulty = Difficulty::of(&difficulty).unwrap_or_default();
    PooledQuestion { id, version, bank_id, tags, difficulty, content }
}

/// 422 with every fault and its place, where a question could not be drawn, or not be graded.
async fn expect_sound(content: &Content) -> Result<(), Error> {
    let content = content.clone();
    // It draws and grades: some milliseconds, or a fifth of a second where an author means ill.
    let faults = tokio::task::spawn_blocking(move || rules::faults(&content)).await;
    let faults =
        faults.map_err(|error| Error::Defect(format!("a question was not tried: {error}")))?;
    if faults.is_empty() {
        return Ok(());
    }
    Err(faults.into_iter().fold(unsound(), Problem::field).into())
}

fn unsound() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "question-unsound",
        "The question could not be asked or graded",
    )
}
