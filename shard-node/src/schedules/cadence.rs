//! When a schedule fires, by the institution's own calendar. Pure.
//!
//! What must stay true:
//! - A firing is a local date. Each date that exists fires once: a date whose midnight comes twice at the first of
//!   them, one without a midnight (clocks go forward over it) at its first instant, one that a zone skipped not at all.
//! - A week or month whose first day a zone skipped still begins: with the next day that exists.
//! - Later dates fire later. So "the last date that has fired" is all that must be remembered, whatever clocks do.

use chrono::{
    DateTime, Datelike, Days, MappedLocalTime, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone,
    Utc, Weekday,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How often a schedule fires, always at the institution's midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum Cadence {
    /// On each date.
    Daily,
    /// On Mondays.
    Weekly,
    /// On the first of each month.
    Monthly,
}

/// One firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firing {
    /// The local date that it is for.
    pub date: NaiveDate,
    /// When.
    pub at: DateTime<Utc>,
}

/// The first firing for a date after `after`.
pub fn next_firing(cadence: Cadence, zone: Tz, after: NaiveDate) -> Firing {
    let mut date = cadence.first_after(after);
    loop {
        if let Some(firing) = firing_on(cadence, zone, date) {
            return firing;
        }
        date = cadence.first_after(date);
    }
}

/// The last firing that is not after `now`.
pub fn latest_firing(cadence: Cadence, zone: Tz, now: DateTime<Utc>) -> Firing {
    // Where clocks go back over midnight, the date that has begun is tomorrow for an hour.
    let mut date = cadence.last_by(now.with_timezone(&zone).date_naive() + Days::new(1));
    loop {
        if let Some(firing) = firing_on(cadence, zone, date).filter(|firing| firing.at <= now) {
            return firing;
        }
        date = cadence.last_by(date - Days::new(1));
    }
}

/// What is due: of all dates that were missed the latest alone.
pub fn due_firing(
    cadence: Cadence,
    zone: Tz,
    passed_on: NaiveDate,
    now: DateTime<Utc>,
) -> Option<Firing> {
    Some(latest_firing(cadence, zone, now)).filter(|firing| firing.date > passed_on)
}

impl Cadence {
    /// Its first date after another.
    fn first_after(self, date: NaiveDate) -> NaiveDate {
        match self {
            Self::Daily => date + Days::new(1),
            Self::Weekly => self.last_by(date) + Days::new(7),
            Self::Monthly => self.last_by(date) + Months::new(1),
        }
    }

    /// Its last date up to another.
    fn last_by(self, date: NaiveDate) -> NaiveDate {
        let back = match self {
            Self::Daily => 0,
            Self::Weekly => date.weekday().days_since(Weekday::Mon),
            Self::Monthly => date.day0(),
        };
        date - Days::new(u64::from(back))
    }
}

/// The firing for one of the cadence's dates; none for a day that the zone skipped.
fn firing_on(cadence: Cadence, zone: Tz, date: NaiveDate) -> Option<Firing> {
    let begins = first_instant(zone, date);
    let at = match cadence {
        Cadence::Daily => begins,
        Cadence::Weekly | Cadence::Monthly => {
            begins.or_else(|| first_instant(zone, date + Days::new(1)))
        }
    };
    at.map(|at| Firing { date, at })
}

/// The first instant of a local date; none where the zone skipped that date.
pub fn first_instant(zone: Tz, date: NaiveDate) -> Option<DateTime<Utc>> {
    let midnight = date.and_time(NaiveTime::MIN);
    let at = match zone.from_local_datetime(&midnight) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.to_utc(),
        MappedLocalTime::None => {
            let after = end_of_gap(zone, date)?;
            return (after.with_timezone(&zone).date_naive() == date).then_some(after);
        }
    };
    Some(at)
}

/// When the local clock first shows a date or a later one, where it jumps over its midnight.
fn end_of_gap(zone: Tz, date: NaiveDate) -> Option<DateTime<Utc>> {
    let is_past = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive() >= date;
    // No zone is further than a day from UTC.
    let from = date.and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(1);
    let step = TimeDelta::minutes(15);
    let mut after = (1..=192).map(|steps| from + step * steps).find(|at| is_past(*at))?;
    let mut before = after - step;
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if is_past(middle) {
            after = middle;
        } else {
            before = middle;
        }
    }
    Some(after)
}

#[cfg(test)]
mod tests;
