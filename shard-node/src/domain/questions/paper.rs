//! A paper: what one student sees, and nothing of what is right.
//!
//! What must stay true: ids say nothing but the place at which a thing stands in this paper; what a paper holds is what
//! students may read (`instantiate` puts it together, and keeps the key apart).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::definition::QuestionType;
use crate::domain::grading::VariantKey;

/// A paper and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// What the student sees.
    pub paper: Paper,
    /// What is right; it never leaves the server before the results are released.
    pub key: VariantKey,
}

/// What a student sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Paper {
    /// The items, in order.
    pub items: Vec<PaperItem>,
}

/// One item of a paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaperItem {
    /// Its name, by which it is answered: `i1`, `i2` and so on.
    pub item: String,
    /// What stands above its section.
    pub section: String,
    /// What it is worth.
    pub points: Decimal,
    /// What is asked; in a cloze with `[[name]]` where a gap is.
    pub statement: String,
    /// How it is answered.
    #[serde(flatten)]
    pub field: Field,
    /// The gaps of a cloze.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PaperPart>,
}

/// A gap of a cloze.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaperPart {
    /// Its name, by which it is answered.
    pub part: String,
    /// How it is answered.
    #[serde(flatten)]
    pub field: Field,
}

/// How something is answered; of its members those that its type has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaperField)]
pub struct Field {
    /// What the student does.
    #[serde(rename = "type")]
    pub kind: QuestionType,
    /// What may be chosen, or is to be ordered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Labelled>,
    /// What is to be matched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Labelled>,
    /// What it may be matched with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partners: Vec<Labelled>,
    /// What stands behind a number's field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The most characters of an essay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_chars: Option<u32>,
    /// The most files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_files: Option<u32>,
}

impl Field {
    /// One of a type that has no members.
    pub(super) fn of(kind: QuestionType) -> Self {
        let (choices, prompts, partners) = (Vec::new(), Vec::new(), Vec::new());
        Self { kind, choices, prompts, partners, unit: None, max_chars: None, max_files: None }
    }
}

/// A text with the id by which it is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PaperChoice)]
pub struct Labelled {
    /// The id.
    pub id: String,
    /// The text.
    pub text: String,
}
