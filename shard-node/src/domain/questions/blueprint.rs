//! A blueprint says what a paper is made of; a pool holds the questions that it may be made of, as they were.

use std::collections::BTreeSet;

use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::definition::{Content, Difficulty};
use super::rules::valid_tags;
use crate::domain::grading::{GradingPolicy, is_score};

/// The most items of a paper.
pub const ITEMS_MAX: usize = 300;
/// The most questions of a pool.
pub const POOL_MAX: usize = 2_000;

/// What a paper is made of: sections, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Blueprint {
    /// The sections.
    #[garde(length(min = 1, max = 50), custom(valid_size), dive)]
    pub sections: Vec<Section>,
    /// How answers to it are read.
    #[serde(default, skip_serializing_if = "is_as_ever")]
    #[garde(skip)]
    pub grading: GradingPolicy,
}

/// Whether it need not be said: what was made before there was anything to say keeps its hash.
fn is_as_ever(grading: &GradingPolicy) -> bool {
    *grading == GradingPolicy::default()
}

/// A part of a paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = BlueprintSection)]
pub struct Section {
    /// What stands above it.
    #[serde(default)]
    #[garde(length(chars, max = 300))]
    pub title: String,
    /// Where its questions come from.
    #[garde(dive)]
    pub kind: SectionKind,
}

/// Where the questions of a section come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = BlueprintSectionKind)]
pub enum SectionKind {
    /// From a bank, by lot.
    Draw(#[garde(dive)] Draw),
    /// Named ones.
    Fixed(#[garde(dive)] Fixed),
}

/// Questions from a bank, by lot: of those with all of the tags, and the difficulty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = BlueprintDraw)]
pub struct Draw {
    /// The bank.
    #[garde(skip)]
    pub bank_id: Uuid,
    /// Tags that each of them has.
    #[serde(default)]
    #[garde(custom(valid_tags))]
    pub tags: Vec<String>,
    /// How hard they are; any where absent.
    #[serde(default)]
    #[garde(skip)]
    pub difficulty: Option<Difficulty>,
    /// How many.
    #[garde(range(min = 1, max = 300))]
    pub count: u32,
    /// What each is worth.
    #[garde(custom(valid_points))]
    pub points: Decimal,
}

/// Named questions, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = BlueprintFixed)]
pub struct Fixed {
    /// The questions.
    #[garde(length(min = 1, max = 300), dive)]
    pub items: Vec<FixedItem>,
}

/// A named question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = BlueprintFixedItem)]
pub struct FixedItem {
    /// The question.
    #[garde(skip)]
    pub question_id: Uuid,
    /// What it is worth.
    #[garde(custom(valid_points))]
    pub points: Decimal,
}

impl Blueprint {
    /// Of these sections, with answers read as ever.
    pub(crate) fn of(sections: Vec<Section>) -> Self {
        Self { sections, grading: GradingPolicy::default() }
    }

    /// What a paper is worth, whatever is drawn.
    pub fn points(&self) -> Decimal {
        let of = |section: &Section| match &section.kind {
            SectionKind::Draw(draw) => draw.points * Decimal::from(draw.count),
            SectionKind::Fixed(fixed) => fixed.items.iter().map(|item| item.points).sum(),
        };
        self.sections.iter().map(of).sum()
    }

    /// How many items a paper has.
    pub fn items(&self) -> usize {
        self.sections.iter().map(Section::items).sum()
    }
}

impl Section {
    fn items(&self) -> usize {
        match &self.kind {
            SectionKind::Draw(draw) => draw.count as usize,
            SectionKind::Fixed(fixed) => fixed.items.len(),
        }
    }
}

/// Questions as they were when they were collected; stored with the assessment, the keys among them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// The questions; each once.
    pub questions: Vec<PooledQuestion>,
}

/// A version of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PooledQuestion {
    /// The question.
    pub id: Uuid,
    /// Its version.
    pub version: i32,
    /// The bank that it is in.
    pub bank_id: Uuid,
    /// Its tags.
    pub tags: Vec<String>,
    /// How hard it is.
    pub difficulty: Difficulty,
    /// What it says.
    pub content: Content,
}

impl PooledQuestion {
    /// Whether a section may draw it.
    pub(super) fn is_of(&self, draw: &Draw) -> bool {
        self.bank_id == draw.bank_id
            && draw.difficulty.is_none_or(|difficulty| difficulty == self.difficulty)
            && draw.tags.iter().all(|tag| self.tags.contains(tag))
    }
}

fn valid_points(value: &Decimal, (): &()) -> garde::Result {
    if is_score(*value) {
        return Ok(());
    }
    Err(garde::Error::new("0 to 100000 with at most 4 decimals is expected"))
}

fn valid_size(sections: &[Section], (): &()) -> garde::Result {
    if sections.iter().map(Section::items).sum::<usize>() > ITEMS_MAX {
        return Err(garde::Error::new("at most 300 items are expected in all"));
    }
    let fixed = sections.iter().filter_map(|section| match &section.kind {
        SectionKind::Fixed(fixed) => Some(&fixed.items),
        SectionKind::Draw(_) => None,
    });
    let mut seen = BTreeSet::new();
    match fixed.flatten().find(|item| !seen.insert(item.question_id)) {
        Some(twice) => {
            let message =
                format!("each question once is expected; {} is there twice", twice.question_id);
            Err(garde::Error::new(message))
        }
        None => Ok(()),
    }
}
