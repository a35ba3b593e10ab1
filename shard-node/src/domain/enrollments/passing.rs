//! Passing over what stands in an enrolment's way, on purpose: for the office alone, with a reason that stays.
//!
//! What must stay true:
//! - What may be passed over is [`Passable`], and how an enrolment ends after a deadline; nothing else. A full class
//!   gets a seat more for it, so that `seats_taken` never exceeds `capacity`.
//! - `enrollment_events` says who did it, what was passed over and why; the events that leave the institution say what,
//!   and not why: a reason may name people.

use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use service_kit::Problem;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

use super::model::Enrollment;
use super::promote::{Change, change, promote_waitlist};
use super::rules::{ClassFacts, EnrollmentRefused, may_accept, may_leave};
use super::store::{self, Locked};
use super::{Status, Transition};
use crate::domain::checks::{one_of, valid_day};
use crate::error::{Error, not_found};
use crate::operation::{Reply, Work};
use crate::resource;

/// A refusal of an enrolment that may be passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Passable {
    /// All seats are taken, or others wait.
    ClassFull,
    /// The student is in another class at that time.
    ScheduleConflict,
    /// The course demands another that the student has not completed.
    Prerequisite,
}

impl Passable {
    /// The refusal's code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClassFull => "class-full",
            Self::ScheduleConflict => "schedule-conflict",
            Self::Prerequisite => "prerequisite",
        }
    }
}

/// Refusals to pass over, and why.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Overrides {
    /// Which ones.
    #[garde(length(min = 1, max = 3))]
    pub refusals: Vec<Passable>,
    /// Why, for the record.
    #[garde(length(chars, min = 1, max = 500))]
    pub reason: String,
}

/// Where an enrolment may be taken against the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum OverrideTo {
    /// Into the class, out of turn, with a seat more where all are taken.
    Active,
    /// Out of it as a drop, after the deadline.
    Dropped,
    /// Out of it as a withdrawal, before or after the deadlines.
    Withdrawn,
}

/// An enrolment to take where the rules would not.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverrideEnrollment {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Where to.
    #[garde(skip)]
    #[schema(schema_with = destinations)]
    pub to: OverrideTo,
    /// Why, for the record.
    #[garde(length(chars, min = 1, max = 500))]
    pub reason: String,
    /// The day from which it counts; today where absent.
    #[garde(inner(custom(valid_day)))]
    pub effective_date: Option<NaiveDate>,
}

fn destinations() -> RefOr<Schema> {
    one_of("Where to.", &["ACTIVE", "DROPPED", "WITHDRAWN"])
}

/// Takes an enrolment to a state, whatever turn or deadline says.
pub(super) async fn override_(
    work: &mut Work,
    input: OverrideEnrollment,
) -> Result<Reply<Enrollment>, Error> {
    let now = work.now;
    let class_id =
        store::class_of(work.tx(), input.id).await?.ok_or_else(|| not_found("enrolment"))?;
    let class =
        store::lock_class(work.tx(), class_id, now).await?.ok_or_else(|| not_found("class"))?;
    let locked = store::lock(work.tx(), input.id).await?.ok_or_else(|| not_found("enrolment"))?;
    work.caller.expect_version(locked.row_version)?;
    let day = input.effective_date.unwrap_or(class.today);
    let transition = transition(locked.status, input.to);
    let to = locked.status.apply(transition).map_err(Problem::from)?;
    let overrode = passed_over(work, &class, &locked, transition, day)?;
    if to == Status::Active {
        seat(work, &class, &locked).await?;
    }
    let reason = Some(input.reason);
    change(work, &class, &locked, Change { to, day, reason, overrode }).await?;
    if locked.status.holds_seat() && !to.holds_seat() {
        store::free_seat(work.tx(), class.id).await?;
        promote_waitlist(work, class.id).await?;
    }
    Ok(Reply::ok(resource::load_required(work.tx(), input.id).await?))
}

fn transition(from: Status, to: OverrideTo) -> Transition {
    match (from, to) {
        (Status::Offered, OverrideTo::Active) => Transition::Accept,
        (_, OverrideTo::Active) => Transition::Promote,
        (_, OverrideTo::Dropped) => Transition::Drop,
        (_, OverrideTo::Withdrawn) => Transition::Withdraw,
    }
}

/// The codes of what the rules would have said.
fn passed_over(
    work: &Work,
    class: &ClassFacts,
    locked: &Locked,
    transition: Transition,
    day: NaiveDate,
) -> Result<Vec<String>, Error> {
    let refused = match transition {
        // Nobody is let into a class that takes nobody: it is opened first.
        _ if transition_enters(transition) && !class.is_open() => {
            let refused = EnrollmentRefused::ClassNotOpen(class.status.clone());
            return Err(Problem::from(refused).into());
        }
        Transition::Promote => return Ok(vec![Passable::ClassFull.as_str().to_owned()]),
        Transition::Accept => may_accept(class, locked.offer_expires_at, work.now),
        _ => may_leave(class, transition, day),
    };
    Ok(refused.err().map(|problem| problem.code.into_owned()).into_iter().collect())
}

fn transition_enters(transition: Transition) -> bool {
    matches!(transition, Transition::Promote | Transition::Accept)
}

/// Gives it its progress, and a seat unless it holds one: the class has one more where all are taken.
async fn seat(work: &mut Work, class: &ClassFacts, locked: &Locked) -> Result<(), Error> {
    store::begin_progress(work.tx(), class.id, &[locked.id]).await?;
    if locked.status.holds_seat() {
        return Ok(());
    }
    let missing = (class.seats_taken + 1 - class.capacity).max(0);
    store::add_seats(work.tx(), class.id, missing).await?;
    store::take_seats(work.tx(), class.id, 1).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_leads_only_where_states_may_go() {
        for from in Status::ALL {
            for to in [OverrideTo::Active, OverrideTo::Dropped, OverrideTo::Withdrawn] {
                let wanted = match to {
                    OverrideTo::Active => Status::Active,
                    OverrideTo::Dropped => Status::Dropped,
                    OverrideTo::Withdrawn => Status::Withdrawn,
                };
                match from.apply(transition(from, to)) {
                    Ok(reached) => assert_eq!(reached, wanted, "{from:?} -> {to:?}"),
                    Err(refused) => assert_eq!(refused.from, from),
                }
            }
        }
    }

    #[test]
    fn a_refusal_has_one_name_in_input_answer_and_record() {
        for passable in [Passable::ClassFull, Passable::ScheduleConflict, Passable::Prerequisite] {
            let json = serde_json::to_value(passable).expect("a word");
            assert_eq!(json, passable.as_str());
        }
    }
}
