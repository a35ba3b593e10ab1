//! How each type of question is answered, and what is right.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Formula;
use crate::domain::grading::Order;

/// One choice of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SingleBody {
    /// The choices.
    pub choices: Vec<SingleChoice>,
}

/// One of several choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SingleChoice {
    /// What it says.
    pub text: String,
    /// The part of the points that it is worth, 0 to 1; 0 where absent.
    #[serde(default)]
    pub fraction: Decimal,
}

/// True or false.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrueFalseBody {
    /// What is right.
    pub answer: bool,
    /// The part of the points that the other one is worth; 0 where absent.
    #[serde(default)]
    pub wrong_fraction: Decimal,
}

/// Any number of choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MultipleBody {
    /// The choices.
    pub choices: Vec<MultipleChoice>,
    /// What a selection is worth.
    #[serde(default)]
    pub scoring: Scoring,
    /// With PARTIAL: the part of the points that a wrong choice costs; 1 / right choices where absent, as in Canvas.
    #[serde(default)]
    pub penalty: Option<Decimal>,
    /// With MAP: the least that the sum counts as; 0 where absent. The most is 1.
    #[serde(default)]
    pub lower: Option<Decimal>,
}

/// What a selection is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = ChoiceScoring)]
pub enum Scoring {
    /// All points for exactly the right ones.
    #[default]
    AllOrNothing,
    /// A part for each right one, less a penalty for each wrong one.
    Partial,
    /// The sum of the choices' values, clamped.
    Map,
}

/// One choice of which any number may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MultipleChoice {
    /// What it says.
    pub text: String,
    /// Whether it is right; not with MAP.
    #[serde(default)]
    pub right: bool,
    /// With MAP: the part of the points that it is worth, -1 to 1; 0 where absent.
    #[serde(default)]
    pub value: Option<Decimal>,
}

/// A number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NumericBody {
    /// What is accepted; the best of what accepts an answer counts.
    pub accepted: Vec<NumberAnswer>,
    /// What stands behind the field, such as `kg`.
    #[serde(default)]
    pub unit: Option<String>,
}

/// Numbers that are accepted: about `value`, or from `min` to `max`; the ends are accepted, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NumberAnswer {
    /// The value.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub value: Option<Formula>,
    /// How far from it; 0 where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub tolerance: Option<Formula>,
    /// What the tolerance is.
    #[serde(default)]
    pub tolerance_type: ToleranceType,
    /// The least.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub min: Option<Formula>,
    /// The most.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub max: Option<Formula>,
    /// The part of the points; 1 where absent.
    #[serde(default = "whole")]
    pub fraction: Decimal,
}

/// What a tolerance is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ToleranceType {
    /// `|x - value| <= tolerance`.
    #[default]
    Absolute,
    /// `|x - value| <= tolerance * |value|`.
    Relative,
    /// Between `value / (1 + tolerance)` and `value * (1 + tolerance)`.
    Geometric,
}

fn whole() -> Decimal {
    Decimal::ONE
}

/// A short text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShortTextBody {
    /// What is accepted; the best of what accepts an answer counts.
    pub accepted: Vec<TextAnswer>,
    /// Whether `Paris` and `paris` are two things.
    #[serde(default)]
    pub case_sensitive: bool,
}

/// A text that is accepted, or texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextAnswer {
    /// The text; with a pattern, one that it matches.
    pub text: String,
    /// A regular expression that the whole text matches; without back references and looking around.
    #[serde(default)]
    pub pattern: Option<String>,
    /// The part of the points; 1 where absent.
    #[serde(default = "whole")]
    pub fraction: Decimal,
}

/// Pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MatchingBody {
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// Partners that are nobody's.
    #[serde(default)]
    pub distractors: Vec<String>,
}

/// What is matched, and its partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = MatchingPair)]
pub struct Pair {
    /// What is matched.
    pub prompt: String,
    /// Its partner; two may have the same.
    pub partner: String,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderingBody {
    /// The things, in the right order. Students see them in another one.
    pub items: Vec<String>,
    /// What another order is worth.
    #[serde(default)]
    pub scoring: Order,
}

/// A text with gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClozeBody {
    /// The gaps; each stands once in the statement, as `[[name]]`.
    pub parts: Vec<ClozePart>,
}

/// A gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClozePart {
    /// Its name.
    pub name: String,
    /// Its part of the points, beside the others'; 1 where absent.
    #[serde(default = "whole")]
    pub weight: Decimal,
    /// How it is answered.
    pub body: PartBody,
}

/// How a gap is answered, and what is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PartBody {
    /// One choice of several.
    Single(SingleBody),
    /// Any number of choices.
    Multiple(MultipleBody),
    /// A number.
    Numeric(NumericBody),
    /// A short text.
    ShortText(ShortTextBody),
}

/// A long text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EssayBody {
    /// The most characters that students are told to write.
    #[serde(default)]
    pub max_chars: Option<u32>,
}

/// Files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileBody {
    /// The most files that students are told to hand in.
    #[serde(default)]
    pub max_files: Option<u32>,
}
