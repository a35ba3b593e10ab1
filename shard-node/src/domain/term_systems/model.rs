//! A term system, new, changed and as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rules::Calendar;
use crate::domain::terms::Term;
use crate::resource::{Field, Kind, Resource};

/// How a year is cut into terms.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TermSystem {
    /// Its id.
    pub id: Uuid,
    /// SEMESTER, TRIMESTER, QUARTER, YEAR or CUSTOM.
    #[serde(rename = "type")]
    #[sqlx(rename = "type")]
    pub kind: String,
    /// Terms in a year.
    pub terms_per_year: i32,
    /// Weeks in a term.
    pub weeks_per_term: i32,
    /// Month and day on which the first term of a year begins, such as `09-01`.
    pub anchor: String,
    /// Weeks without teaching between two terms.
    pub break_weeks: i32,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// What people call the terms that a year is divided into.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Division {
    /// Halves.
    Semester,
    /// Thirds.
    Trimester,
    /// Quarters.
    Quarter,
    /// The year is not divided.
    Year,
    /// Anything else.
    Custom,
}

impl Division {
    /// The word in JSON and in the database.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Semester => "SEMESTER",
            Self::Trimester => "TRIMESTER",
            Self::Quarter => "QUARTER",
            Self::Year => "YEAR",
            Self::Custom => "CUSTOM",
        }
    }
}

/// A term system to create. Its year, breaks included, has at most 52 weeks.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTermSystem {
    /// What people call the terms.
    #[serde(rename = "type")]
    #[garde(skip)]
    pub kind: Division,
    /// Terms in a year.
    #[garde(range(min = 1, max = 12))]
    pub terms_per_year: i32,
    /// Weeks in a term.
    #[garde(range(min = 1, max = 52))]
    pub weeks_per_term: i32,
    /// Month and day on which the first term of a year begins, such as `09-01`.
    #[garde(custom(valid_anchor))]
    pub anchor: String,
    /// Weeks without teaching between two terms; 0 where absent.
    #[serde(default)]
    #[garde(range(min = 0, max = 26))]
    pub break_weeks: i32,
}

/// A change of a term system; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchTermSystem {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// What people call the terms.
    #[serde(rename = "type")]
    #[garde(skip)]
    pub kind: Option<Division>,
    /// Terms in a year.
    #[garde(inner(range(min = 1, max = 12)))]
    pub terms_per_year: Option<i32>,
    /// Weeks in a term.
    #[garde(inner(range(min = 1, max = 52)))]
    pub weeks_per_term: Option<i32>,
    /// Month and day on which the first term of a year begins.
    #[garde(inner(custom(valid_anchor)))]
    pub anchor: Option<String>,
    /// Weeks without teaching between two terms.
    #[garde(inner(range(min = 0, max = 26)))]
    pub break_weeks: Option<i32>,
}

impl PatchTermSystem {
    /// The term system as it is to be.
    pub fn apply_to(&self, mut system: TermSystem) -> TermSystem {
        if let Some(kind) = self.kind {
            kind.as_str().clone_into(&mut system.kind);
        }
        if let Some(anchor) = &self.anchor {
            system.anchor.clone_from(anchor);
        }
        system.terms_per_year = self.terms_per_year.unwrap_or(system.terms_per_year);
        system.weeks_per_term = self.weeks_per_term.unwrap_or(system.weeks_per_term);
        system.break_weeks = self.break_weeks.unwrap_or(system.break_weeks);
        system
    }
}

/// Which year's terms to make.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateTerms {
    /// The term system.
    #[garde(skip)]
    pub id: Uuid,
    /// The year in which the first term begins.
    #[garde(range(min = 1900, max = 2200))]
    pub year: i32,
}

/// The terms of a year.
#[derive(Debug, Serialize, ToSchema)]
pub struct GeneratedTerms {
    /// In order.
    pub items: Vec<Term>,
}

fn valid_anchor<C>(value: &str, _: &C) -> garde::Result {
    value.parse::<super::rules::Anchor>().map(drop).map_err(garde::Error::new)
}

impl From<&NewTermSystem> for Calendar {
    fn from(new: &NewTermSystem) -> Self {
        Self {
            terms_per_year: new.terms_per_year,
            weeks_per_term: new.weeks_per_term,
            break_weeks: new.break_weeks,
        }
    }
}

impl From<&TermSystem> for Calendar {
    fn from(system: &TermSystem) -> Self {
        Self {
            terms_per_year: system.terms_per_year,
            weeks_per_term: system.weeks_per_term,
            break_weeks: system.break_weeks,
        }
    }
}

/// What `type` may be.
const TYPES: &[&str] = &["SEMESTER", "TRIMESTER", "QUARTER", "YEAR", "CUSTOM"];

impl Resource for TermSystem {
    const ENTITY: &'static str = "term_systems";
    const KIND: &'static str = "TERM_SYSTEM";
    // A program shows its term system.
    const TOUCHES: &'static [&'static str] = &["term_systems", "programs"];
    const NOUN: &'static str = "term system";
    const SELECT: &'static str = "SELECT t.id, t.type, t.terms_per_year, t.weeks_per_term, t.anchor, \
        t.break_weeks, t.row_version, t.created_at, t.updated_at FROM term_systems t";
    const FIELDS: &'static [Field] = &[
        Field::id("term_systems", "term system"),
        Field::both("type", "t.type", Kind::OneOf(TYPES)),
        Field::both("termsPerYear", "t.terms_per_year", Kind::Integer),
        Field::filter("weeksPerTerm", "t.weeks_per_term", Kind::Integer),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "type",
        "termsPerYear",
        "weeksPerTerm",
        "anchor",
        "breakWeeks",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = Some(Duration::from_mins(5));
}
