//! Grading: what answers are worth, in exact decimals. Pure: no database, no clock, no chance.
//!
//! What must stay true:
//! - The same key, answers and policy give the same grade, wherever and however often they are graded; what would
//!   change a grade raises [`GRADER_VERSION`].
//! - An item is worth 0 to its points, a better answer never less than a worse one, and no answer makes it panic: its
//!   size is bounded before anything is done with it (`answer`).
//! - No binary fractions: points are counted in units of 0.0001, which is what `numeric(12,4)` keeps, and numbers of
//!   answers are exact decimals ([`Number`]). Rounded is once where something is scored (an item, a gap of a cloze, a
//!   deduction, an average, a percentage), half up, to 4 decimals.
//!
//! Left to others: who may see a grade, and when; what becomes of one.

mod answer;
pub mod attempts;
mod choice;
mod compound;
mod key;
pub mod late;
mod number;
mod numeric;
#[cfg(test)]
mod properties;
mod score;
mod sort;
mod text;
pub mod totals;
mod units;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use key::{
    AcceptedNumber, AcceptedText, Answers, ClozeRule, ItemKey, MatchingRule, MultipleRule,
    NumericRule, Order, OrderingRule, PartKey, Rule, Selection, ShortTextRule, SingleRule,
    TrueFalseRule, VariantKey, Within,
};
pub use number::Number;
pub use score::{full_marks, grade};
pub(crate) use text::check_pattern;
pub(crate) use units::split;
pub use units::{POINTS_MAX, is_score};

/// The rules that graded; stored with each grade.
pub const GRADER_VERSION: &str = "1";

/// What an institution or an assessment says about grading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GradingPolicy {
    /// Whether `3,14` is a number. Without it a number with a comma is INVALID, since `1,000` may mean two things.
    pub decimal_comma: bool,
}

/// What a paper is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Graded {
    /// The rules that graded.
    pub version: String,
    /// The items, in the order of the paper.
    pub items: Vec<GradedItem>,
    /// What was reached: the sum of the items, without those that wait for review.
    pub score: Decimal,
    /// What could be reached, those included.
    pub possible: Decimal,
    /// Whether an item waits for a person.
    pub needs_review: bool,
}

/// What one item is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GradedItem {
    /// Its name in the paper.
    pub item: String,
    /// What was reached.
    pub points: Decimal,
    /// What could be reached.
    pub possible: Decimal,
    /// How it came to that.
    pub state: ItemState,
}

/// How an item came to its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ItemState {
    /// It was graded.
    Scored,
    /// Nothing was answered: 0.
    Unanswered,
    /// What was answered is no answer to such a question: 0.
    Invalid,
    /// It waits for a person: 0 until then.
    Review,
}

impl ItemState {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scored => "SCORED",
            Self::Unanswered => "UNANSWERED",
            Self::Invalid => "INVALID",
            Self::Review => "REVIEW",
        }
    }
}
