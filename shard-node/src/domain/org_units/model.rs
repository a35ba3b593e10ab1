//! An org unit, new, changed and as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::checks::together_with;
use crate::resource::{Field, Kind, Resource, nullable};

/// An org unit.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrgUnit {
    /// Its id.
    pub id: Uuid,
    /// The unit above it; null at the top.
    pub parent_id: Option<Uuid>,
    /// Its code, unique in the institution.
    pub code: String,
    /// Its name.
    pub name: String,
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

/// An org unit to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUnit {
    /// The unit above it; none at the top.
    #[garde(skip)]
    pub parent_id: Option<Uuid>,
    /// Unique in the institution.
    #[garde(length(chars, min = 1, max = 64))]
    pub code: String,
    /// Its name.
    #[garde(length(chars, min = 1, max = 300))]
    pub name: String,
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

/// A change of an org unit; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchUnit {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Another unit above it, or none; what is below it comes along.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    #[garde(skip)]
    pub parent_id: Option<Option<Uuid>>,
    /// A new code.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    pub code: Option<String>,
    /// A new name.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    pub name: Option<String>,
}

impl PatchUnit {
    /// The unit as it is to be.
    pub fn apply_to(&self, mut unit: OrgUnit) -> OrgUnit {
        if let Some(code) = &self.code {
            unit.code.clone_from(code);
        }
        if let Some(name) = &self.name {
            unit.name.clone_from(name);
        }
        unit.parent_id = self.parent_id.unwrap_or(unit.parent_id);
        unit
    }
}

impl Resource for OrgUnit {
    const ENTITY: &'static str = "org_units";
    const KIND: &'static str = "ORG_UNIT";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "org unit";
    const SELECT: &'static str = "SELECT t.id, t.parent_id, t.code, t.name, t.source, t.external_id, t.row_version, \
        t.created_at, t.updated_at FROM org_units t";
    const FIELDS: &'static [Field] = &[
        Field::id("org_units", "org unit"),
        Field::reference("parentId", "t.parent_id", "org_units", "org unit"),
        Field::both("code", "t.code", Kind::Text),
        Field::sort("name", "t.name", Kind::Text),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "parentId",
        "code",
        "name",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
