//! A place in the log of a shard's primary.

use std::fmt;

/// A place in the log. A later timeline is past an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The timeline.
    pub timeline: u32,
    /// The byte.
    pub lsn: u64,
}

impl Position {
    /// Where a server is now: a primary says its timeline, a replica only how far it has replayed. Read after a
    /// COMMIT, it is past it: even one that does not wait for the disk has its place in the log.
    pub(crate) const QUERY: &'static str = "SELECT
        CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,
        (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END
            - '0/0')::bigint::text";

    /// Reads the row of [`Self::QUERY`]; `timeline` is that of the primary which a replica follows.
    pub(crate) fn of(row: (&str, &str), timeline: u32) -> Option<Self> {
        let (own, lsn) = row;
        let timeline = if own.is_empty() { timeline } else { u32::from_str_radix(own, 16).ok()? };
        Some(Self { timeline, lsn: lsn.parse().ok()? })
    }
}

impl fmt::Display for Position {
    /// The byte as Postgres writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.lsn >> 32, self.lsn & 0xFFFF_FFFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_and_written_as_postgres_does() {
        let position = Position::of(("0000000A", "25769803777"), 3).expect("a position");
        assert_eq!(position, Position { timeline: 10, lsn: 25_769_803_777 });
        assert_eq!(position.to_string(), "6/1");
        assert_eq!(Position::of(("", "5"), 3), Some(Position { timeline: 3, lsn: 5 }));
        assert_eq!(Position::of(("x", "5"), 3), None);
    }
}
