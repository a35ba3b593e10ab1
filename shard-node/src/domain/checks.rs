//! What inputs of several entities must be, whatever else they are. Pure; for `#[garde(custom(...))]`.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// Years that a date of the API may lie in: past them somebody mistyped, and Postgres and chrono part ways.
pub(crate) const YEARS: RangeInclusive<i32> = 1900..=2300;

/// The schema of a text that is one of these words. A reference to an enum's own would hide them where they stand.
pub(crate) fn one_of(description: &str, words: &[&str]) -> RefOr<Schema> {
    let words = words.iter().map(|word| (*word).to_owned());
    let text = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
    RefOr::T(Schema::Object(text.description(Some(description)).build()))
}

/// A date of [`YEARS`].
pub(crate) fn valid_day<C>(value: &NaiveDate, _: &C) -> garde::Result {
    if YEARS.contains(&value.year()) {
        return Ok(());
    }
    let (first, last) = (YEARS.start(), YEARS.end());
    Err(garde::Error::new(format!("a date of the years {first} to {last} is expected")))
}

/// An instant of [`YEARS`].
pub(crate) fn valid_instant<C>(value: &DateTime<Utc>, _: &C) -> garde::Result {
    if YEARS.contains(&value.year()) {
        return Ok(());
    }
    let (first, last) = (YEARS.start(), YEARS.end());
    Err(garde::Error::new(format!("an instant of the years {first} to {last} is expected")))
}

/// For the last day of a span: not before its first.
pub(crate) fn not_before<C>(
    from: Option<NaiveDate>,
) -> impl FnOnce(&NaiveDate, &C) -> garde::Result {
    move |until, _| match from {
        Some(from) if *until < from => {
            Err(garde::Error::new(format!("{from} or a later day is expected")))
        }
        _ => Ok(()),
    }
}

/// A decimal within bounds, with as many decimals as are kept.
pub(crate) fn decimal_between<C>(
    least: i64,
    most: i64,
) -> impl FnOnce(&Decimal, &C) -> garde::Result {
    move |value, _| {
        let bounds = Decimal::from(least)..=Decimal::from(most);
        if bounds.contains(value) && value.normalize().scale() <= 4 {
            return Ok(());
        }
        let expected = format!("{least} to {most} with at most 4 decimals is expected");
        Err(garde::Error::new(expected))
    }
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

/// Longest address and longest part before the `@`, in bytes (RFC 5321).
const EMAIL_MAX_BYTES: usize = 254;
const LOCAL_MAX_BYTES: usize = 64;

/// Whether mail could be sent there, as far as one can see: something, one `@`, a domain with a dot in it.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '@';
    let label = |label: &str| {
        let inner = |c: char| c.is_alphanumeric() || c == '-';
        !label.is_empty()
            && label.chars().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=LOCAL_MAX_BYTES).contains(&local.len())
        && text.len() <= EMAIL_MAX_BYTES
        && local.chars().all(plain)
        && domain.contains('.')
        && domain.split('.').all(label)
}

/// For `#[garde(custom(...))]`: [`is_email`].
pub(crate) fn valid_email<C>(value: &str, _: &C) -> garde::Result {
    if is_email(value) {
        Ok(())
    } else {
        Err(garde::Error::new("an address such as ada@example.edu is expected"))
    }
}

/// A time zone of the IANA database, such as `Europe/London`.
pub(crate) fn valid_timezone<C>(value: &str, _: &C) -> garde::Result {
    match value.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(()),
        Err(_) => Err(garde::Error::new("a time zone such as Europe/London is expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_mail_can_be_sent_to() {
        for text in ["ada@example.edu", "a.b+c@mail.example.co.uk", "zoë@exämple.org"] {
            assert!(is_email(text), "{text}");
        }
        for text in [
            "",
            "ada",
            "@example.edu",
            "ada@",
            "ada@localhost",
            "a b@example.edu",
            "a@b@example.edu",
            "ada@.edu",
            "ada@example..edu",
            "ada@-example.edu",
            "ada@exam ple.edu",
            "ada@example.edu\n",
        ] {
            assert!(!is_email(text), "{text}");
        }
        assert!(!is_email(&format!("{}@example.edu", "a".repeat(65))));
    }
}
