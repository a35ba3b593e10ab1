//! In which order a term's dates lie. Pure.

use chrono::NaiveDate;
use service_kit::problem::FieldProblem;

/// The dates of a term.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dates {
    pub(super) starts_on: NaiveDate,
    pub(super) ends_on: NaiveDate,
    pub(super) enroll_from: Option<NaiveDate>,
    pub(super) enroll_until: Option<NaiveDate>,
    pub(super) drop_until: Option<NaiveDate>,
    pub(super) withdraw_until: Option<NaiveDate>,
}

impl Dates {
    /// What is wrong with them, each with its place.
    pub(super) fn faults(&self) -> Vec<FieldProblem> {
        let orders = [
            (Some(self.starts_on), Some(self.ends_on), "/endsOn", "startsOn"),
            (self.enroll_from, self.enroll_until, "/enrollUntil", "enrollFrom"),
            (self.drop_until, self.withdraw_until, "/withdrawUntil", "dropUntil"),
        ];
        let turned = orders.into_iter().filter_map(|(first, last, at, before)| {
            let (first, last) = (first?, last?);
            let allowed = format!("{before} or later is expected: {first} or later, not {last}");
            (last < first).then(|| FieldProblem::new(at, "invalid", allowed))
        });
        turned.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn dates() -> Dates {
        Dates {
            starts_on: day("2026-09-01"),
            ends_on: day("2026-12-14"),
            enroll_from: Some(day("2026-08-01")),
            enroll_until: Some(day("2026-08-31")),
            drop_until: Some(day("2026-09-14")),
            withdraw_until: Some(day("2026-11-14")),
        }
    }

    fn pointers(dates: Dates) -> Vec<String> {
        dates.faults().into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn dates_in_order_pass() {
        assert!(dates().faults().is_empty());
        let bare = Dates { enroll_from: None, drop_until: None, ..dates() };
        assert!(bare.faults().is_empty());
        let one_day = Dates { ends_on: day("2026-09-01"), ..dates() };
        assert!(one_day.faults().is_empty());
    }

    #[test]
    fn each_date_before_the_one_it_follows_is_pointed_at() {
        let turned = Dates {
            ends_on: day("2026-08-31"),
            enroll_until: Some(day("2026-07-31")),
            withdraw_until: Some(day("2026-09-13")),
            ..dates()
        };
        assert_eq!(pointers(turned), ["/endsOn", "/enrollUntil", "/withdrawUntil"]);
    }
}
