//! Who gets a seat and who waits. Pure.

use chrono::NaiveDate;
use uuid::Uuid;

use super::super::{OnFull, Passable};
use super::{ClassFacts, EnrollmentRefused, External, Known, Request};

/// What becomes of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Decision {
    /// There is one already.
    Existing(Uuid),
    /// It gets a seat.
    Seat,
    /// It waits at this place.
    Wait(i64),
}

/// What was decided, and which refusals were passed over for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Decided {
    pub(in super::super) decision: Decision,
    pub(in super::super) overrode: Vec<Passable>,
}

/// Decides on requests in their order, against a locked class.
#[derive(Debug)]
pub(in super::super) struct Seats<'c> {
    class: &'c ClassFacts,
    known: Known,
    capacity: i32,
    taken: i32,
    waiting: i64,
    last_place: i64,
}

impl<'c> Seats<'c> {
    pub(in super::super) fn new(class: &'c ClassFacts, known: Known) -> Self {
        let (taken, waiting, last_place) = (class.seats_taken, class.waiting, class.last_place);
        Self { class, known, capacity: class.capacity, taken, waiting, last_place }
    }

    /// Seats that the class gets for those who were let in although it is full.
    pub(in super::super) fn added(&self) -> i32 {
        self.capacity - self.class.capacity
    }

    /// Decides on one; `id` is what the enrolment will be called where it is new.
    pub(in super::super) fn decide(
        &mut self,
        id: Uuid,
        request: &Request,
    ) -> Result<Decided, EnrollmentRefused> {
        if !self.known.students.contains(&request.student) {
            return Err(EnrollmentRefused::UnknownStudent);
        }
        if let Some(found) = request.external.as_ref().and_then(|key| self.known.external.get(key))
        {
            let same = (found.class, found.student) == (self.class.id, request.student);
            return if same {
                Ok(existing(found.id))
            } else {
                Err(EnrollmentRefused::ExternalIdTaken(found.id))
            };
        }
        if let Some(live) = self.known.live.get(&request.student) {
            return Ok(existing(*live));
        }
        if request.in_window {
            in_window(self.class, self.class.today)?;
        }
        let mut overrode = self.may_take(request)?;
        let decision = self.place(request, &mut overrode)?;
        self.known.live.insert(request.student, id);
        if let Some(key) = request.external.clone() {
            self.known
                .external
                .insert(key, External { id, class: self.class.id, student: request.student });
        }
        Ok(Decided { decision, overrode })
    }

    /// Whether the student may take the course at all, and at these hours.
    fn may_take(&self, request: &Request) -> Result<Vec<Passable>, EnrollmentRefused> {
        let mut overrode = Vec::new();
        if let Some(codes) = self.known.missing.get(&request.student)
            && !passes(request, Passable::Prerequisite, &mut overrode)
        {
            return Err(EnrollmentRefused::Prerequisite(codes.clone()));
        }
        if let Some(clash) = self.known.clashes.get(&request.student)
            && !passes(request, Passable::ScheduleConflict, &mut overrode)
        {
            return Err(EnrollmentRefused::ScheduleConflict(clash.clone()));
        }
        Ok(overrode)
    }

    fn place(
        &mut self,
        request: &Request,
        overrode: &mut Vec<Passable>,
    ) -> Result<Decision, EnrollmentRefused> {
        let class = self.class;
        if !class.is_open() {
            return Err(EnrollmentRefused::ClassNotOpen(class.status.clone()));
        }
        // Who waits comes first: a free seat is theirs (they are promoted when it is freed).
        let has_seat = self.taken < self.capacity && self.waiting == 0;
        if has_seat || passes(request, Passable::ClassFull, overrode) {
            self.taken += 1;
            self.capacity = self.capacity.max(self.taken);
            return Ok(Decision::Seat);
        }
        let room = self.waiting < i64::from(class.waitlist_capacity);
        match request.on_full {
            OnFull::Waitlist if room => {
                self.waiting += 1;
                self.last_place += 1;
                Ok(Decision::Wait(self.last_place))
            }
            on_full => Err(EnrollmentRefused::ClassFull {
                capacity: self.capacity,
                waitlist_full: on_full == OnFull::Waitlist,
            }),
        }
    }
}

fn existing(id: Uuid) -> Decided {
    Decided { decision: Decision::Existing(id), overrode: Vec::new() }
}

/// Whether a refusal is passed over; noted, if so.
fn passes(request: &Request, refusal: Passable, overrode: &mut Vec<Passable>) -> bool {
    let passes = request.passing.contains(&refusal);
    if passes {
        overrode.push(refusal);
    }
    passes
}

/// Whether a student may enrol themselves on a day. No dates: always.
pub(super) fn in_window(class: &ClassFacts, day: NaiveDate) -> Result<(), EnrollmentRefused> {
    let (from, until) = (class.enroll_from, class.enroll_until);
    let open = from.is_none_or(|from| from <= day) && until.is_none_or(|until| day <= until);
    if open { Ok(()) } else { Err(EnrollmentRefused::WindowClosed { from, until }) }
}
