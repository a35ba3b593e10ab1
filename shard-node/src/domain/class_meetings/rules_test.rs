//! Of the rules of meetings: days, clocks that jump, and what overlaps.

use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn time(minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).expect("a time")
}

fn slot(weekday: Weekday, starts: u32, ends: u32, zone: Tz) -> Slot {
    let (from, until) = (day("2026-09-01"), day("2026-12-14"));
    Slot { weekday, starts: time(starts), ends: time(ends), from, until, zone }
}

fn at(slot: Slot, date: &str) -> Option<(String, String)> {
    let held = slot.on(day(date))?;
    let text = |at: DateTime<Utc>| at.format("%m-%dT%H:%M").to_string();
    Some((text(held.starts_at), text(held.ends_at)))
}

fn pair(starts: &str, ends: &str) -> (String, String) {
    (starts.to_owned(), ends.to_owned())
}

#[test]
fn the_hour_stays_over_a_change_of_clocks_and_the_instant_moves() {
    let slot = slot(Weekday::Mon, 9 * 60, 10 * 60 + 30, chrono_tz::Europe::London);
    assert_eq!(at(slot, "2026-10-19"), Some(pair("10-19T08:00", "10-19T09:30")));
    assert_eq!(at(slot, "2026-10-26"), Some(pair("10-26T09:00", "10-26T10:30")));
}

#[test]
fn a_time_that_is_jumped_over_begins_after_the_jump_and_one_that_comes_twice_at_its_first() {
    let berlin = chrono_tz::Europe::Berlin;
    let night = slot(Weekday::Sun, 2 * 60 + 30, 4 * 60, berlin);
    assert_eq!(at(night, "2026-03-29"), Some(pair("03-29T01:00", "03-29T02:00")));
    assert_eq!(at(night, "2026-10-25"), Some(pair("10-25T00:30", "10-25T03:00")));
    let swallowed = slot(Weekday::Sun, 2 * 60 + 10, 2 * 60 + 50, berlin);
    assert_eq!(at(swallowed, "2026-03-29"), Some(pair("03-29T01:00", "03-29T01:00")));
}

#[test]
fn a_day_that_a_zone_skipped_has_no_meeting() {
    let apia = slot(Weekday::Fri, 9 * 60, 10 * 60, chrono_tz::Pacific::Apia);
    assert_eq!(at(apia, "2011-12-30"), None);
    assert!(at(apia, "2011-12-23").is_some());
}

#[test]
fn days_are_those_of_the_weekday_within_both_spans() {
    let slot = slot(Weekday::Tue, 0, 60, chrono_tz::UTC);
    let all: Vec<_> = slot.dates(NaiveDate::MIN, NaiveDate::MAX).collect();
    assert_eq!(
        (all.first(), all.last(), all.len()),
        (Some(&day("2026-09-01")), Some(&day("2026-12-08")), 15)
    );
    let some: Vec<_> = slot.dates(day("2026-09-02"), day("2026-09-15")).collect();
    assert_eq!(some, [day("2026-09-08"), day("2026-09-15")]);
    assert_eq!(slot.dates(day("2026-12-15"), day("2027-12-15")).count(), 0);
}

#[test]
fn ends_that_touch_do_not_overlap() {
    let zone = chrono_tz::Europe::London;
    let morning = slot(Weekday::Mon, 540, 600, zone);
    let first = Some(day("2026-09-07"));
    for (starts, ends, expected) in
        [(600, 660, None), (480, 540, None), (599, 660, first), (0, 1439, first)]
    {
        assert_eq!(
            overlap(&morning, &slot(Weekday::Mon, starts, ends, zone)),
            expected,
            "{starts}"
        );
    }
    assert_eq!(overlap(&morning, &slot(Weekday::Tue, 540, 600, zone)), None);
    let later = Slot { from: day("2026-12-15"), until: day("2027-03-01"), ..morning };
    assert_eq!(overlap(&morning, &later), None, "their terms have no Monday in common");
}

#[test]
fn across_zones_the_instant_decides_and_clocks_change_at_different_times() {
    let london = slot(Weekday::Mon, 14 * 60, 15 * 60, chrono_tz::Europe::London);
    let new_york =
        |hour: u32| slot(Weekday::Mon, hour * 60, hour * 60 + 60, chrono_tz::America::New_York);
    assert_eq!(overlap(&london, &new_york(9)), Some(day("2026-09-07")));
    // For the week between the two changes of clocks New York is an hour nearer.
    assert_eq!(overlap(&london, &new_york(10)), Some(day("2026-10-26")));
    assert_eq!(overlap(&london, &new_york(11)), None);
    let tokyo = slot(Weekday::Mon, 60, 120, chrono_tz::Asia::Tokyo);
    let sunday = slot(Weekday::Sun, 17 * 60, 18 * 60, chrono_tz::Europe::London);
    assert_eq!(overlap(&sunday, &tokyo), Some(day("2026-09-06")), "another day there");
}

fn any_slot() -> impl Strategy<Value = Slot> {
    let zones = [
        chrono_tz::UTC,
        chrono_tz::Europe::London,
        chrono_tz::America::New_York,
        chrono_tz::Asia::Kolkata,
        chrono_tz::Australia::Lord_Howe,
        chrono_tz::Pacific::Kiritimati,
    ];
    (0..7_u8, 0..1380_u32, 1..59_u32, 0..60_u64, 0..60_u64, 0..zones.len()).prop_map(
        move |(weekday, starts, lasts, from, lengths, zone)| {
            let from = day("2026-09-01") + Days::new(from);
            let weekday = Weekday::try_from(weekday).expect("a weekday");
            let (starts, ends) = (time(starts), time(starts + lasts));
            Slot {
                weekday,
                starts,
                ends,
                from,
                until: from + Days::new(lengths),
                zone: zones[zone],
            }
        },
    )
}

proptest! {
    /// Overlap is symmetric, and is what all meetings of both say when they are laid side by side.
    #[test]
    fn overlap_is_what_the_instants_say(a in any_slot(), b in any_slot()) {
        let held = |slot: Slot| -> Vec<Held> {
            slot.dates(slot.from, slot.until).filter_map(|date| slot.on(date)).collect()
        };
        let (ours, theirs) = (held(a), held(b));
        let meets = ours.iter().any(|x| {
            theirs.iter().any(|y| x.starts_at < y.ends_at && y.starts_at < x.ends_at)
        });
        prop_assert_eq!(overlap(&a, &b).is_some(), meets);
        prop_assert_eq!(overlap(&b, &a).is_some(), meets);
    }
}
