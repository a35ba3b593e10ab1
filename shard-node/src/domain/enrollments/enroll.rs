//! Enrolling students in one class: one at a time and in bulk by the same code.

use serde_json::json;
use uuid::Uuid;

use super::rules::{ClassFacts, Decided, Decision, EnrollmentRefused, Request, Seats};
use super::store::{self, EventRow, NewRow};
use super::{Enrollment, Status};
use crate::error::Error;
use crate::operation::{Event, Work};
use crate::resource::Resource;

/// What became of one request.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// There was one already.
    Existing(Uuid),
    /// It was made, and stands so.
    Made(Uuid, Status),
}

/// Decides on requests in their order and writes what was decided, in a constant number of statements.
///
/// The class must have been locked by `store::lock_class` in this transaction.
pub(super) async fn enroll(
    work: &mut Work,
    class: &ClassFacts,
    requests: &[Request],
) -> Result<Vec<Result<Outcome, EnrollmentRefused>>, Error> {
    let known = store::known(work.tx(), class, requests).await?;
    let mut seats = Seats::new(class, known);
    let mut rows = Vec::new();
    let mut outcomes = Vec::with_capacity(requests.len());
    for request in requests {
        let id = Uuid::now_v7();
        let outcome = seats.decide(id, request).map(|decided| match decided.decision {
            Decision::Existing(id) => Outcome::Existing(id),
            Decision::Seat => keep(&mut rows, id, request, None, &decided),
            Decision::Wait(place) => keep(&mut rows, id, request, Some(place), &decided),
        });
        outcomes.push(outcome);
    }
    store::add_seats(work.tx(), class.id, seats.added()).await?;
    write(work, class, &rows).await?;
    Ok(outcomes)
}

fn keep(
    rows: &mut Vec<NewRow>,
    id: Uuid,
    request: &Request,
    waitlist_place: Option<i64>,
    decided: &Decided,
) -> Outcome {
    let status = if waitlist_place.is_some() { Status::Waitlisted } else { Status::Active };
    let (source, external_id) = request.external.clone().unzip();
    rows.push(NewRow {
        id,
        student: request.student,
        status,
        waitlist_place,
        enrolled_on: request.effective_on,
        source,
        external_id,
        reason: request.reason.clone(),
        overrode: decided.overrode.iter().map(|refusal| refusal.as_str().to_owned()).collect(),
    });
    Outcome::Made(id, status)
}

async fn write(work: &mut Work, class: &ClassFacts, rows: &[NewRow]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let actor = work.caller.subject;
    store::insert(work.tx(), class.id, rows).await?;
    let seated: Vec<Uuid> =
        rows.iter().filter(|row| row.status == Status::Active).map(|row| row.id).collect();
    store::begin_progress(work.tx(), class.id, &seated).await?;
    store::take_seats(work.tx(), class.id, seated.len()).await?;
    let event_row = |row: &NewRow| EventRow {
        enrollment: row.id,
        from: None,
        to: row.status,
        effective_on: row.enrolled_on,
        reason: row.reason.clone(),
        overrode: row.overrode.clone(),
    };
    let events: Vec<_> = rows.iter().map(event_row).collect();
    store::append_events(work.tx(), actor, &events).await?;
    for row in rows {
        let mut event = event(row.id, class.id, row.student, None, row.status, 1);
        note_overrode(&mut event, &row.overrode);
        work.record(event);
    }
    Ok(())
}

/// Says in an event what was passed over, where something was.
pub(super) fn note_overrode(event: &mut Event, overrode: &[String]) {
    if !overrode.is_empty() {
        event.payload["overrode"] = json!(overrode);
    }
}

/// `STUDENT_ENROLLED` when a student gets in, `ENROLLMENT_<status>` else.
pub(super) fn event(
    id: Uuid,
    class: Uuid,
    student: Uuid,
    from: Option<Status>,
    to: Status,
    row_version: i64,
) -> Event {
    let kind = match (from, to) {
        (None | Some(Status::Waitlisted | Status::Pending | Status::Offered), Status::Active) => {
            "STUDENT_ENROLLED".into()
        }
        _ => format!("ENROLLMENT_{}", to.as_str()).into(),
    };
    Event {
        kind,
        aggregate: Enrollment::ENTITY,
        aggregate_id: id,
        aggregate_version: row_version,
        payload: json!({
            "enrollmentId": id, "classId": class, "studentId": student,
            "from": from.map(Status::as_str), "status": to.as_str(),
        }),
        touches: Enrollment::TOUCHES,
    }
}
