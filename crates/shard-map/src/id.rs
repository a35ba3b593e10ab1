//! Ids as types, so that two bare uuids or strings never meet in one signature.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest accepted name of a shard or node, in bytes.
const NAME_MAX_BYTES: usize = 63;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a uuid.
    #[error("`{0}` is not an institution id: a UUID such as 0190a1b2-... is expected")]
    Institution(String),
    /// Not a shard's or node's name.
    #[error(
        "`{0}` is not a name of a shard or node: 1 to 63 of a-z, 0-9 and -, beginning with a letter"
    )]
    Name(String),
}

/// An institution: the tenant.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = Uuid)]
pub struct InstitutionId(Uuid);

impl InstitutionId {
    /// Takes a uuid as an institution's id.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The bare uuid, for the edge of a database driver.
    pub const fn as_uuid(&self) -> Uuid {
        self.0
    }
}

impl fmt::Display for InstitutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for InstitutionId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Uuid::try_parse(text).map(Self).map_err(|_| IdError::Institution(text.to_owned()))
    }
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[schema(value_type = String)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                check_name(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                check_name(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

name_id! {
    /// A shard: one Postgres primary with its replicas and one Redis Cluster.
    ShardId
}
name_id! {
    /// A node: one shard-node process.
    NodeId
}

fn check_name(text: &str) -> Result<(), IdError> {
    let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let first = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    if letters && first && text.len() <= NAME_MAX_BYTES {
        Ok(())
    } else {
        Err(IdError::Name(text.to_owned()))
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
            ToSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A number per institution, raised by fence, commit and abort of a move; never reused.
    Epoch
}
number! {
    /// The gapless number of a published map.
    MapVersion
}

impl MapVersion {
    /// The version that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_outside_the_alphabet_are_refused() {
        for bad in ["", "Shard", "1a", "-a", "a_b", "a b", &"a".repeat(64), "a\n"] {
            assert!(bad.parse::<ShardId>().is_err(), "{bad:?} was accepted");
        }
        assert_eq!("shard-a".parse::<ShardId>().expect("a name").as_str(), "shard-a");
    }

    #[test]
    fn a_name_from_json_is_checked() {
        assert!(serde_json::from_str::<ShardId>("\"A\"").is_err());
        assert!(serde_json::from_str::<NodeId>("\"node-1\"").is_ok());
    }
}
