//! Who gets a seat, who waits, who may leave. Pure.

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use uuid::Uuid;

use super::{InvalidTransition, OnFull, Status, Transition};
use crate::error::unknown_reference;

/// A class, as enrolling sees it once its row is locked.
#[derive(Debug, Clone)]
pub(super) struct ClassFacts {
    pub(super) id: Uuid,
    pub(super) status: String,
    pub(super) capacity: i32,
    /// How long a free seat is offered to who waits; null where it is given at once.
    pub(super) offer_hours: Option<i32>,
    pub(super) seats_taken: i32,
    pub(super) waitlist_capacity: i32,
    pub(super) waiting: i64,
    /// The highest waitlist place that was ever given; 0 for none.
    pub(super) last_place: i64,
    pub(super) enroll_from: Option<NaiveDate>,
    pub(super) enroll_until: Option<NaiveDate>,
    pub(super) drop_until: Option<NaiveDate>,
    pub(super) withdraw_until: Option<NaiveDate>,
    /// The date in the institution's time zone.
    pub(super) today: NaiveDate,
}

impl ClassFacts {
    /// Whether it takes students at all, new ones and those who wait.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "PLANNED" | "ACTIVE")
    }

    /// Seats that those who wait may have: none of a class that takes nobody.
    pub(super) fn seats_to_give(&self) -> i64 {
        if self.is_open() { i64::from(self.capacity - self.seats_taken) } else { 0 }
    }
}

impl ClassFacts {
    /// Until when a seat that is free now is offered; none where it is given at once.
    pub(super) fn offer_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        Some(now + TimeDelta::hours(self.offer_hours?.into()))
    }
}

/// One student to enrol.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) student: Uuid,
    pub(super) on_full: OnFull,
    pub(super) effective_on: NaiveDate,
    pub(super) external: Option<(String, String)>,
    /// Whether the term's enrolment window binds who asks: students, not the office.
    pub(super) in_window: bool,
}

/// What the database knows of the students and enrolments that requests name.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) students: HashSet<Uuid>,
    /// Live enrolments of the class by student.
    pub(super) live: HashMap<Uuid, Uuid>,
    /// Enrolments by (source, external id), in whatever state.
    pub(super) external: HashMap<(String, String), External>,
}

/// An enrolment that has an external id already.
#[derive(Debug, Clone, Copy)]
pub(super) struct External {
    pub(super) id: Uuid,
    pub(super) class: Uuid,
    pub(super) student: Uuid,
}

/// What becomes of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// There is one already.
    Existing(Uuid),
    /// It gets a seat.
    Seat,
    /// It waits at this place.
    Wait(i64),
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum EnrollmentRefused {
    #[error("all {capacity} seats are taken")]
    ClassFull { capacity: i32, waitlist_full: bool },
    #[error("the class is {0}")]
    ClassNotOpen(String),
    #[error("enrolment is open from {from:?} until {until:?}")]
    WindowClosed { from: Option<NaiveDate>, until: Option<NaiveDate> },
    #[error("no such student")]
    UnknownStudent,
    #[error("the external id is another enrolment's")]
    ExternalIdTaken(Uuid),
}

/// Decides on requests in their order, against a locked class.
#[derive(Debug)]
pub(super) struct Seats<'c> {
    class: &'c ClassFacts,
    known: Known,
    taken: i32,
    waiting: i64,
    last_place: i64,
}

impl<'c> Seats<'c> {
    pub(super) fn new(class: &'c ClassFacts, known: Known) -> Self {
        let (taken, waiting, last_place) = (class.seats_taken, class.waiting, class.last_place);
        Self { class, known, taken, waiting, last_place }
    }

    /// Decides on one; `id` is what the enrolment will be called where it is new.
    pub(super) fn decide(
        &mut self,
        id: Uuid,
        request: &Request,
    ) -> Result<Decision, EnrollmentRefused> {
        if !self.known.students.contains(&request.student) {
            return Err(EnrollmentRefused::UnknownStudent);
        }
        if let Some(found) = request.external.as_ref().and_then(|key| self.known.external.get(key))
        {
            let same = (found.class, found.student) == (self.class.id, request.student);
            return if same {
                Ok(Decision::Existing(found.id))
            } else {
                Err(EnrollmentRefused::ExternalIdTaken(found.id))
            };
        }
        if let Some(live) = self.known.live.get(&request.student) {
            return Ok(Decision::Existing(*live));
        }
        if request.in_window {
            in_window(self.class, self.class.today)?;
        }
        let decision = self.place(request.on_full)?;
        self.known.live.insert(request.student, id);
        if let Some(key) = request.external.clone() {
            self.known
                .external
                .insert(key, External { id, class: self.class.id, student: request.student });
        }
        Ok(decision)
    }

    fn place(&mut self, on_full: OnFull) -> Result<Decision, EnrollmentRefused> {
        let class = self.class;
        if !class.is_open() {
            return Err(EnrollmentRefused::ClassNotOpen(class.status.clone()));
        }
        // Who waits comes first: a free seat is theirs (they are promoted when it is freed).
        if self.taken < class.capacity && self.waiting == 0 {
            self.taken += 1;
            return Ok(Decision::Seat);
        }
        let room = self.waiting < i64::from(class.waitlist_capacity);
        match on_full {
            OnFull::Waitlist if room => {
                self.waiting += 1;
                self.last_place += 1;
                Ok(Decision::Wait(self.last_place))
            }
            on_full => Err(EnrollmentRefused::ClassFull {
                capacity: class.capacity,
                waitlist_full: on_full == OnFull::Waitlist,
            }),
        }
    }
}

