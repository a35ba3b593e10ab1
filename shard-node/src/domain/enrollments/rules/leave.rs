//! Who may leave, and until when an offer may be taken. Pure.

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use service_kit::Problem;

use super::super::Transition;
use super::{ClassFacts, EnrollmentRefused};

/// Whether an enrolment may be left this way on a day: dropped up to the deadline, withdrawn after it.
pub(in super::super) fn may_leave(
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
pub(in super::super) fn may_accept(
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
pub(in super::super) fn is_over(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now >= expires_at
}
