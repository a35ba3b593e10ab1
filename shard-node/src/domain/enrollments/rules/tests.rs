//! Of the rules of enrolments.

use proptest::prelude::*;

use super::super::Transition;
use super::seats::in_window;
use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn class(capacity: i32, waitlist_capacity: i32) -> ClassFacts {
    ClassFacts {
        id: Uuid::from_u128(1),
        course: Uuid::from_u128(2),
        has_hours: false,
        has_demands: false,
        status: "ACTIVE".to_owned(),
        capacity,
        offer_hours: None,
        seats_taken: 0,
        waitlist_capacity,
        waiting: 0,
        last_place: 0,
        enroll_from: Some(day("2026-09-01")),
        enroll_until: Some(day("2026-09-30")),
        drop_until: Some(day("2026-10-15")),
        withdraw_until: Some(day("2026-12-01")),
        today: day("2026-09-15"),
    }
}

fn request(student: u128, on_full: OnFull) -> Request {
    Request {
        student: Uuid::from_u128(student),
        on_full,
        effective_on: day("2026-09-15"),
        external: None,
        in_window: false,
        passing: Vec::new(),
        reason: None,
    }
}

fn decide(
    seats: &mut Seats<'_>,
    id: Uuid,
    request: &Request,
) -> Result<Decision, EnrollmentRefused> {
    seats.decide(id, request).map(|decided| decided.decision)
}

fn known(students: std::ops::Range<u128>) -> Known {
    Known { students: students.map(Uuid::from_u128).collect(), ..Known::default() }
}

