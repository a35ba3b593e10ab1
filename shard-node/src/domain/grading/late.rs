//! What being late costs: `possible * min(rate * ceil(late / interval), max(raw% - floor%, 0)) / 100`.
//!
//! What must stay true: a deduction never takes a score below the floor, nor one that is below it already any lower;
//! a day is one of the class's clock on the wall, so that a day with 23 or 25 hours is one day.

use std::ops::ControlFlow;

use chrono::{DateTime, Days, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::units::{ONE, decimal, divide, units};

/// What lateness is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = LateInterval)]
pub enum Interval {
    /// Hours that have passed.
    Hour,
    /// Days of the class's clock on the wall.
    Day,
}

/// What being late costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LatePolicy {
    /// Percent of the possible points for each interval that has begun.
    pub rate_percent: Decimal,
    /// The interval.
    pub interval: Interval,
    /// Percent that lateness takes nobody below.
    pub floor_percent: Decimal,
}

/// The most intervals that are counted: more than a century of hours.
const INTERVALS_MAX: i64 = 1_000_000;

/// The points that are taken off, 0 where it came in time. `due` is when the student was due, `at` when it came,
/// `tz` the class's time zone.
pub fn deduction(
    possible: Decimal,
    raw: Decimal,
    due: DateTime<Utc>,
    at: DateTime<Utc>,
    tz: Tz,
    policy: &LatePolicy,
) -> Decimal {
    let late = intervals(due, at, tz, policy.interval);
    let (possible, raw) = (units(possible).max(0), units(raw).max(0));
    let rate = units(policy.rate_percent).clamp(0, 100 * ONE);
    let floor = units(policy.floor_percent).clamp(0, 100 * ONE);
    // Both in units of a unit's millionth: a percent of a percent's ten-thousandth.
    let percent = 100 * ONE;
    let by_rate = possible * (rate * i128::from(late)).min(percent);
    let above_floor = (raw * percent - possible * floor).max(0);
    decimal(divide(by_rate.min(above_floor), percent))
}

/// How many intervals have begun since it was due.
pub fn intervals(due: DateTime<Utc>, at: DateTime<Utc>, tz: Tz, interval: Interval) -> i64 {
    if at <= due {
        return 0;
    }
    match interval {
        Interval::Hour => {
            let late = at.signed_duration_since(due);
            let begun = i64::from(late > TimeDelta::hours(late.num_hours()));
            late.num_hours().saturating_add(begun).min(INTERVALS_MAX)
        }
        Interval::Day => days(due, at, tz),
    }
}

/// The least number of days after which the clock of the day when it was due had not yet been passed.
fn days(due: DateTime<Utc>, at: DateTime<Utc>, tz: Tz) -> i64 {
    let began = due.with_timezone(&tz).naive_local();
    let guess = at.signed_duration_since(due).num_days().clamp(0, INTERVALS_MAX);
    // A day more or less by the clock changes between.
    let candidates = (guess - 1).max(1)..=guess + 2;
    let found = candidates.into_iter().try_for_each(|number| {
        let ends = u64::try_from(number)
            .ok()
            .and_then(|number| began.checked_add_days(Days::new(number)))
            .map(|local| instant(local, tz));
        match ends {
            Some(ends) if ends < at => ControlFlow::Continue(()),
            _ => ControlFlow::Break(number),
        }
    });
    match found {
        ControlFlow::Break(number) => number,
        ControlFlow::Continue(()) => guess + 2,
    }
}

