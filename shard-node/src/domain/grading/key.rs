//! What is right: the key of one student's paper.
//!
//! What must stay true: a key says everything that grading needs, so that a grade never depends on what became of the
//! question since; printing one for a log shows nothing of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Number;

/// The key of a paper, stored with the variant. It never leaves the server before the results are released.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VariantKey {
    /// An item each, in the order of the paper.
    pub items: Vec<ItemKey>,
}

/// The key of one item.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemKey {
    /// Its name in the paper: `i1`, `i2` and so on.
    pub item: String,
    /// The question that it was made of.
    pub question_id: Uuid,
    /// The version of that question.
    pub question_version: i32,
    /// What it is worth.
    pub points: Decimal,
    /// How it is graded.
    pub rule: Rule,
}

/// How an answer is graded.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rule {
    /// One choice of several.
    Single(SingleRule),
    /// True or false.
    TrueFalse(TrueFalseRule),
    /// Any number of choices.
    Multiple(MultipleRule),
    /// A number.
    Numeric(NumericRule),
    /// A short text.
    ShortText(ShortTextRule),
    /// Pairs.
    Matching(MatchingRule),
    /// An order.
    Ordering(OrderingRule),
    /// Gaps, each with a rule of its own.
    Cloze(ClozeRule),
    /// A long text; a person grades it.
    Essay,
    /// Files; a person grades them.
    File,
}

/// One choice of several: each is worth a part of the points.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SingleRule {
    /// The part of the points by choice, 0 to 1.
    pub choices: BTreeMap<String, Decimal>,
}

/// True or false: each is worth a part of the points.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrueFalseRule {
    /// The part that `true` is worth.
    pub when_true: Decimal,
    /// The part that `false` is worth.
    pub when_false: Decimal,
}

/// Any number of choices.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MultipleRule {
    /// All that there are.
    pub choices: BTreeSet<String>,
    /// Those that are right.
    pub right: BTreeSet<String>,
    /// What a selection is worth.
    pub scoring: Selection,
}

/// What a selection of choices is worth.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Selection {
    /// All points for exactly the right ones, else none.
    AllOrNothing,
    /// As in Canvas: `max(0, P * right chosen / right - wrong chosen * penalty)`.
    Partial {
        /// The part of the points that a wrong choice costs; `1 / right` where absent, as in Canvas.
        penalty: Option<Decimal>,
    },
    /// As QTI's `mapResponse`: a value for each choice, summed and clamped.
    Map {
        /// Parts of the points by choice; negative where a choice costs something.
        values: BTreeMap<String, Decimal>,
        /// The value of a choice that has none of its own.
        default: Decimal,
        /// The least that the sum counts as; never below 0.
        lower: Option<Decimal>,
        /// The most that the sum counts as; never above 1.
        upper: Option<Decimal>,
    },
}

/// A number: the best of what accepts it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NumericRule {
    /// What is accepted.
    pub accepted: Vec<AcceptedNumber>,
}

/// Numbers that are worth a part of the points.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedNumber {
    /// Which ones; both ends are within.
    pub within: Within,
    /// The part of the points.
    pub fraction: Decimal,
}

/// A set of numbers, its ends included.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Within {
    /// `|x - value| <= tolerance`.
    Absolute {
        /// The value.
        value: Number,
        /// Not negative.
        tolerance: Number,
    },
    /// `|x - value| <= tolerance * |value|`.
    Relative {
        /// The value.
        value: Number,
        /// Not negative; 0.01 is one percent.
        tolerance: Number,
    },
    /// Between `value / (1 + tolerance)` and `value * (1 + tolerance)`.
    Geometric {
        /// The value.
        value: Number,
        /// Not negative.
        tolerance: Number,
    },
    /// `min <= x <= max`.
    Range {
        /// The least.
        min: Number,
        /// The most.
        max: Number,
    },
}

/// A short text: the best of what accepts it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShortTextRule {
    /// What is accepted.
    pub accepted: Vec<AcceptedText>,
    /// Whether `Paris` and `paris` are two things.
    pub case_sensitive: bool,
}

/// A text, or texts, that are worth a part of the points.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedText {
    /// The text; of a pattern, one that it matches.
    pub text: String,
    /// A regular expression for the whole text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The part of the points.
    pub fraction: Decimal,
}

/// Pairs: `P * right pairs / pairs`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchingRule {
    /// The right partner of each.
    pub pairs: BTreeMap<String, String>,
    /// All that may be chosen as a partner, also those that are nobody's.
    pub partners: BTreeSet<String>,
}

/// An order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderingRule {
    /// The right one.
    pub order: Vec<String>,
    /// What another one is worth.
    pub scoring: Order,
}

/// What an order is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = OrderScoring)]
pub enum Order {
    /// All points for the right one, else none.
    #[default]
    Exact,
    /// The part that stands at its place.
    Positional,
    /// The part of all pairs whose first stands before the second.
    Pairwise,
}

/// Gaps: the sum of what they are worth.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClozeRule {
    /// The gaps; their points add up to the item's.
    pub parts: Vec<PartKey>,
}

/// The key of one gap.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartKey {
    /// Its name.
    pub part: String,
    /// What it is worth.
    pub points: Decimal,
    /// How it is graded.
    pub rule: Rule,
}

/// What a student has answered: a JSON value by item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct Answers(pub BTreeMap<String, Value>);

impl Rule {
    /// Whether a person grades it.
    pub fn is_reviewed(&self) -> bool {
        matches!(self, Self::Essay | Self::File)
    }
}

impl fmt::Debug for VariantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VariantKey of {} items", self.items.len())
    }
}

impl fmt::Debug for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemKey {} of {}", self.item, self.question_id)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule")
    }
}

impl fmt::Debug for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Within")
    }
}
