//! A question, new, changed, as it is read, and its versions.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::definition::{Body, Content, Difficulty, Formula, Parameter, QuestionType};
use super::paper::PaperItem;
use super::rules::valid_tags;
use crate::domain::checks::together_with;
use crate::domain::grading::Answers;
use crate::resource::{Field, Kind, Resource, Scope};

/// A question as its newest version has it, the key among it.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Its id.
    pub id: Uuid,
    /// The bank that it is in.
    pub bank_id: Uuid,
    /// ACTIVE, or RETIRED: not drawn any more.
    pub status: String,
    /// The number of its newest version, from 1.
    pub version: i32,
    /// How it is answered.
    #[serde(rename = "type")]
    #[sqlx(rename = "type")]
    pub kind: String,
    /// What authors call it; students do not see it.
    pub title: String,
    /// EASY, MEDIUM or HARD.
    pub difficulty: String,
    /// What it is found and drawn by.
    pub tags: Vec<String>,
    /// What it says.
    #[sqlx(json)]
    #[serde(flatten)]
    pub content: Content,
    /// The system that it came from.
    pub source: Option<String>,
    /// Its id there.
    pub external_id: Option<String>,
    /// Raised by every change, also by one that makes no version.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A question to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewQuestion {
    /// The bank that it goes to.
    #[garde(skip)]
    pub bank_id: Uuid,
    /// What authors call it; students do not see it.
    #[garde(length(chars, min = 1, max = 300))]
    pub title: String,
    /// How hard it is; MEDIUM where absent.
    #[serde(default)]
    #[garde(skip)]
    pub difficulty: Difficulty,
    /// What it is found and drawn by.
    #[serde(default)]
    #[garde(custom(valid_tags))]
    pub tags: Vec<String>,
    /// What is asked, with `{{name}}` where a parameter's value goes, and `[[name]]` where a cloze has a gap.
    #[garde(skip)]
    pub statement: String,
    /// Whether choices, and what is to be matched, come in an order of each student's own; so where absent.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub shuffle: bool,
    /// Its parameters, in order: what is derived refers to those before it.
    #[serde(default)]
    #[garde(skip)]
    pub parameters: Vec<Parameter>,
    /// What the values of parameters must fulfil, such as `a != b`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    #[garde(skip)]
    pub constraints: Vec<Formula>,
    /// How it is answered, and what is right.
    #[garde(skip)]
    pub body: Body,
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

fn yes() -> bool {
    true
}

/// A change of a question; what is absent stays. What changes more than bank and status makes a new version.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchQuestion {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Another bank.
    #[garde(skip)]
    pub bank_id: Option<Uuid>,
    /// ACTIVE, or RETIRED: not drawn any more.
    #[garde(inner(custom(valid_status)))]
    pub status: Option<String>,
    /// Another title.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    pub title: Option<String>,
    /// Another difficulty.
    #[garde(skip)]
    pub difficulty: Option<Difficulty>,
    /// Other tags.
    #[garde(inner(custom(valid_tags)))]
    pub tags: Option<Vec<String>>,
    /// Another statement.
    #[garde(skip)]
    pub statement: Option<String>,
    /// Whether it is shuffled.
    #[garde(skip)]
    pub shuffle: Option<bool>,
    /// Other parameters.
    #[garde(skip)]
    pub parameters: Option<Vec<Parameter>>,
    /// Other constraints.
    #[schema(value_type = Option<Vec<String>>)]
    #[garde(skip)]
    pub constraints: Option<Vec<Formula>>,
    /// Another body.
    #[garde(skip)]
    pub body: Option<Body>,
}

/// What `status` may be.
const STATUSES: &[&str] = &["ACTIVE", "RETIRED"];

fn valid_status(value: &str, (): &()) -> garde::Result {
    if STATUSES.contains(&value) {
        return Ok(());
    }
    Err(garde::Error::new("ACTIVE or RETIRED is expected"))
}

impl NewQuestion {
    /// What its first version says.
    pub(super) fn version(self) -> Version {
        let Self {
            title, difficulty, tags, statement, shuffle, parameters, constraints, body, ..
        } = self;
        let content = Content { statement, shuffle, parameters, constraints, body };
        Version { title, difficulty: difficulty.as_str().to_owned(), tags, content }
    }
}

/// What a version of a question keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) title: String,
    pub(super) difficulty: String,
    pub(super) tags: Vec<String>,
    pub(super) content: Content,
}

