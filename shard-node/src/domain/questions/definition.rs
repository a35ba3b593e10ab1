//! A question as its author writes it: a statement, parameters, and how it is answered, the key among it.
//!
//! What must stay true: it is stored as it is here, for good: members may be added with a default, none renamed.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::grading::Order;

/// How hard a question is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = QuestionDifficulty)]
pub enum Difficulty {
    /// Most should answer it.
    Easy,
    /// Between the two.
    #[default]
    Medium,
    /// Few will.
    Hard,
}

impl Difficulty {
    /// All of them, as they are stored.
    pub const WORDS: [&'static str; 3] = ["EASY", "MEDIUM", "HARD"];

    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// The difficulty of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Easy, Self::Medium, Self::Hard].into_iter().find(|one| one.as_str() == word)
    }
}

/// What a student does to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuestionType {
    /// Chooses one.
    Single,
    /// Says true or false.
    TrueFalse,
    /// Chooses any number.
    Multiple,
    /// Writes a number.
    Numeric,
    /// Writes a short text.
    ShortText,
    /// Finds partners.
    Matching,
    /// Finds the order.
    Ordering,
    /// Fills gaps.
    Cloze,
    /// Writes at length.
    Essay,
    /// Hands in files.
    File,
}

impl QuestionType {
    /// All of them, as they are stored.
    pub const WORDS: [&'static str; 10] = [
        "SINGLE",
        "TRUE_FALSE",
        "MULTIPLE",
        "NUMERIC",
        "SHORT_TEXT",
        "MATCHING",
        "ORDERING",
        "CLOZE",
        "ESSAY",
        "FILE",
    ];

    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// What a version of a question says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuestionContent)]
pub struct Content {
    /// What is asked, with `{{name}}` where a parameter's value goes, and `[[name]]` where a cloze has a gap.
    pub statement: String,
    /// Whether choices, and what is to be matched, come in an order of each student's own.
    pub shuffle: bool,
    /// Its parameters, in order: what is derived refers to those before it.
    pub parameters: Vec<Parameter>,
    /// What the values of parameters must fulfil, such as `a != b`.
    #[schema(value_type = Vec<String>)]
    pub constraints: Vec<Formula>,
    /// How it is answered, and what is right.
    pub body: Body,
}

/// A parameter: each student has values of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = QuestionParameter)]
pub enum Parameter {
    /// One of `min`, `min + step`, ... up to `max`.
    Range(RangeParameter),
    /// One of some values.
    Choices(ChoicesParameter),
    /// What others come to.
    Derived(DerivedParameter),
}

impl Parameter {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Range(range) => &range.name,
            Self::Choices(choices) => &choices.name,
            Self::Derived(derived) => &derived.name,
        }
    }
}

/// One of `min`, `min + step`, ... up to `max`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RangeParameter {
    /// Its name.
    pub name: String,
    /// The least.
    #[schema(value_type = String)]
    pub min: Formula,
    /// The most.
    #[schema(value_type = String)]
    pub max: Formula,
    /// From one to the next; 1 where absent.
    #[serde(default = "one")]
    #[schema(value_type = String)]
    pub step: Formula,
}

/// One of some values: numbers, or texts that only statements use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChoicesParameter {
    /// Its name.
    pub name: String,
    /// The values.
    #[schema(value_type = Vec<String>)]
    pub values: Vec<Formula>,
}

/// What others come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DerivedParameter {
    /// Its name.
    pub name: String,
    /// A formula of the parameters before it, such as `round(a / b, 2)`.
    #[schema(value_type = String)]
    pub expression: Formula,
}

/// A formula as text; a JSON number is one, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Formula(pub String);

fn one() -> Formula {
    Formula("1".to_owned())
}

impl<'de> Deserialize<'de> for Formula {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Formula;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a number")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Formula, E> {
                Ok(Formula(text.to_owned()))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Formula, E> {
                Ok(Formula(value.to_string()))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Formula, E> {
                Ok(Formula(value.to_string()))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Formula, E> {
                Ok(Formula(value.to_string()))
            }
        }
        deserializer.deserialize_any(Text).map_err(D::Error::custom)
    }
}

/// How a question is answered, and what is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = QuestionBody)]
pub enum Body {
    /// One choice of several. Answered with its id.
    Single(SingleBody),
    /// True or false. Answered with `true` or `false`.
    TrueFalse(TrueFalseBody),
    /// Any number of choices. Answered with a list of their ids.
    Multiple(MultipleBody),
    /// A number. Answered with it, best as text.
    Numeric(NumericBody),
    /// A short text. Answered with it.
    ShortText(ShortTextBody),
    /// Pairs. Answered with an object: a partner's id by prompt's id.
    Matching(MatchingBody),
    /// An order. Answered with a list of all ids.
    Ordering(OrderingBody),
    /// A text with gaps. Answered with an object: an answer by gap.
    Cloze(ClozeBody),
    /// A long text, which a person grades. Answered with it.
    Essay(EssayBody),
    /// Files, which a person grades. Answered with a list of their ids.
    File(FileBody),
}

impl Body {
    /// Its type.
    pub const fn kind(&self) -> QuestionType {
        match self {
            Self::Single(_) => QuestionType::Single,
            Self::TrueFalse(_) => QuestionType::TrueFalse,
            Self::Multiple(_) => QuestionType::Multiple,
            Self::Numeric(_) => QuestionType::Numeric,
            Self::ShortText(_) => QuestionType::ShortText,
            Self::Matching(_) => QuestionType::Matching,
            Self::Ordering(_) => QuestionType::Ordering,
            Self::Cloze(_) => QuestionType::Cloze,
            Self::Essay(_) => QuestionType::Essay,
            Self::File(_) => QuestionType::File,
        }
    }
}

impl Body {
    /// About how long it is, in bytes.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Single(body) => body.length(),
            Self::Multiple(body) => body.length(),
            Self::Numeric(body) => body.length(),
            Self::ShortText(body) => body.length(),
            Self::Matching(body) => {
                let pairs = body.pairs.iter().map(|pair| pair.prompt.len() + pair.partner.len());
                pairs.sum::<usize>() + body.distractors.iter().map(String::len).sum::<usize>()
            }
            Self::Ordering(body) => body.items.iter().map(String::len).sum(),
            Self::Cloze(body) => body.parts.iter().map(|part| part.body.length()).sum(),
            Self::TrueFalse(_) | Self::Essay(_) | Self::File(_) => 0,
        }
    }
}

impl PartBody {
    fn length(&self) -> usize {
        match self {
            Self::Single(body) => body.length(),
            Self::Multiple(body) => body.length(),
            Self::Numeric(body) => body.length(),
            Self::ShortText(body) => body.length(),
        }
    }
}

impl SingleBody {
    fn length(&self) -> usize {
        self.choices.iter().map(|choice| choice.text.len()).sum()
    }
}

impl MultipleBody {
    fn length(&self) -> usize {
        self.choices.iter().map(|choice| choice.text.len()).sum()
    }
}

impl NumericBody {
    /// Formulas are read, which costs more than to copy a text.
    fn length(&self) -> usize {
        let formulas = |answer: &NumberAnswer| -> usize {
            let all = [&answer.value, &answer.tolerance, &answer.min, &answer.max];
            all.into_iter().flatten().map(|formula| 100 + 10 * formula.0.len()).sum()
        };
        self.accepted.iter().map(formulas).sum()
    }
}

impl ShortTextBody {
    fn length(&self) -> usize {
        self.accepted.iter().map(|answer| answer.text.len()).sum()
    }
}

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
