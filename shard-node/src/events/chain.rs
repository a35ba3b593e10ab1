//! The hash chain: what an event's hash covers, byte for byte. Pure.
//!
//! `hash = SHA-256(hash before it || fields)`. Each field stands as its length in four bytes, big-endian, and its
//! bytes; one that is null as the length 2^32 - 1 alone: no two rows have the same bytes. Whoever changes this breaks
//! every chain there is.

use std::fmt;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

/// What stands before the first event.
pub const GENESIS: Hash = Hash([0; 32]);

/// The format of the fields, first among them.
const FORMAT: &[u8] = b"lxp-event-1";

/// What a hash covers beside the one before it.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'r> {
    /// Whose event it is.
    pub institution: Uuid,
    /// Its number.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// Its type.
    pub kind: &'r str,
    /// The table of its aggregate.
    pub aggregate: &'r str,
    /// Its aggregate.
    pub aggregate_id: Uuid,
    /// The aggregate's version.
    pub aggregate_version: i64,
    /// Who caused it.
    pub actor_id: Option<Uuid>,
    /// The request that caused it.
    pub request_id: Option<&'r str>,
    /// When; microseconds count.
    pub created_at: DateTime<Utc>,
    /// The payload as Postgres writes a `jsonb`: members by length, then bytes; numbers with their digits.
    pub payload: &'r str,
}

impl Hash {
    /// The hash of the event that follows.
    #[must_use]
    pub fn then(&self, fields: &Fields<'_>) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        let mut add = |bytes: Option<&[u8]>| {
            let length = bytes.map_or(u32::MAX, |bytes| {
                u32::try_from(bytes.len()).expect("Postgres keeps no gigabytes in a field")
            });
            hasher.update(length.to_be_bytes());
            hasher.update(bytes.unwrap_or_default());
        };
        add(Some(FORMAT));
        add(Some(fields.institution.as_bytes()));
        add(Some(&fields.seq.to_be_bytes()));
        add(Some(fields.id.as_bytes()));
        add(Some(fields.kind.as_bytes()));
        add(Some(fields.aggregate.as_bytes()));
        add(Some(fields.aggregate_id.as_bytes()));
        add(Some(&fields.aggregate_version.to_be_bytes()));
        add(fields.actor_id.as_ref().map(|id| &id.as_bytes()[..]));
        add(fields.request_id.map(str::as_bytes));
        add(Some(&fields.created_at.timestamp_micros().to_be_bytes()));
        add(Some(fields.payload.as_bytes()));
        Self(hasher.finalize().into())
    }

    /// What a column has, if it is a SHA-256 at all.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// What [`fmt::Display`] wrote.
    pub fn parse(hex: &str) -> Option<Self> {
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..64).step_by(2).map(byte).collect();
        Self::of_bytes(&bytes?)
    }
}

impl fmt::Display for Hash {
    /// Hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields<'static> {
        Fields {
            institution: Uuid::from_u128(1),
            seq: 1,
            id: Uuid::from_u128(2),
            kind: "COURSE_CREATED",
            aggregate: "courses",
            aggregate_id: Uuid::from_u128(3),
            aggregate_version: 1,
            actor_id: Some(Uuid::nil()),
            request_id: Some("r-1"),
            created_at: DateTime::from_timestamp_micros(1_700_000_000_000_001).expect("a time"),
            payload: r#"{"id": 1}"#,
        }
    }

    /// Worked out apart from this code; a change of it would break every chain there is.
    #[test]
    fn the_bytes_are_pinned() {
        let expected = "4b5930977451f5dcc6e39986e9fe5ce3e9604882dcb91ed128222633dcb3c653";
        assert_eq!(GENESIS.then(&fields()).to_string(), expected);
    }

    #[test]
    fn every_field_counts() {
        let base = fields();
        let one = GENESIS.then(&base);
        let others = [
            Fields { institution: Uuid::from_u128(9), ..base },
            Fields { seq: 2, ..base },
            Fields { id: Uuid::from_u128(9), ..base },
            Fields { kind: "COURSE_UPDATED", ..base },
            Fields { aggregate: "classes", ..base },
            Fields { aggregate_id: Uuid::from_u128(9), ..base },
            Fields { aggregate_version: 2, ..base },
            Fields { actor_id: None, ..base },
            Fields { request_id: None, ..base },
            Fields { request_id: Some(""), ..base },
            Fields { created_at: base.created_at + chrono::TimeDelta::microseconds(1), ..base },
            Fields { payload: r#"{"id": 2}"#, ..base },
            // The same bytes, cut elsewhere.
            Fields { kind: "COURSE_CREATEDc", aggregate: "ourses", ..base },
        ];
        for other in others {
            assert_ne!(one, GENESIS.then(&other), "{other:?}");
        }
        assert_ne!(one, one.then(&base), "what stands before it counts");
    }

    #[test]
    fn hex_reads_back() {
        let hash = GENESIS.then(&fields());
        assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
        for wrong in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(Hash::parse(wrong), None, "{wrong}");
        }
    }
}