impl Version {
    /// The newest one of a question.
    pub(super) fn of(question: &Question) -> Self {
        Self {
            title: question.title.clone(),
            difficulty: question.difficulty.clone(),
            tags: question.tags.clone(),
            content: question.content.clone(),
        }
    }

    /// How it is answered.
    pub(super) fn kind(&self) -> QuestionType {
        self.content.body.kind()
    }

    /// The version after a change.
    pub(super) fn changed(self, patch: PatchQuestion) -> Self {
        let Content { statement, shuffle, parameters, constraints, body } = self.content;
        let difficulty = patch.difficulty.map(|difficulty| difficulty.as_str().to_owned());
        Self {
            title: patch.title.unwrap_or(self.title),
            difficulty: difficulty.unwrap_or(self.difficulty),
            tags: patch.tags.unwrap_or(self.tags),
            content: Content {
                statement: patch.statement.unwrap_or(statement),
                shuffle: patch.shuffle.unwrap_or(shuffle),
                parameters: patch.parameters.unwrap_or(parameters),
                constraints: patch.constraints.unwrap_or(constraints),
                body: patch.body.unwrap_or(body),
            },
        }
    }
}

impl Resource for Question {
    const ENTITY: &'static str = "questions";
    const KIND: &'static str = "QUESTION";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "question";
    const SELECT: &'static str = "SELECT t.id, t.bank_id, t.status, t.version, v.type, v.title, v.difficulty, v.tags, \
        v.content, t.source, t.external_id, t.row_version, t.created_at, t.updated_at FROM questions t \
        JOIN question_versions v ON v.institution_id = t.institution_id AND v.question_id = t.id AND v.version = t.version";
    const FIELDS: &'static [Field] = &[
        Field::id("questions", "question"),
        Field::reference("bankId", "t.bank_id", "question_banks", "question bank"),
        Field::filter("status", "t.status", Kind::OneOf(STATUSES)),
        Field::both("type", "v.type", Kind::OneOf(&QuestionType::WORDS)),
        Field::both("title", "v.title", Kind::Text),
        Field::filter("difficulty", "v.difficulty", Kind::OneOf(&Difficulty::WORDS)),
        Field::holding("tag", "v.tags", Kind::Text),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "bankId",
        "status",
        "version",
        "type",
        "title",
        "difficulty",
        "tags",
        "statement",
        "shuffle",
        "parameters",
        "constraints",
        "body",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
    /// The key leaves by no event.
    const UNRECORDED: &'static [&'static str] = &["statement", "parameters", "constraints", "body"];
}

/// A version of a question, as it will always be.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuestionVersion {
    /// Its id.
    pub id: Uuid,
    /// The question.
    pub question_id: Uuid,
    /// Its number, from 1.
    pub version: i32,
    /// How it is answered.
    #[serde(rename = "type")]
    #[sqlx(rename = "type")]
    pub kind: String,
    /// What authors called it.
    pub title: String,
    /// EASY, MEDIUM or HARD.
    pub difficulty: String,
    /// What it was found and drawn by.
    pub tags: Vec<String>,
    /// What it says.
    #[sqlx(json)]
    #[serde(flatten)]
    pub content: Content,
    /// The user who wrote it.
    pub edited_by: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// The versions of a question.
#[derive(Debug)]
pub struct OfQuestion;

impl Scope for OfQuestion {
    const NAME: &'static str = "questionId";
}

impl Resource for QuestionVersion {
    const ENTITY: &'static str = "question_versions";
    const KIND: &'static str = "QUESTION_VERSION";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "question version";
    const SELECT: &'static str = "SELECT t.id, t.question_id, t.version, t.type, t.title, t.difficulty, t.tags, t.content, \
        t.edited_by, t.created_at FROM question_versions t";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::reference("questionId", "t.question_id", "questions", "question"),
        Field::both("version", "t.version", Kind::Integer),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "questionId",
        "version",
        "type",
        "title",
        "difficulty",
        "tags",
        "statement",
        "shuffle",
        "parameters",
        "constraints",
        "body",
        "editedBy",
        "createdAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
    const UNRECORDED: &'static [&'static str] = &["statement", "parameters", "constraints", "body"];
}

/// Which question is to be looked at, with which values.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreviewQuestion {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Another number, other values; 0 where absent.
    #[serde(default)]
    #[garde(skip)]
    pub sample: u32,
}

/// A question as a student might see it, with answers that get all points.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuestionPreview {
    /// What a student sees.
    pub item: PaperItem,
    /// What is right; of what a person grades, some answer.
    pub answers: Answers,
}
