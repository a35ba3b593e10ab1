//! A curriculum template, as it is sent and stored.

use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::courses::valid_credits;

/// What a curriculum is generated from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Template {
    /// Its code.
    #[garde(length(chars, min = 1, max = 64))]
    pub code: String,
    /// Its version, from 1.
    #[serde(default = "one")]
    #[garde(range(min = 1))]
    pub version: i32,
    /// Years of study.
    #[garde(range(min = 1, max = 12))]
    pub years: i32,
    /// Credits that a student needs.
    #[serde(default)]
    #[garde(custom(valid_credits))]
    pub credits_required: Decimal,
    /// Groups of electives.
    #[serde(default)]
    #[garde(length(max = 100), dive)]
    pub groups: Vec<Group>,
    /// What is studied when.
    #[garde(length(min = 1, max = 500), dive)]
    pub items: Vec<Item>,
}

/// A group of electives: some of its courses are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Group {
    /// Its code, which items name.
    #[garde(length(chars, min = 1, max = 64))]
    pub code: String,
    /// Its name.
    #[garde(length(chars, min = 1, max = 300))]
    pub name: Option<String>,
    /// Credits to take from it; all of its courses where absent.
    #[garde(inner(custom(valid_credits)))]
    pub credits: Option<Decimal>,
}

/// One course in a template: an existing one by its code, or a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    /// The code of an existing course.
    #[garde(length(chars, min = 1, max = 64))]
    pub course: Option<String>,
    /// A course to create.
    #[garde(dive)]
    pub new_course: Option<TemplateCourse>,
    /// The year of study, from 1.
    #[garde(range(min = 1))]
    pub year: i32,
    /// The term of that year, from 1.
    #[garde(range(min = 1))]
    pub term: i32,
    /// CORE or ELECTIVE.
    #[serde(default)]
    #[garde(skip)]
    pub kind: ItemKind,
    /// The group of electives that it belongs to.
    #[garde(length(chars, min = 1, max = 64))]
    pub group: Option<String>,
    /// Codes of courses to be completed before.
    #[serde(default)]
    #[garde(length(max = 20), inner(length(chars, min = 1, max = 64)))]
    pub prerequisites: Vec<String>,
}

/// A course that a template brings along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateCourse {
    /// Its code, unique in the institution.
    #[garde(length(chars, min = 1, max = 64))]
    pub code: String,
    /// Its title.
    #[garde(length(chars, min = 1, max = 300))]
    pub title: String,
    /// Its credits.
    #[serde(default)]
    #[garde(custom(valid_credits))]
    pub credits: Decimal,
}

/// Whether everybody takes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ItemKind {
    /// Everybody does.
    #[default]
    Core,
    /// Some do.
    Elective,
}

impl ItemKind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Core => "CORE",
            Self::Elective => "ELECTIVE",
        }
    }
}

impl Item {
    /// The code of its course, existing or new; none where it names neither or both.
    pub fn code(&self) -> Option<&str> {
        match (&self.course, &self.new_course) {
            (Some(code), None) => Some(code),
            (None, Some(new)) => Some(&new.code),
            _ => None,
        }
    }
}

fn one() -> i32 {
    1
}
