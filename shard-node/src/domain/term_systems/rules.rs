//! What a year's terms are. Pure: local dates in, local dates out, no clock and no time zone.

use std::str::FromStr;

use chrono::{Days, NaiveDate};

/// Weeks that a year of terms and breaks may have: 364 days, which leap or not end before the next year's
/// anchor.
pub(super) const WEEKS_MAX: i32 = 52;

/// The shape of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) terms_per_year: i32,
    pub(super) weeks_per_term: i32,
    /// Weeks between two terms; none after the last.
    pub(super) break_weeks: i32,
}

impl Calendar {
    /// Weeks from the first day of the first term to the last day of the last.
    pub(super) fn weeks(self) -> i32 {
        self.terms_per_year * (self.weeks_per_term + self.break_weeks) - self.break_weeks
    }

    /// Whether the year fits.
    pub(super) fn check(self) -> Result<(), TooLong> {
        if self.weeks() <= WEEKS_MAX { Ok(()) } else { Err(TooLong { weeks: self.weeks() }) }
    }
}

/// A year that does not fit into one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("terms and breaks take {weeks} weeks; at most {WEEKS_MAX} weeks a year are allowed")]
pub(super) struct TooLong {
    weeks: i32,
}

/// A day that every year has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    month: u32,
    day: u32,
}

/// A text that names no such day.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a month and day that every year has is expected, such as 09-01 (02-29 is not)")]
pub(super) struct BadAnchor;

impl FromStr for Anchor {
    type Err = BadAnchor;

    fn from_str(text: &str) -> Result<Self, BadAnchor> {
        let digits = |c: char| c.is_ascii_digit();
        let (month, day) = text.split_once('-').ok_or(BadAnchor)?;
        if month.len() != 2 || day.len() != 2 || !month.chars().chain(day.chars()).all(digits) {
            return Err(BadAnchor);
        }
        let month = month.parse().map_err(|_| BadAnchor)?;
        let day = day.parse().map_err(|_| BadAnchor)?;
        // 2001 is no leap year: what it has, every year has.
        NaiveDate::from_ymd_opt(2001, month, day).map(|_| Self { month, day }).ok_or(BadAnchor)
    }
}

impl Anchor {
    fn in_year(self, year: i32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(year, self.month, self.day)
    }
}

/// A term of a year, both days inclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedTerm {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) starts_on: NaiveDate,
    pub(super) ends_on: NaiveDate,
}

/// The terms of a year, in order; none where the year is beyond the calendar.
pub(super) fn plan(calendar: Calendar, anchor: Anchor, year: i32) -> Option<Vec<PlannedTerm>> {
    let first = anchor.in_year(year)?;
    let step = weeks(calendar.weeks_per_term + calendar.break_weeks)?;
    let length = weeks(calendar.weeks_per_term)?.checked_sub(1)?;
    let mut terms = Vec::new();
    let mut starts_on = first;
    for number in 1..=calendar.terms_per_year {
        let ends_on = starts_on.checked_add_days(Days::new(length))?;
        terms.push(PlannedTerm {
            code: format!("{year}-T{number}"),
            name: format!("Term {number} {year}"),
            starts_on,
            ends_on,
        });
        starts_on = starts_on.checked_add_days(Days::new(step))?;
    }
    Some(terms)
}

fn weeks(number: i32) -> Option<u64> {
    u64::try_from(number).ok()?.checked_mul(7)
}

/// A term of the system that is there already, as far as planning goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExistingTerm {
    pub(super) code: String,
    pub(super) starts_on: NaiveDate,
    pub(super) ends_on: NaiveDate,
}

/// Two terms that cannot both be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Clash {
    /// A term on other days has the code.
    #[error("the code {0} is another term's")]
    Code(String),
    /// A term of the system lies across it.
    #[error("{planned} would overlap {existing}")]
    Dates { planned: String, existing: String },
}

/// Which planned terms are yet to be made; those that are there as planned stay.
pub(super) fn missing(
    planned: Vec<PlannedTerm>,
    existing: &[ExistingTerm],
) -> Result<Vec<PlannedTerm>, Clash> {
    let mut missing = Vec::new();
    for term in planned {
        let mut is_there = false;
        for other in existing {
            is_there |= compare(&term, other)?;
        }
        if !is_there {
            missing.push(term);
        }
    }
    Ok(missing)
}

