//! Parameters and formulas, as authors write them.

use std::fmt;

use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