proptest! {
    /// Whatever comes in whatever order: never more seats than the capacity, never more waiting than the
    /// waitlist takes, nobody twice, and nobody waits while a seat is free.
    #[test]
    fn seats_and_waitlist_hold(
        capacity in 0..6_i32,
        waitlist in 0..4_i32,
        requests in proptest::collection::vec((0..12_u128, any::<bool>()), 0..40),
    ) {
        let class = class(capacity, waitlist);
        let mut seats = Seats::new(&class, known(0..10));
        let (mut seated, mut waiting) = (HashSet::new(), Vec::new());
        for (number, (student, waits)) in requests.into_iter().enumerate() {
            let on_full = if waits { OnFull::Waitlist } else { OnFull::Reject };
            let id = Uuid::from_u128(1000 + number as u128);
            match seats.decide(id, &request(student, on_full)).map(|decided| decided.decision) {
                Ok(Decision::Seat) => prop_assert!(seated.insert(student)),
                Ok(Decision::Wait(place)) => {
                    prop_assert_eq!(seated.len(), usize::try_from(capacity).expect("small"));
                    waiting.push((student, place));
                }
                Ok(Decision::Existing(_)) => prop_assert!(
                    seated.contains(&student) || waiting.iter().any(|(who, _)| *who == student)
                ),
                Err(EnrollmentRefused::UnknownStudent) => prop_assert!(student >= 10),
                Err(EnrollmentRefused::ClassFull { .. }) => {
                    prop_assert_eq!(seated.len(), usize::try_from(capacity).expect("small"));
                }
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }
        prop_assert!(waiting.len() <= usize::try_from(waitlist).expect("small"));
        prop_assert!(waiting.iter().zip(1..).all(|((_, place), expected)| *place == expected));
    }
}

#[test]
fn a_repeated_external_id_answers_the_enrolment_that_has_it() {
    let class = class(5, 0);
    let mut seats = Seats::new(&class, known(0..2));
    let mut first = request(1, OnFull::Reject);
    first.external = Some(("sis".to_owned(), "7".to_owned()));
    let id = Uuid::from_u128(9);
    assert_eq!(decide(&mut seats, id, &first), Ok(Decision::Seat));
    assert_eq!(decide(&mut seats, Uuid::from_u128(10), &first), Ok(Decision::Existing(id)));
    let mut other = first.clone();
    other.student = Uuid::from_u128(0);
    assert_eq!(
        decide(&mut seats, Uuid::from_u128(11), &other),
        Err(EnrollmentRefused::ExternalIdTaken(id))
    );
}

#[test]
fn the_window_includes_both_its_days() {
    let class = class(1, 0);
    for (date, open) in
        [("2026-08-31", false), ("2026-09-01", true), ("2026-09-30", true), ("2026-10-01", false)]
    {
        assert_eq!(in_window(&class, day(date)).is_ok(), open, "{date}");
    }
}

#[test]
fn who_is_in_already_is_told_so_when_the_window_has_closed() {
    let class = ClassFacts { today: day("2026-10-01"), ..class(5, 0) };
    let live = Uuid::from_u128(9);
    let mut known = known(0..3);
    known.live.insert(Uuid::from_u128(1), live);
    let mut seats = Seats::new(&class, known);
    let own = |student| Request { in_window: true, ..request(student, OnFull::Reject) };
    assert_eq!(decide(&mut seats, Uuid::nil(), &own(1)), Ok(Decision::Existing(live)));
    let late = decide(&mut seats, Uuid::nil(), &own(2));
    assert!(matches!(late, Err(EnrollmentRefused::WindowClosed { .. })), "{late:?}");
    assert_eq!(decide(&mut seats, live, &request(2, OnFull::Reject)), Ok(Decision::Seat));
}

#[test]
fn a_class_that_takes_nobody_has_no_seats_to_give() {
    for (status, seats) in [("PLANNED", 3), ("ACTIVE", 3), ("CANCELLED", 0), ("COMPLETED", 0)] {
        let class = ClassFacts { status: status.to_owned(), ..class(3, 1) };
        assert_eq!(class.seats_to_give(), seats, "{status}");
    }
}

#[test]
fn an_offer_is_taken_before_its_end_and_ends_from_then_on() {
    let now = DateTime::UNIX_EPOCH;
    let class = ClassFacts { offer_hours: Some(2), ..class(1, 1) };
    let until = class.offer_until(now);
    assert_eq!(until, Some(now + TimeDelta::hours(2)));
    for (minutes, taken) in [(0, true), (119, true), (120, false), (121, false)] {
        let at = now + TimeDelta::minutes(minutes);
        assert_eq!(may_accept(&class, until, at).is_ok(), taken, "{minutes}");
        assert_eq!(is_over(until.expect("an end"), at), !taken, "{minutes}");
    }
    let closed = ClassFacts { status: "CANCELLED".to_owned(), ..class };
    assert_eq!(may_accept(&closed, until, now).expect_err("closed").code, "class-not-open");
}

#[test]
fn the_drop_deadline_parts_dropping_from_withdrawing() {
    let class = class(1, 0);
    let may = |transition, date| may_leave(&class, transition, day(date)).is_ok();
    assert!(may(Transition::Drop, "2026-10-15") && !may(Transition::Withdraw, "2026-10-15"));
    assert!(!may(Transition::Drop, "2026-10-16") && may(Transition::Withdraw, "2026-10-16"));
    assert!(!may(Transition::Withdraw, "2026-12-02"));
}

#[test]
fn a_cancelled_class_takes_nobody() {
    let mut class = class(1, 1);
    class.status = "CANCELLED".to_owned();
    let refused =
        decide(&mut Seats::new(&class, known(0..2)), Uuid::nil(), &request(1, OnFull::Waitlist));
    assert_eq!(refused, Err(EnrollmentRefused::ClassNotOpen("CANCELLED".to_owned())));
}

/// Everything is in the student's way: a prerequisite, a clash, a full class.
fn in_the_way() -> Known {
    let mut known = known(0..2);
    let student = Uuid::from_u128(1);
    known.missing.insert(student, vec!["MATH".to_owned()]);
    known.clashes.insert(student, Clash { code: "B".to_owned(), on: day("2026-09-07") });
    known
}

#[test]
fn each_refusal_is_passed_over_by_its_name_alone() {
    let all = [Passable::Prerequisite, Passable::ScheduleConflict, Passable::ClassFull];
    let class = ClassFacts { seats_taken: 2, ..class(2, 0) };
    let asked = |passing: &[Passable]| {
        let mut seats = Seats::new(&class, in_the_way());
        let request = Request { passing: passing.to_vec(), ..request(1, OnFull::Reject) };
        (seats.decide(Uuid::nil(), &request), seats.added())
    };
    let codes = |passing: &[Passable]| {
        let refused = asked(passing).0.expect_err("it is refused");
        service_kit::Problem::from(refused).code
    };
    assert_eq!(codes(&[]), "prerequisite");
    assert_eq!(codes(&all[..1]), "schedule-conflict");
    assert_eq!(codes(&all[..2]), "class-full");
    assert_eq!(codes(&all[1..]), "prerequisite");
    let (decided, added) = asked(&all);
    let decided = decided.expect("nothing is left in the way");
    assert_eq!((decided.decision, added), (Decision::Seat, 1));
    assert_eq!(decided.overrode, all);
}

#[test]
fn what_is_not_in_the_way_is_not_passed_over() {
    let class = class(2, 0);
    let mut seats = Seats::new(&class, known(0..2));
    let passing = vec![Passable::ClassFull, Passable::Prerequisite];
    let request = Request { passing, ..request(1, OnFull::Reject) };
    let decided = seats.decide(Uuid::nil(), &request).expect("a seat");
    assert_eq!((decided.overrode, seats.added()), (Vec::new(), 0));
}