/// Whether a student may enrol themselves on a day. No dates: always.
fn in_window(class: &ClassFacts, day: NaiveDate) -> Result<(), EnrollmentRefused> {
    let (from, until) = (class.enroll_from, class.enroll_until);
    let open = from.is_none_or(|from| from <= day) && until.is_none_or(|until| day <= until);
    if open { Ok(()) } else { Err(EnrollmentRefused::WindowClosed { from, until }) }
}

/// Whether an enrolment may be left this way on a day: dropped up to the deadline, withdrawn after it.
pub(super) fn may_leave(
    class: &ClassFacts,
    transition: Transition,
    day: NaiveDate,
) -> Result<(), Problem> {
    let deadline = |code: &'static str, detail: String| {
        Err(Problem::new(StatusCode::CONFLICT, code, "Not on this day").detail(detail))
    };
    match (transition, class.drop_until, class.withdraw_until) {
        (Transition::Drop, Some(until), _) if day > until => {
            deadline("drop-deadline-passed", format!("dropping ended on {until}; withdraw instead"))
        }
        (Transition::Withdraw, Some(until), _) if day <= until => deadline(
            "drop-deadline-ahead",
            format!("until {until} an enrolment is dropped, not withdrawn"),
        ),
        (Transition::Withdraw, _, Some(until)) if day > until => {
            deadline("withdraw-deadline-passed", format!("withdrawing ended on {until}"))
        }
        _ => Ok(()),
    }
}

/// Whether an offer may be taken: before it ends, and while the class takes anybody.
pub(super) fn may_accept(
    class: &ClassFacts,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    if !class.is_open() {
        return Err(EnrollmentRefused::ClassNotOpen(class.status.clone()).into());
    }
    match expires_at {
        Some(expires_at) if is_over(expires_at, now) => {
            Err(Problem::new(StatusCode::CONFLICT, "offer-expired", "The offer has ended")
                .detail(format!("the seat was offered until {expires_at}")))
        }
        _ => Ok(()),
    }
}

/// Whether an offer has ended: acceptance and expiry ask the same, so that at no moment both may be.
pub(super) fn is_over(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now >= expires_at
}

impl From<EnrollmentRefused> for Problem {
    fn from(refused: EnrollmentRefused) -> Self {
        let detail = refused.to_string();
        match refused {
            EnrollmentRefused::ClassFull { waitlist_full, .. } => {
                let detail = if waitlist_full {
                    format!("{detail}, and the waitlist is full")
                } else {
                    detail
                };
                Self::new(StatusCode::CONFLICT, "class-full", "Class is full").detail(detail)
            }
            EnrollmentRefused::ClassNotOpen(_) => {
                Self::new(StatusCode::CONFLICT, "class-not-open", "The class takes nobody")
                    .detail(detail)
            }
            EnrollmentRefused::WindowClosed { from, until } => {
                let day = |day: Option<NaiveDate>| {
                    day.map_or_else(|| "any day".to_owned(), |day| day.to_string())
                };
                Self::new(StatusCode::FORBIDDEN, "window-closed", "Enrolment is closed")
                    .detail(format!("it is open from {} to {}", day(from), day(until)))
            }
            EnrollmentRefused::UnknownStudent => unknown_reference("/studentId", "student"),
            EnrollmentRefused::ExternalIdTaken(_) => {
                Self::new(StatusCode::CONFLICT, "external-id-taken", "Another one has this already")
                    .field(FieldProblem::new("/externalId", "external-id-taken", detail))
            }
        }
    }
}

impl From<InvalidTransition> for Problem {
    fn from(refused: InvalidTransition) -> Self {
        let allowed: Vec<_> = refused.allowed.into_iter().map(Status::as_str).collect();
        Self::new(StatusCode::CONFLICT, "illegal-transition", "Not from where the enrolment stands")
            .with("from", refused.from.as_str())
            .with("allowed", allowed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn class(capacity: i32, waitlist_capacity: i32) -> ClassFacts {
        ClassFacts {
            id: Uuid::from_u128(1),
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
        }
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
                match seats.decide(id, &request(student, on_full)) {
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
        assert_eq!(seats.decide(id, &first), Ok(Decision::Seat));
        assert_eq!(seats.decide(Uuid::from_u128(10), &first), Ok(Decision::Existing(id)));
        let mut other = first.clone();
        other.student = Uuid::from_u128(0);
        assert_eq!(
            seats.decide(Uuid::from_u128(11), &other),
            Err(EnrollmentRefused::ExternalIdTaken(id))
        );
    }

    #[test]
    fn the_window_includes_both_its_days() {
        let class = class(1, 0);
        for (date, open) in [
            ("2026-08-31", false),
            ("2026-09-01", true),
            ("2026-09-30", true),
            ("2026-10-01", false),
        ] {
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
        assert_eq!(seats.decide(Uuid::nil(), &own(1)), Ok(Decision::Existing(live)));
        let late = seats.decide(Uuid::nil(), &own(2));
        assert!(matches!(late, Err(EnrollmentRefused::WindowClosed { .. })), "{late:?}");
        assert_eq!(seats.decide(live, &request(2, OnFull::Reject)), Ok(Decision::Seat));
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
            Seats::new(&class, known(0..2)).decide(Uuid::nil(), &request(1, OnFull::Waitlist));
        assert_eq!(refused, Err(EnrollmentRefused::ClassNotOpen("CANCELLED".to_owned())));
    }
}
