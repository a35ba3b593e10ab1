//! Every SQL statement on the control database. Checked at compile time; a file for each table.

pub mod directory;
pub mod history;
pub mod journal;
pub mod leader;
pub mod map_head;
pub mod moves;
pub mod nodes;
pub mod pins;
pub mod plans;
pub mod queue;
pub mod relocation;
pub mod shards;
pub mod world;

use std::str::FromStr;

use crate::error::Error;

/// The migrations of the control database.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/control-plane");

/// Reads a word or id that the database has checked already.
pub(crate) fn parse<T>(text: &str) -> Result<T, Error>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| Error::Corrupt(error.to_string()))
}

/// A statement changed one row, or it is a defect that says so.
pub(crate) fn one_row(what: &'static str, rows: u64) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Corrupt(format!("{rows} rows for one {what}"))) }
}

/// Seconds to wait before try number `tries`: 1, 2, 4, 8, 16, 30, 30, ...
pub(crate) fn backoff_s(tries: i32) -> f64 {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(0).min(5);
    f64::from((1_u32 << doublings).min(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_half_a_minute() {
        let waits: Vec<_> = [0, 1, 2, 3, 4, 5, 6, 7, i32::MAX].map(backoff_s).into();
        assert_eq!(waits, [1.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
    }
}
