//! A member of a class's staff, to add and as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::resource::{Field, Kind, Resource};

/// A member of a class's staff.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassStaff {
    /// Its id.
    pub id: Uuid,
    /// The class.
    pub class_id: Uuid,
    /// The user.
    pub user_id: Uuid,
    /// The user's given name.
    pub given_name: String,
    /// The user's family name.
    pub family_name: String,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// A user to put on the staff of a class.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddStaff {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// The user.
    #[garde(skip)]
    pub user_id: Uuid,
}

/// A user on the staff of a class.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OneOfStaff {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// The user.
    #[garde(skip)]
    pub user_id: Uuid,
}

impl Resource for ClassStaff {
    const ENTITY: &'static str = "class_staff";
    const KIND: &'static str = "CLASS_STAFF";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "member of the staff";
    const SELECT: &'static str = "SELECT t.id, t.class_id, t.user_id, u.given_name, u.family_name, \
        t.row_version, t.created_at FROM class_staff t \
        JOIN users u ON u.institution_id = t.institution_id AND u.id = t.user_id";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::reference("userId", "t.user_id", "users", "user"),
        Field::sort("familyName", "u.family_name", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] =
        &["id", "classId", "userId", "givenName", "familyName", "rowVersion", "createdAt"];
    const CACHE_TTL: Option<Duration> = None;
    const UNRECORDED: &'static [&'static str] = &["givenName", "familyName"];
}
