//! A user, new, changed and as it is read.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::checks::{not_before, together_with, valid_day, valid_email, valid_timezone};
use crate::resource::{Field, Kind, Resource, nullable};

/// What a user may be.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum UserRole {
    /// Runs the institution.
    Admin,
    /// Runs it day by day.
    Staff,
    /// Teaches.
    Instructor,
    /// Studies.
    Student,
    /// Stands for a student.
    Guardian,
}

impl UserRole {
    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::Staff => "STAFF",
            Self::Instructor => "INSTRUCTOR",
            Self::Student => "STUDENT",
            Self::Guardian => "GUARDIAN",
        }
    }
}

/// A role that a user has, for a time or for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeldRole {
    /// Which one.
    #[garde(skip)]
    pub role: UserRole,
    /// The first day on which it counts, in the institution's time zone; from ever where null.
    #[garde(inner(custom(valid_day)))]
    pub from: Option<NaiveDate>,
    /// The last day; for good where null.
    #[garde(inner(custom(valid_day), custom(not_before(self.from))))]
    pub until: Option<NaiveDate>,
    /// The org unit that it is a role in; the whole institution where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub org_unit_id: Option<Uuid>,
}

/// What `role` may be.
const ROLES: &[&str] = &["ADMIN", "STAFF", "INSTRUCTOR", "STUDENT", "GUARDIAN"];

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its id: `sub` of its tokens.
    pub id: Uuid,
    /// Its name for signing in, unique in the institution.
    pub username: Option<String>,
    /// Where to write to.
    pub email: Option<String>,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Its time zone; the institution's where null.
    pub timezone: Option<String>,
    /// What it is in the institution.
    #[sqlx(json)]
    pub roles: Vec<HeldRole>,
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

/// A user to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUser {
    /// Unique in the institution.
    #[garde(length(chars, min = 1, max = 128))]
    pub username: Option<String>,
    /// Where to write to.
    #[garde(inner(custom(valid_email)))]
    pub email: Option<String>,
    /// Given name.
    #[garde(length(chars, min = 1, max = 200))]
    pub given_name: String,
    /// Family name.
    #[garde(length(chars, min = 1, max = 200))]
    pub family_name: String,
    /// Its time zone; the institution's where absent.
    #[garde(inner(custom(valid_timezone)))]
    pub timezone: Option<String>,
    /// What it is in the institution, each role once.
    #[serde(default)]
    #[garde(dive, custom(each_once))]
    pub roles: Vec<HeldRole>,
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

/// A change of a user; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchUser {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Another name for signing in, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    #[garde(inner(inner(length(chars, min = 1, max = 128))))]
    pub username: Option<Option<String>>,
    /// Another address, or none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    #[garde(inner(inner(custom(valid_email))))]
    pub email: Option<Option<String>>,
    /// A new given name.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    pub given_name: Option<String>,
    /// A new family name.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    pub family_name: Option<String>,
    /// Another time zone, or the institution's.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    #[garde(inner(inner(custom(valid_timezone))))]
    pub timezone: Option<Option<String>>,
    /// All roles that it is to have.
    #[garde(dive, custom(each_once_of))]
    pub roles: Option<Vec<HeldRole>>,
}

impl PatchUser {
    /// The user as it is to be.
    pub fn apply_to(&self, mut user: User) -> User {
        if let Some(username) = &self.username {
            user.username.clone_from(username);
        }
        if let Some(email) = &self.email {
            user.email.clone_from(email);
        }
        if let Some(given_name) = &self.given_name {
            user.given_name.clone_from(given_name);
        }
        if let Some(family_name) = &self.family_name {
            user.family_name.clone_from(family_name);
        }
        if let Some(timezone) = &self.timezone {
            user.timezone.clone_from(timezone);
        }
        if let Some(roles) = &self.roles {
            user.roles.clone_from(roles);
        }
        user
    }
}

/// The rows of ADMIN among roles.
pub(super) fn admin_rows(roles: &[HeldRole]) -> Vec<&HeldRole> {
    roles.iter().filter(|held| held.role == UserRole::Admin).collect()
}

#[expect(clippy::ptr_arg, reason = "garde hands its validators the field itself")]
fn each_once<C>(roles: &Vec<HeldRole>, _: &C) -> garde::Result {
    let mut seen = BTreeSet::new();
    match roles.iter().find(|held| !seen.insert(held.role)) {
        Some(twice) => {
            Err(garde::Error::new(format!("{} stands there twice", twice.role.as_str())))
        }
        None => Ok(()),
    }
}

#[expect(clippy::ref_option, reason = "garde hands its validators the field itself")]
fn each_once_of<C>(roles: &Option<Vec<HeldRole>>, context: &C) -> garde::Result {
    roles.as_ref().map_or(Ok(()), |roles| each_once(roles, context))
}

/// A column of a user's roles, as an array.
macro_rules! held {
    ($column:literal) => {
        concat!(
            "ARRAY(SELECT r.",
            $column,
            " FROM user_roles r WHERE r.institution_id = t.institution_id AND r.user_id = t.id)"
        )
    };
}

impl Resource for User {
    const ENTITY: &'static str = "users";
    const KIND: &'static str = "USER";
    const TOUCHES: &'static [&'static str] = &["students"];
    const NOUN: &'static str = "user";
    const SELECT: &'static str = "SELECT t.id, t.username, t.email, t.given_name, t.family_name, t.timezone, \
        coalesce((SELECT jsonb_agg(jsonb_build_object('role', r.role, 'from', r.from_on, 'until', r.until_on, \
            'orgUnitId', r.org_unit_id) \
            ORDER BY r.role) FROM user_roles r \
            WHERE r.institution_id = t.institution_id AND r.user_id = t.id), '[]') AS roles, \
        t.source, t.external_id, t.row_version, t.created_at, t.updated_at FROM users t";
    const FIELDS: &'static [Field] = &[
        Field::id("users", "user"),
        Field::filter("username", "t.username", Kind::Text),
        Field::filter("email", "t.email", Kind::Text),
        Field::sort("familyName", "t.family_name", Kind::Text),
        Field::among("role", held!("role"), Kind::OneOf(ROLES)),
        Field {
            refers_to: Some(("org_units", "org unit")),
            ..Field::among("orgUnitId", held!("org_unit_id"), Kind::Uuid)
        },
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "username",
        "email",
        "givenName",
        "familyName",
        "timezone",
        "roles",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
    const UNRECORDED: &'static [&'static str] = &["username", "email", "givenName", "familyName"];
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn new(roles: &serde_json::Value) -> Result<(), garde::Report> {
        let user = json!({"givenName": "G", "familyName": "F", "roles": roles});
        serde_json::from_value::<NewUser>(user).expect("of the right form").validate()
    }

    #[test]
    fn a_role_is_held_once_and_ends_after_it_began() {
        assert!(new(&json!([{"role": "ADMIN"}, {"role": "STAFF"}])).is_ok());
        assert!(
            new(&json!([{"role": "STAFF"}, {"role": "STAFF", "until": "2026-01-01"}])).is_err()
        );
        let held = |from, until| json!([{"role": "STAFF", "from": from, "until": until}]);
        assert!(new(&held("2026-01-01", "2026-01-01")).is_ok());
        assert!(new(&held("2026-01-02", "2026-01-01")).is_err());
    }
}
