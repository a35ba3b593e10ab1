//! When a class meets: days out of a timetable, local times as instants, and meetings at the same time. Pure.
//!
//! What must stay true:
//! - A local time that comes twice, where clocks go back, is the first of the two; one that clocks jump over is the first
//!   instant after the jump. A day that a zone skipped has no meeting.
//! - Two slots overlap exactly where there is an instant that lies in a meeting of each: ends touch without overlap.

use chrono::{
    DateTime, Datelike, Days, MappedLocalTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc,
    Weekday,
};
use chrono_tz::Tz;

use crate::error::Error;

/// Minutes that a jump of a clock is looked for: a zone that skipped a whole day jumped farthest.
const JUMP_MAX_MINUTES: i64 = 49 * 60;

/// A weekly meeting with all that it takes to say when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) weekday: Weekday,
    pub(crate) starts: NaiveTime,
    pub(crate) ends: NaiveTime,
    /// The first day that it may be held on, and the last.
    pub(crate) from: NaiveDate,
    pub(crate) until: NaiveDate,
    pub(crate) zone: Tz,
}

/// The same as it is stored.
#[derive(Debug)]
pub(crate) struct StoredSlot {
    pub(crate) weekday: String,
    pub(crate) starts: NaiveTime,
    pub(crate) ends: NaiveTime,
    pub(crate) from: NaiveDate,
    pub(crate) until: NaiveDate,
    pub(crate) zone: String,
}

impl TryFrom<StoredSlot> for Slot {
    type Error = Error;

    fn try_from(stored: StoredSlot) -> Result<Self, Error> {
        let StoredSlot { weekday, starts, ends, from, until, zone } = stored;
        let bad = |what: &str, text: &str| Error::Defect(format!("a stored {what} is `{text}`"));
        let day = weekday.parse().map_err(|_| bad("weekday", &weekday))?;
        let tz = zone.parse().map_err(|_| bad("time zone", &zone))?;
        Ok(Self { weekday: day, starts, ends, from, until, zone: tz })
    }
}

/// One meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// The day, on the class's own calendar.
    pub(crate) date: NaiveDate,
    pub(crate) starts_at: DateTime<Utc>,
    pub(crate) ends_at: DateTime<Utc>,
}

impl Slot {
    /// Its days between two, both inclusive.
    pub(crate) fn dates(
        self,
        from: NaiveDate,
        until: NaiveDate,
    ) -> impl Iterator<Item = NaiveDate> {
        let from = from.max(self.from);
        let until = until.min(self.until);
        let ahead = self.weekday.days_since(from.weekday());
        let first = from.checked_add_days(Days::new(ahead.into()));
        std::iter::successors(first, |date| date.checked_add_days(Days::new(7)))
            .take_while(move |date| *date <= until)
    }

    /// The meeting of one of its days; none where its zone skipped that day.
    pub(crate) fn on(self, date: NaiveDate) -> Option<Held> {
        let starts_at = instant(self.zone, date, self.starts)?;
        if starts_at.with_timezone(&self.zone).date_naive() != date {
            return None;
        }
        let ends_at = instant(self.zone, date, self.ends)?.max(starts_at);
        Some(Held { date, starts_at, ends_at })
    }

    fn has(self, date: NaiveDate) -> bool {
        date.weekday() == self.weekday && (self.from..=self.until).contains(&date)
    }
}

/// The instant of a local time.
fn instant(zone: Tz, date: NaiveDate, time: NaiveTime) -> Option<DateTime<Utc>> {
    let local = date.and_time(time);
    (0..=JUMP_MAX_MINUTES).find_map(|minutes| {
        match zone.from_local_datetime(&(local + TimeDelta::minutes(minutes))) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(at.to_utc()),
            MappedLocalTime::None => None,
        }
    })
}

/// The first day of `a` on which both meet at once.
pub(crate) fn overlap(a: &Slot, b: &Slot) -> Option<NaiveDate> {
    // On one clock most are told apart without asking for any instant.
    if a.zone == b.zone && (a.weekday != b.weekday || a.ends <= b.starts || b.ends <= a.starts) {
        return None;
    }
    let near = |date: NaiveDate| {
        let days = [date.pred_opt(), Some(date), date.succ_opt()];
        days.into_iter().flatten().filter(|day| b.has(*day)).filter_map(|day| b.on(day))
    };
    let (from, until) = (b.from.pred_opt()?, b.until.succ_opt()?);
    a.dates(from, until).find(|date| {
        a.on(*date).is_some_and(|ours| {
            near(*date)
                .any(|theirs| ours.starts_at < theirs.ends_at && theirs.starts_at < ours.ends_at)
        })
    })
}

#[cfg(test)]
#[path = "rules_test.rs"]
mod tests;
