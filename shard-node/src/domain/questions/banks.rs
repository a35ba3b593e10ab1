//! Banks: where questions are kept, for a course or for several.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{BANKS, store};
use crate::domain::checks::together_with;
use crate::error::Error;
use crate::operation::{Reply, Work};
use crate::resource::{self, Field, Kind, Resource, nullable};

/// A bank of questions.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuestionBank {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The course that it is for; null where it is for several.
    pub course_id: Option<Uuid>,
    /// How many questions may be drawn from it.
    pub active_questions: i64,
    /// The system that it came from.
    pub source: Option<String>,
    /// Its id there.
    pub external_id: Option<String>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A bank to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewBank {
    /// Its name.
    #[garde(length(chars, min = 1, max = 300))]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    #[garde(length(chars, max = 2_000))]
    pub description: String,
    /// The course that it is for.
    #[garde(skip)]
    pub course_id: Option<Uuid>,
    /// The system that it came from; together with `externalId` unique.
    #[garde(
        length(chars, min = 1, max = 64),
        custom(together_with("externalId", self.external_id.as_ref()))
    )]
    pub source: Option<String>,
    /// Its id there.
    #[garde(
        length(chars, min = 1, max = 128),
        custom(together_with("source", self.source.as_ref()))
    )]
    pub external_id: Option<String>,
}

/// A change of a bank; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchBank {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Another name.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    pub name: Option<String>,
    /// What it is for.
    #[garde(inner(length(chars, max = 2_000)))]
    pub description: Option<String>,
    /// Another course, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    #[garde(skip)]
    pub course_id: Option<Option<Uuid>>,
}

impl PatchBank {
    fn apply_to(self, mut bank: QuestionBank) -> QuestionBank {
        bank.name = self.name.unwrap_or(bank.name);
        bank.description = self.description.unwrap_or(bank.description);
        bank.course_id = self.course_id.unwrap_or(bank.course_id);
        bank
    }
}

impl Resource for QuestionBank {
    const ENTITY: &'static str = "question_banks";
    const KIND: &'static str = "QUESTION_BANK";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "question bank";
    const SELECT: &'static str = "SELECT t.id, t.name, t.description, t.course_id, \
        (SELECT count(*) FROM questions q WHERE q.institution_id = t.institution_id AND q.bank_id = t.id \
         AND q.status = 'ACTIVE') AS active_questions, \
        t.source, t.external_id, t.row_version, t.created_at, t.updated_at FROM question_banks t";
    const FIELDS: &'static [Field] = &[
        Field::id("question_banks", "question bank"),
        Field::both("name", "t.name", Kind::Text),
        Field::reference("courseId", "t.course_id", "courses", "course"),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "name",
        "description",
        "courseId",
        "activeQuestions",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}

/// Creates one.
pub(super) async fn create(work: &mut Work, input: NewBank) -> Result<Reply<QuestionBank>, Error> {
    let id = Uuid::now_v7();
    store::insert_bank(work.tx(), id, &input).await?;
    resource::created(work, id, BANKS).await
}

/// Changes one.
pub(super) async fn update(
    work: &mut Work,
    patch: PatchBank,
) -> Result<Reply<QuestionBank>, Error> {
    let bank = resource::lock::<QuestionBank>(work, patch.id).await?;
    let bank = patch.apply_to(bank);
    store::update_bank(work.tx(), &bank).await?;
    resource::updated(work, bank.id).await
}