/// Whether the existing term is the planned one.
fn compare(planned: &PlannedTerm, existing: &ExistingTerm) -> Result<bool, Clash> {
    let same_code = planned.code == existing.code;
    let same_days = (planned.starts_on, planned.ends_on) == (existing.starts_on, existing.ends_on);
    let overlap = planned.starts_on <= existing.ends_on && existing.starts_on <= planned.ends_on;
    match (same_code, overlap) {
        (true, _) if same_days => Ok(true),
        (true, _) => Err(Clash::Code(planned.code.clone())),
        (false, true) => {
            Err(Clash::Dates { planned: planned.code.clone(), existing: existing.code.clone() })
        }
        (false, false) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;
    use proptest::prelude::*;

    use super::*;

    const SEMESTERS: Calendar = Calendar { terms_per_year: 2, weeks_per_term: 15, break_weeks: 0 };

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn anchor(text: &str) -> Anchor {
        text.parse().expect("an anchor")
    }

    fn as_existing(term: &PlannedTerm) -> ExistingTerm {
        ExistingTerm { code: term.code.clone(), starts_on: term.starts_on, ends_on: term.ends_on }
    }

    #[test]
    fn two_semesters_of_fifteen_weeks() {
        let terms = plan(SEMESTERS, anchor("09-01"), 2026).expect("a plan");
        let days: Vec<_> = terms.iter().map(|term| (term.starts_on, term.ends_on)).collect();
        assert_eq!(
            days,
            [(day("2026-09-01"), day("2026-12-14")), (day("2026-12-15"), day("2027-03-29")),]
        );
        assert_eq!((&*terms[1].code, &*terms[1].name), ("2026-T2", "Term 2 2026"));
    }

    #[test]
    fn a_break_lies_between_terms() {
        let calendar = Calendar { break_weeks: 3, ..SEMESTERS };
        let terms = plan(calendar, anchor("09-01"), 2026).expect("a plan");
        assert_eq!(terms[1].starts_on, day("2027-01-05"));
    }

    #[test]
    fn a_year_of_more_than_52_weeks_is_refused() {
        let full = Calendar { terms_per_year: 2, weeks_per_term: 24, break_weeks: 4 };
        assert_eq!(full.check(), Ok(()));
        let beyond = Calendar { weeks_per_term: 25, ..full };
        assert_eq!(beyond.check(), Err(TooLong { weeks: 54 }));
    }

    #[test]
    fn an_anchor_is_a_day_that_every_year_has() {
        assert!("02-28".parse::<Anchor>().is_ok());
        for text in
            ["02-29", "02-30", "13-01", "00-10", "9-1", "09-1", "09/01", "", "+9-01", "09-01-01"]
        {
            assert_eq!(text.parse::<Anchor>(), Err(BadAnchor), "{text}");
        }
    }

    #[test]
    fn what_is_there_as_planned_stays_and_the_rest_is_missing() {
        let planned = plan(SEMESTERS, anchor("09-01"), 2026).expect("a plan");
        let existing = [as_existing(&planned[0])];
        assert_eq!(missing(planned.clone(), &existing), Ok(vec![planned[1].clone()]));
    }

    #[test]
    fn a_term_of_the_system_on_other_days_clashes() {
        let planned = plan(SEMESTERS, anchor("09-01"), 2026).expect("a plan");
        let mut moved = as_existing(&planned[0]);
        moved.ends_on = day("2026-12-13");
        assert_eq!(missing(planned.clone(), &[moved.clone()]), Err(Clash::Code("2026-T1".into())));
        moved.code = "AUTUMN".into();
        let clash = Clash::Dates { planned: "2026-T1".into(), existing: "AUTUMN".into() };
        assert_eq!(missing(planned, &[moved]), Err(clash));
    }

    prop_compose! {
        fn calendars()(terms_per_year in 1..=12, weeks_per_term in 1..=52, break_weeks in 0..=26)
            -> Calendar { Calendar { terms_per_year, weeks_per_term, break_weeks } }
    }

    prop_compose! {
        fn anchors()(ordinal in 1..=365_u32) -> Anchor {
            let day = NaiveDate::from_yo_opt(2001, ordinal).expect("a day of 2001");
            Anchor { month: day.month(), day: day.day() }
        }
    }

    proptest! {
        #[test]
        fn terms_are_in_order_apart_and_inside_a_year(
            calendar in calendars().prop_filter("fits", |calendar| calendar.check().is_ok()),
            anchor in anchors(),
            year in 1900..=2200,
        ) {
            let terms = plan(calendar, anchor, year).expect("a plan");
            let first = anchor.in_year(year).expect("every year has it");
            let next_year = anchor.in_year(year + 1).expect("every year has it");
            prop_assert_eq!(i32::try_from(terms.len()), Ok(calendar.terms_per_year));
            prop_assert_eq!(terms[0].starts_on, first);
            for term in &terms {
                let days = (term.ends_on - term.starts_on).num_days() + 1;
                prop_assert_eq!(days, i64::from(calendar.weeks_per_term) * 7);
            }
            for pair in terms.windows(2) {
                let between = (pair[1].starts_on - pair[0].ends_on).num_days() - 1;
                prop_assert_eq!(between, i64::from(calendar.break_weeks) * 7);
            }
            let last = terms[terms.len() - 1].ends_on;
            prop_assert!((last - first).num_days() < i64::from(WEEKS_MAX) * 7);
            prop_assert!(last < next_year);
        }

        #[test]
        fn generating_again_misses_nothing(
            calendar in calendars().prop_filter("fits", |calendar| calendar.check().is_ok()),
            anchor in anchors(),
            year in 1900..=2200,
        ) {
            let planned = plan(calendar, anchor, year).expect("a plan");
            let existing: Vec<_> = planned.iter().map(as_existing).collect();
            prop_assert_eq!(missing(planned, &existing), Ok(Vec::new()));
        }
    }
}
