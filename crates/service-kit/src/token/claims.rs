//! What a verified token says: who, of which institution, with which roles at most, until when.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use shard_map::InstitutionId;
use uuid::Uuid;

use super::keys::Signs;
use super::{LEEWAY_S, TokenError};

/// The claims of a verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `sub`: the user (`users.id`).
    pub subject: Uuid,
    /// `institution_id`: the tenant.
    pub institution: InstitutionId,
    /// `roles`: a ceiling, not a grant.
    pub roles: Roles,
    /// `exp`.
    pub expires_at: DateTime<Utc>,
    /// `jti`.
    pub token_id: String,
    /// Whether a node signed it: the subject is then one of the institution's own api clients.
    pub is_of_client: bool,
}

/// A role that a token may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs the institution.
    Admin,
    /// Works in its office.
    Staff,
    /// Teaches.
    Instructor,
    /// Learns.
    Student,
    /// Answers for a student.
    Guardian,
    /// A program.
    ApiClient,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Admin,
        Self::Staff,
        Self::Instructor,
        Self::Student,
        Self::Guardian,
        Self::ApiClient,
    ];

    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::Staff => "STAFF",
            Self::Instructor => "INSTRUCTOR",
            Self::Student => "STUDENT",
            Self::Guardian => "GUARDIAN",
            Self::ApiClient => "API_CLIENT",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role: one of admin staff instructor student guardian api_client is expected")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    /// Takes the word in upper case, as in JSON, or in lower case, as on the command line.
    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        let named =
            |role: &Self| word == role.as_str() || word == role.as_str().to_ascii_lowercase();
        Self::ALL.into_iter().find(named).ok_or_else(|| UnknownRole(word.to_owned()))
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    /// No role.
    pub const fn empty() -> Self {
        Self(0)
    }

    /// Whether a role is among them.
    pub const fn contains(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Whether any role is among both.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// These roles and one more.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | role.bit())
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Them, in order of [`Role::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<T: IntoIterator<Item = Role>>(roles: T) -> Self {
        roles.into_iter().fold(Self::default(), Self::with)
    }
}

impl From<Role> for Roles {
    fn from(role: Role) -> Self {
        Self(role.bit())
    }
}

impl Serialize for Roles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Role::as_str))
    }
}

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        words
            .iter()
            .map(|word| word.parse::<Role>())
            .collect::<Result<_, _>>()
            .map_err(serde::de::Error::custom)
    }
}

/// Whom to believe, for whom.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) issuer: String,
    pub(super) audience: String,
}

impl Claims {
    /// Judges the payload of a token whose signature holds.
    pub(super) fn judge(
        payload: &Map<String, Value>,
        expected: &Expected,
        signs: Signs,
        now: DateTime<Utc>,
    ) -> Result<Self, TokenError> {
        if payload.get("iss").and_then(Value::as_str) != Some(expected.issuer.as_str()) {
            return Err(TokenError::Issuer);
        }
        if !names_audience(payload.get("aud"), &expected.audience) {
            return Err(TokenError::Audience);
        }
        let expires_at = time(payload, "exp")?.ok_or(TokenError::Claims("`exp` is missing"))?;
        let issued_at = time(payload, "iat")?.ok_or(TokenError::Claims("`iat` is missing"))?;
        let not_before = time(payload, "nbf")?.unwrap_or(issued_at);
        if expires_at <= now {
            return Err(TokenError::Expired);
        }
        if issued_at.max(not_before) > now + chrono::TimeDelta::seconds(LEEWAY_S) {
            return Err(TokenError::NotYetValid);
        }
        let (roles, is_of_client) = (roles(payload.get("roles"))?, signs == Signs::Clients);
        if is_of_client && roles != Roles::from(Role::ApiClient) {
            return Err(TokenError::Claims("its key signs for the role `API_CLIENT` alone"));
        }
        Ok(Self {
            subject: uuid(payload, "sub", "`sub` is not a UUID")?,
            institution: InstitutionId::new(uuid(
                payload,
                "institution_id",
                "`institution_id` is not a UUID",
            )?),
            roles,
            expires_at,
            token_id: payload
                .get("jti")
                .and_then(Value::as_str)
                .filter(|id| !id.is_empty())
                .ok_or(TokenError::Claims("`jti` is not a text"))?
                .to_owned(),
            is_of_client,
        })
    }
}

fn names_audience(aud: Option<&Value>, audience: &str) -> bool {
    match aud {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

/// A claim that is a time, in seconds since 1970 (RFC 7519 allows a fraction; it is cut).
fn time(payload: &Map<String, Value>, claim: &str) -> Result<Option<DateTime<Utc>>, TokenError> {
    let wrong = TokenError::Claims("a time (`exp`, `iat`, `nbf`) is not a number of seconds");
    let Some(value) = payload.get(claim) else { return Ok(None) };
    let whole = |seconds: f64| format!("{:.0}", seconds.floor()).parse::<i64>().ok();
    let seconds = value.as_i64().or_else(|| value.as_f64().and_then(whole)).ok_or(wrong)?;
    if seconds < 0 {
        return Err(wrong);
    }
    DateTime::from_timestamp(seconds, 0).map(Some).ok_or(wrong)
}

fn uuid(
    payload: &Map<String, Value>,
    claim: &str,
    wrong: &'static str,
) -> Result<Uuid, TokenError> {
    payload
        .get(claim)
        .and_then(Value::as_str)
        .and_then(|text| Uuid::try_parse(text).ok())
        .ok_or(TokenError::Claims(wrong))
}

fn roles(value: Option<&Value>) -> Result<Roles, TokenError> {
    let wrong = TokenError::Claims("`roles` is not an array of known roles");
    let words = value.and_then(Value::as_array).ok_or(wrong)?;
    words
        .iter()
        .map(|word| word.as_str().and_then(|word| word.parse::<Role>().ok()).ok_or(wrong))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_a_set_of_words() {
        let roles: Roles = serde_json::from_str(r#"["STUDENT","ADMIN","STUDENT"]"#).expect("roles");
        assert!(roles.contains(Role::Admin) && !roles.contains(Role::Staff));
        assert_eq!(serde_json::to_string(&roles).expect("json"), r#"["ADMIN","STUDENT"]"#);
        assert!(serde_json::from_str::<Roles>(r#"["ROOT"]"#).is_err());
    }

    #[test]
    fn a_role_is_read_in_lower_case_too() {
        assert_eq!("api_client".parse(), Ok(Role::ApiClient));
        assert!("Admin".parse::<Role>().is_err());
    }
}
