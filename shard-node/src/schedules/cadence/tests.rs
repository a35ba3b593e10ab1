//! Every zone over a year, held against a clock that is looked at; the odd days by name; and any looks in any order.

use std::collections::BTreeMap;

use chrono_tz::TZ_VARIANTS;
use proptest::prelude::*;

use super::*;

const CADENCES: [Cadence; 3] = [Cadence::Daily, Cadence::Weekly, Cadence::Monthly];

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn zone(name: &str) -> Tz {
    name.parse().expect("a zone")
}

/// Zones by how their clocks change: by hours and half hours, at midnight and around it, both ways round the year,
/// not at all; and those that have skipped a day.
const ZONES: [&str; 48] = [
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/Chisinau",
    "Europe/Istanbul",
    "Europe/Moscow",
    "Atlantic/Azores",
    "Atlantic/Reykjavik",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Lagos",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Damascus",
    "Asia/Gaza",
    "Asia/Hebron",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Pyongyang",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Asia/Tokyo",
    "America/Asuncion",
    "America/Campo_Grande",
    "America/Caracas",
    "America/Godthab",
    "America/Havana",
    "America/Los_Angeles",
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",
    "Antarctica/Casey",
    "Antarctica/Troll",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Fakaofo",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
];

/// Years in which some of them did what none does now.
const EARLIER: [(&str, i32); 12] = [
    ("America/St_Johns", 2006),
    ("America/St_Johns", 2007),
    ("America/Sao_Paulo", 2018),
    ("America/Asuncion", 2023),
    ("Asia/Amman", 2018),
    ("Asia/Damascus", 2018),
    ("Asia/Pyongyang", 2018),
    ("Asia/Tehran", 2018),
    ("Pacific/Apia", 2011),
    ("Pacific/Fakaofo", 2011),
    ("Pacific/Kiritimati", 1994),
    ("Pacific/Kwajalein", 1993),
];

fn year(of: i32) -> (DateTime<Utc>, DateTime<Utc>) {
    let first =
        |of| NaiveDate::from_yo_opt(of, 1).expect("a date").and_time(NaiveTime::MIN).and_utc();
    (first(of), first(of + 1))
}

/// The first instant of each local date of a year, by looking at the clock each quarter of an hour and, where it
/// shows a date that was not seen yet, each minute and second: what the functions above are held against.
fn seen(zone: Tz, of: i32) -> BTreeMap<NaiveDate, DateTime<Utc>> {
    let shown = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let (from, until) = year(of);
    let first = shown(from);
    let (mut dates, mut last, mut at) = (BTreeMap::new(), first, from);
    while at < until {
        let next = at + TimeDelta::minutes(15);
        let date = shown(next);
        if date > last {
            let mut minutes = (0..15).map(|minute| at + TimeDelta::minutes(minute));
            let minute = minutes.rfind(|at| shown(*at) < date).expect("it was not shown then");
            let mut seconds = (1..=60).map(|second| minute + TimeDelta::seconds(second));
            let began = seconds.find(|at| shown(*at) >= date);
            dates.insert(date, began.expect("it is shown now"));
            last = date;
        }
        at = next;
    }
    dates
}

/// How often a zone's clock changes in a year.
fn changes(zone: Tz, of: i32) -> usize {
    let (from, until) = year(of);
    let offset = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local() - at.naive_utc();
    let hours = (until - from).num_hours();
    (0..hours)
        .map(|hour| from + TimeDelta::hours(hour))
        .filter(|at| offset(*at) != offset(*at + TimeDelta::hours(1)))
        .count()
}

#[test]
fn each_date_of_48_zones_fires_once_at_its_first_instant_over_all_clock_changes_of_a_year() {
    let this_year = ZONES.into_iter().map(|name| (name, 2026));
    let mut all_changes = 0;
    for (name, of) in this_year.chain(EARLIER) {
        let (zone, mut fired) = (zone(name), 0);
        all_changes += changes(zone, of);
        let seen = seen(zone, of);
        let mut after = *seen.first_key_value().expect("dates").0 - Days::new(1);
        for (date, at) in &seen {
            let firing = next_firing(Cadence::Daily, zone, after);
            assert_eq!(firing, Firing { date: *date, at: *at }, "{zone}");
            assert_eq!(latest_firing(Cadence::Daily, zone, *at), firing, "{zone}");
            let before = latest_firing(Cadence::Daily, zone, *at - TimeDelta::seconds(1));
            assert_eq!(before.date, after, "{zone} a second before {date}");
            (after, fired) = (*date, fired + 1);
        }
        assert!((364..=366).contains(&fired), "{zone} {of}: {fired} dates");
    }
    assert!(all_changes >= 70, "only {all_changes} clock changes");
}

/// All zones there are, over one year: the weeks and months as well.
#[test]
fn firings_of_every_zone_rise_and_none_is_left_out() {
    for zone in TZ_VARIANTS {
        let (from, until) = year(2026);
        for cadence in CADENCES {
            let mut last = latest_firing(cadence, zone, from);
            let mut count = 0;
            while last.at < until {
                let next = next_firing(cadence, zone, last.date);
                assert!(next.at > last.at && next.date > last.date, "{zone}: {last:?} {next:?}");
                assert_eq!(latest_firing(cadence, zone, next.at - TimeDelta::seconds(1)), last);
                last = next;
                count += 1;
            }
            let expected = match cadence {
                Cadence::Daily => 365..=366,
                Cadence::Weekly => 52..=53,
                Cadence::Monthly => 12..=13,
            };
            assert!(expected.contains(&count), "{zone} {cadence:?}: {count}");
        }
    }
}

