//! A term, new, changed and as it is read. All dates are local dates of the institution, inclusive.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rules::Dates;
use crate::domain::checks::{together_with, valid_day};
use crate::resource::{Field, Kind, Resource, nullable};

/// A term.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Term {
    /// Its id.
    pub id: Uuid,
    /// The term system that it belongs to, if any.
    pub term_system_id: Option<Uuid>,
    /// Its code, unique in its term system.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day.
    pub ends_on: NaiveDate,
    /// The first day on which students enroll themselves.
    pub enroll_from: Option<NaiveDate>,
    /// The last day on which students enroll themselves.
    pub enroll_until: Option<NaiveDate>,
    /// The last day on which leaving a class is a drop.
    pub drop_until: Option<NaiveDate>,
    /// The last day on which leaving a class is a withdrawal.
    pub withdraw_until: Option<NaiveDate>,
    /// The system that it came from.
    pub source: Option<String>,
    /// Its id there.
    pub external_id: Option<String>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A term to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTerm {
    /// The term system that it belongs to, if any; terms of one system do not overlap.
    #[garde(skip)]
    pub term_system_id: Option<Uuid>,
    /// Unique in its term system; of terms without one, among those.
    #[garde(length(chars, min = 1, max = 64))]
    pub code: String,
    /// Its name.
    #[garde(length(chars, min = 1, max = 300))]
    pub name: String,
    /// The first day.
    #[garde(custom(valid_day))]
    pub starts_on: NaiveDate,
    /// The last day.
    #[garde(custom(valid_day))]
    pub ends_on: NaiveDate,
    /// The first day on which students enroll themselves.
    #[garde(inner(custom(valid_day)))]
    pub enroll_from: Option<NaiveDate>,
    /// The last day on which students enroll themselves.
    #[garde(inner(custom(valid_day)))]
    pub enroll_until: Option<NaiveDate>,
    /// The last day on which leaving a class is a drop.
    #[garde(inner(custom(valid_day)))]
    pub drop_until: Option<NaiveDate>,
    /// The last day on which leaving a class is a withdrawal.
    #[garde(inner(custom(valid_day)))]
    pub withdraw_until: Option<NaiveDate>,
    /// The system that it came from; together with `externalId` unique.
    #[garde(
        length(chars, min = 1, max = 64),
        custom(together_with("externalId", self.external_id.as_ref()))
    )]
    pub source: Option<String>,
    /// Its id there.
    #[garde(
        length(chars, min = 1, max = 128),
        custom(together_with("source", self.source.as_ref()))
    )]
    pub external_id: Option<String>,
}

/// A change of a term; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchTerm {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Another term system, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    #[garde(skip)]
    pub term_system_id: Option<Option<Uuid>>,
    /// A new code.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    pub code: Option<String>,
    /// A new name.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    pub name: Option<String>,
    /// Another first day.
    #[garde(inner(custom(valid_day)))]
    pub starts_on: Option<NaiveDate>,
    /// Another last day.
    #[garde(inner(custom(valid_day)))]
    pub ends_on: Option<NaiveDate>,
    /// Another first day of enrolling, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NaiveDate>)]
    #[garde(inner(inner(custom(valid_day))))]
    pub enroll_from: Option<Option<NaiveDate>>,
    /// Another last day of enrolling, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NaiveDate>)]
    #[garde(inner(inner(custom(valid_day))))]
    pub enroll_until: Option<Option<NaiveDate>>,
    /// Another last day of dropping, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NaiveDate>)]
    #[garde(inner(inner(custom(valid_day))))]
    pub drop_until: Option<Option<NaiveDate>>,
    /// Another last day of withdrawing, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NaiveDate>)]
    #[garde(inner(inner(custom(valid_day))))]
    pub withdraw_until: Option<Option<NaiveDate>>,
}

impl PatchTerm {
    /// The term as it is to be.
    pub fn apply_to(&self, mut term: Term) -> Term {
        if let Some(code) = &self.code {
            term.code.clone_from(code);
        }
        if let Some(name) = &self.name {
            term.name.clone_from(name);
        }
        term.term_system_id = self.term_system_id.unwrap_or(term.term_system_id);
        term.starts_on = self.starts_on.unwrap_or(term.starts_on);
        term.ends_on = self.ends_on.unwrap_or(term.ends_on);
        term.enroll_from = self.enroll_from.unwrap_or(term.enroll_from);
        term.enroll_until = self.enroll_until.unwrap_or(term.enroll_until);
        term.drop_until = self.drop_until.unwrap_or(term.drop_until);
        term.withdraw_until = self.withdraw_until.unwrap_or(term.withdraw_until);
        term
    }
}

impl From<&NewTerm> for Dates {
    fn from(new: &NewTerm) -> Self {
        Self {
            starts_on: new.starts_on,
            ends_on: new.ends_on,
            enroll_from: new.enroll_from,
            enroll_until: new.enroll_until,
            drop_until: new.drop_until,
            withdraw_until: new.withdraw_until,
        }
    }
}

impl From<&Term> for Dates {
    fn from(term: &Term) -> Self {
        Self {
            starts_on: term.starts_on,
            ends_on: term.ends_on,
            enroll_from: term.enroll_from,
            enroll_until: term.enroll_until,
            drop_until: term.drop_until,
            withdraw_until: term.withdraw_until,
        }
    }
}

impl Resource for Term {
    const ENTITY: &'static str = "terms";
    const KIND: &'static str = "TERM";
    const TOUCHES: &'static [&'static str] = &["terms"];
    const NOUN: &'static str = "term";
    const SELECT: &'static str = "SELECT t.id, t.term_system_id, t.code, t.name, t.starts_on, t.ends_on, \
        t.enroll_from, t.enroll_until, t.drop_until, t.withdraw_until, t.source, t.external_id, \
        t.row_version, t.created_at, t.updated_at FROM terms t";
    const FIELDS: &'static [Field] = &[
        Field::id("terms", "term"),
        Field::both("code", "t.code", Kind::Text),
        Field::sort("name", "t.name", Kind::Text),
        Field::reference("termSystemId", "t.term_system_id", "term_systems", "term system"),
        Field::both("startsOn", "t.starts_on", Kind::Date),
        Field::both("endsOn", "t.ends_on", Kind::Date),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "termSystemId",
        "code",
        "name",
        "startsOn",
        "endsOn",
        "enrollFrom",
        "enrollUntil",
        "dropUntil",
        "withdrawUntil",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = Some(Duration::from_mins(5));
}
