//! A question as its author writes it: a statement, parameters, and how it is answered, the key among it.
//!
//! What must stay true: it is stored as it is here, for good: members may be added with a default, none renamed.

mod body;
mod length;
mod parameter;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use body::{
    ClozeBody, ClozePart, EssayBody, FileBody, MatchingBody, MultipleBody, MultipleChoice,
    NumberAnswer, NumericBody, OrderingBody, Pair, PartBody, Scoring, ShortTextBody, SingleBody,
    SingleChoice, TextAnswer, ToleranceType, TrueFalseBody,
};
pub use parameter::{ChoicesParameter, DerivedParameter, Formula, Parameter, RangeParameter};

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