/// When a clock on the wall shows this: the later time where it does so twice, and where it never does, the moment
/// that it would have been by the clock before it jumped.
fn instant(local: NaiveDateTime, tz: Tz) -> DateTime<Utc> {
    match tz.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(_, at) => at.with_timezone(&Utc),
        MappedLocalTime::None => {
            // No zone has skipped more than a day, Samoa's in 2011.
            let before = local - TimeDelta::days(1);
            match tz.from_local_datetime(&before) {
                MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => {
                    at.with_timezone(&Utc) + TimeDelta::days(1)
                }
                MappedLocalTime::None => local.and_utc(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn policy(rate: &str, interval: Interval, floor: &str) -> LatePolicy {
        LatePolicy { rate_percent: of(rate), interval, floor_percent: of(floor) }
    }

    fn off(possible: &str, raw: &str, late: TimeDelta, policy: &LatePolicy) -> Decimal {
        let due = at("2026-11-02T12:00:00Z");
        deduction(of(possible), of(raw), due, due + late, Tz::UTC, policy)
    }

    #[test]
    fn a_day_and_an_hour_late_at_ten_percent_a_day_takes_twenty_of_eighty_five() {
        let policy = policy("10", Interval::Day, "40");
        let off = off("100", "85", TimeDelta::hours(25), &policy);
        assert_eq!((off, of("85") - off), (of("20"), of("65")));
    }

    #[test]
    fn a_deduction_stops_at_the_floor_and_never_lifts_to_it() {
        let policy = policy("10", Interval::Day, "40");
        assert_eq!(off("100", "85", TimeDelta::days(9), &policy), of("45"));
        assert_eq!(off("100", "30", TimeDelta::days(1), &policy), of("0"));
        assert_eq!(off("100", "40.5", TimeDelta::days(1), &policy), of("0.5"));
        assert_eq!(off("0", "0", TimeDelta::days(1), &policy), of("0"));
    }

    #[test]
    fn what_comes_in_time_costs_nothing_and_a_second_later_an_interval() {
        let policy = policy("1.5", Interval::Hour, "0");
        assert_eq!(off("10", "10", TimeDelta::zero(), &policy), of("0"));
        assert_eq!(off("10", "10", TimeDelta::seconds(-1), &policy), of("0"));
        assert_eq!(off("10", "10", TimeDelta::milliseconds(1), &policy), of("0.15"));
        assert_eq!(off("10", "10", TimeDelta::hours(1), &policy), of("0.15"));
        assert_eq!(off("10", "10", TimeDelta::minutes(61), &policy), of("0.3"));
        assert_eq!(off("10", "10", TimeDelta::days(10_000), &policy), of("10"));
    }

    #[test]
    fn a_day_is_one_of_the_clock_on_the_wall() {
        let berlin = Tz::Europe__Berlin;
        let late = |due, came| intervals(at(due), at(came), berlin, Interval::Day);
        // Spring: the clock goes from 2 to 3 in the night, and noon comes after 23 hours.
        assert_eq!(late("2026-03-28T11:00:00Z", "2026-03-29T10:00:00Z"), 1);
        assert_eq!(late("2026-03-28T11:00:00Z", "2026-03-29T10:00:01Z"), 2);
        // Autumn: noon comes after 25 hours.
        assert_eq!(late("2026-10-24T10:00:00Z", "2026-10-25T11:00:00Z"), 1);
        assert_eq!(late("2026-10-24T10:00:00Z", "2026-10-25T11:00:01Z"), 2);
        // Due at half past two, which the next night has twice: the later one counts.
        assert_eq!(late("2026-10-24T00:30:00Z", "2026-10-25T01:30:00Z"), 1);
        assert_eq!(late("2026-10-24T00:30:00Z", "2026-10-25T01:30:01Z"), 2);
        // Due in the first of the two hours, come in the second: late, although the clock shows an earlier time.
        assert_eq!(late("2026-10-25T00:45:00Z", "2026-10-25T01:15:00Z"), 1);
        // Due at half past two; the next night has no such time.
        assert_eq!(late("2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z"), 1);
        assert_eq!(late("2026-03-28T01:30:00Z", "2026-03-29T01:30:01Z"), 2);
        // Samoa had no 30 December 2011.
        let samoa = |came| {
            intervals(at("2011-12-29T22:00:00Z"), at(came), Tz::Pacific__Apia, Interval::Day)
        };
        assert_eq!(samoa("2011-12-30T21:00:00Z"), 1);
    }

    proptest! {
        #[test]
        fn a_deduction_leaves_a_score_between_the_floor_and_what_it_was(
            possible in 0_i64..10_000_000, raw in 0_i64..10_000_000, rate in 0_i64..2_000_000, floor in 0_i64..2_000_000,
            late_s in -1_000_000_i64..100_000_000, day: bool, zone in 0..chrono_tz::TZ_VARIANTS.len()) {
            let interval = if day { Interval::Day } else { Interval::Hour };
            let policy = LatePolicy { rate_percent: Decimal::new(rate, 4), interval, floor_percent: Decimal::new(floor, 4) };
            let (possible, raw) = (Decimal::new(possible, 4), Decimal::new(raw, 4));
            let due = at("2026-03-01T12:00:00Z");
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let off = deduction(possible, raw, due, due + TimeDelta::seconds(late_s), zone, &policy);
            let later = deduction(possible, raw, due, due + TimeDelta::seconds(late_s + 7_200), zone, &policy);
            prop_assert!(Decimal::ZERO <= off && off <= raw && off <= later);
            prop_assert!(late_s > 0 || off.is_zero());
            let floor = possible * policy.floor_percent.min(Decimal::ONE_HUNDRED) / Decimal::ONE_HUNDRED;
            prop_assert!(raw - off >= raw.min(floor) - Decimal::new(1, 4));
        }
    }
}
