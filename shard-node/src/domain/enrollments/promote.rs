//! Free seats for those who wait, and the one way from a state to another.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::enroll::event;
use super::offers;
use super::rules::ClassFacts;
use super::store::{self, EventRow, Locked, NewState};
use super::{Status, Transition};
use crate::error::{Error, not_found};
use crate::operation::Work;
use service_kit::Problem;

/// Gives free seats of an open class to those who wait, in their order, or offers them where the class sets offer
/// hours: both hold the seat. The class must be locked in this transaction.
pub(crate) async fn promote_waitlist(work: &mut Work, class: Uuid) -> Result<(), Error> {
    let now = work.now;
    let facts =
        store::lock_class(work.tx(), class, now).await?.ok_or_else(|| not_found("class"))?;
    let transition =
        if facts.offer_hours.is_some() { Transition::Offer } else { Transition::Promote };
    let waiting = store::lock_first_waiting(work.tx(), class, facts.seats_to_give()).await?;
    for locked in &waiting {
        let to = locked.status.apply(transition).map_err(Problem::from)?;
        change(work, &facts, locked, Change { to, day: facts.today, reason: None }).await?;
    }
    let ids: Vec<Uuid> = waiting.iter().map(|locked| locked.id).collect();
    if transition == Transition::Promote {
        store::begin_progress(work.tx(), class, &ids).await?;
    }
    store::take_seats(work.tx(), class, ids.len()).await
}

/// What becomes of an enrolment.
pub(super) struct Change {
    pub(super) to: Status,
    /// From when it counts.
    pub(super) day: NaiveDate,
    pub(super) reason: Option<String>,
}

/// Takes a locked enrolment to a state, with all that speaks of it; an offer has its end, and the job that ends it.
pub(super) async fn change(
    work: &mut Work,
    class: &ClassFacts,
    locked: &Locked,
    change: Change,
) -> Result<(), Error> {
    let Change { to, day, reason } = change;
    let actor = work.caller.subject;
    let has_ended =
        matches!(to, Status::Dropped | Status::Withdrawn | Status::Cancelled | Status::Expired);
    let offer_expires_at = class.offer_until(work.now).filter(|_| to == Status::Offered);
    // Who waited was not in the class.
    let gets_in = to == Status::Active
        && matches!(locked.status, Status::Waitlisted | Status::Offered | Status::Pending);
    let state = NewState {
        to,
        enrolled_on: gets_in.then_some(day),
        ended_on: has_ended.then_some(day),
        offer_expires_at,
    };
    let row_version = store::set_status(work.tx(), locked.id, &state).await?;
    let row = EventRow {
        enrollment: locked.id,
        from: Some(locked.status),
        to,
        effective_on: day,
        reason,
    };
    store::append_events(work.tx(), actor, &[row]).await?;
    let mut event =
        event(locked.id, class.id, locked.student, Some(locked.status), to, row_version);
    if let Some(expires_at) = offer_expires_at {
        event.payload["offerExpiresAt"] = json!(expires_at);
        work.enqueue(offers::expiry(locked.id, expires_at));
    }
    work.record(event);
    Ok(())
}