#[test]
fn a_day_without_a_midnight_begins_at_its_first_instant() {
    for (name, date, at) in [
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z"),
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z"),
        ("America/Asuncion", "2023-10-01", "2023-10-01T04:00:00Z"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
    ] {
        assert_eq!(first_instant(zone(name), day(date)), Some(instant(at)), "{name}");
        let local = zone(name).from_local_datetime(&day(date).and_time(NaiveTime::MIN));
        assert!(local.earliest().is_none(), "{name} has a midnight on {date} after all");
    }
}

#[test]
fn a_midnight_that_comes_twice_counts_the_first_time() {
    for (name, date, at) in [
        ("Atlantic/Azores", "2026-10-25", "2026-10-25T00:00:00Z"),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"),
        // One minute into the day, clocks go back to yesterday.
        ("America/St_Johns", "2006-10-29", "2006-10-29T02:30:00Z"),
    ] {
        let (zone, at) = (zone(name), instant(at));
        assert_eq!(first_instant(zone, day(date)), Some(at), "{name}");
        let fired = latest_firing(Cadence::Daily, zone, at);
        for minutes in 0..(24 * 60) {
            let now = at + TimeDelta::minutes(minutes);
            let due = due_firing(Cadence::Daily, zone, fired.date, now);
            assert_eq!(due, None, "{name} fires again {minutes} min later");
        }
    }
}

#[test]
fn a_day_that_a_zone_skipped_does_not_fire_but_a_week_that_began_on_it_does() {
    let apia = zone("Pacific/Apia");
    assert_eq!(first_instant(apia, day("2011-12-30")), None);
    let next = next_firing(Cadence::Daily, apia, day("2011-12-29"));
    let saturday = Firing { date: day("2011-12-31"), at: instant("2011-12-30T10:00:00Z") };
    assert_eq!(next, saturday);
    assert_eq!(firing_on(Cadence::Daily, apia, day("2011-12-30")), None);
    // No zone has skipped a Monday or a first of the month; were the 30th one, this is what would be.
    let skipped = firing_on(Cadence::Weekly, apia, day("2011-12-30"));
    assert_eq!(skipped, Some(Firing { date: day("2011-12-30"), at: saturday.at }));
}

#[test]
fn after_downtime_the_latest_date_is_due_and_no_other() {
    let london = zone("Europe/London");
    let due = |cadence, passed: &str, now: &str| {
        due_firing(cadence, london, day(passed), instant(now)).map(|firing| firing.date.to_string())
    };
    let now = "2026-03-30T10:00:00Z";
    assert_eq!(due(Cadence::Daily, "2026-03-20", now).as_deref(), Some("2026-03-30"));
    assert_eq!(due(Cadence::Daily, "2026-03-30", now), None);
    assert_eq!(due(Cadence::Weekly, "2026-03-02", now).as_deref(), Some("2026-03-30"));
    assert_eq!(due(Cadence::Monthly, "2026-01-01", now).as_deref(), Some("2026-03-01"));
    // Summer time has begun: midnight was at 23:00 UTC.
    assert_eq!(due(Cadence::Daily, "2026-03-29", "2026-03-29T22:59:59Z"), None);
    let at_midnight = due(Cadence::Daily, "2026-03-29", "2026-03-29T23:00:00Z");
    assert_eq!(at_midnight.as_deref(), Some("2026-03-30"));
}

/// A zone as an index into all there are.
fn any_zone() -> impl Strategy<Value = Tz> {
    (0..TZ_VARIANTS.len()).prop_map(|index| TZ_VARIANTS[index])
}

proptest! {
    /// However often somebody looks, and whichever zone the institution is in by then, no date fires twice and
    /// dates only rise.
    #[test]
    fn no_date_fires_twice_whatever_clock_and_zone_do(
        start in 0_i64..2_000_000_000,
        looks in proptest::collection::vec((any_zone(), 0_i64..400_000), 1..60),
        which in 0_usize..3,
    ) {
        let cadence = CADENCES[which];
        let mut now = DateTime::from_timestamp(start, 0).expect("an instant");
        let mut passed = latest_firing(cadence, looks[0].0, now).date;
        for (zone, seconds) in looks {
            now += TimeDelta::seconds(seconds);
            if let Some(firing) = due_firing(cadence, zone, passed, now) {
                prop_assert!(firing.date > passed && firing.at <= now);
                passed = firing.date;
            }
            let next = next_firing(cadence, zone, passed);
            prop_assert!(next.date > passed);
            // Nothing is left that is due, so that `next` is when to look again.
            prop_assert_eq!(due_firing(cadence, zone, passed, now), None);
            prop_assert!(next.at > now);
        }
    }

    #[test]
    fn what_is_latest_has_begun_and_what_is_next_has_not(
        zone in any_zone(), at in 0_i64..2_500_000_000, which in 0_usize..3,
    ) {
        let (cadence, now) = (CADENCES[which], DateTime::from_timestamp(at, 0).expect("an instant"));
        let latest = latest_firing(cadence, zone, now);
        let next = next_firing(cadence, zone, latest.date);
        prop_assert!(latest.at <= now && now < next.at, "{latest:?} {next:?}");
    }
}
