//! What inputs of several entities must be, whatever else they are. Pure; for `#[garde(custom(...))]`.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};

/// Years that a date of the API may lie in: past them somebody mistyped, and Postgres and chrono part ways.
pub(crate) const YEARS: RangeInclusive<i32> = 1900..=2300;

/// A date of [`YEARS`].
pub(crate) fn valid_day<C>(value: &NaiveDate, _: &C) -> garde::Result {
    if YEARS.contains(&value.year()) {
        return Ok(());
    }
    let (first, last) = (YEARS.start(), YEARS.end());
    Err(garde::Error::new(format!("a date of the years {first} to {last} is expected")))
}

/// What comes together with `other` or not at all, such as `source` and `externalId`.
pub(crate) fn together_with<C>(
    name: &'static str,
    other: Option<&String>,
) -> impl FnOnce(&Option<String>, &C) -> garde::Result {
    let wanted = other.is_some();
    move |value, _| {
        if value.is_none() && wanted {
            return Err(garde::Error::new(format!("it is expected together with {name}")));
        }
        Ok(())
    }
}
