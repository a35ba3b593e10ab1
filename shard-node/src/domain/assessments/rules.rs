//! What an assessment may be. Pure.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use service_kit::Problem;
use service_kit::problem::FieldProblem;

use super::input::{POINTS_DEFAULT, PatchAssessment};
use super::model::{Assessment, MaterialsStatus};
use super::overrides::{AssessmentOverride, SetOverride};
use super::status::Status;
use crate::operation::invalid;

type At = Option<DateTime<Utc>>;

/// It opens, is due and closes in this order.
pub(super) fn check_windows((opens, due, closes): (At, At, At)) -> Result<(), Problem> {
    let wrong = |pointer: &'static str, after: &str| {
        let detail = format!("{after} or later is expected");
        Err(invalid().field(FieldProblem::new(pointer, "invalid", detail)))
    };
    if opens.zip(due).is_some_and(|(opens, due)| due < opens) {
        return wrong("/dueAt", "opensAt");
    }
    if due.zip(closes).is_some_and(|(due, closes)| closes < due) {
        return wrong("/closesAt", "dueAt");
    }
    if opens.zip(closes).is_some_and(|(opens, closes)| closes < opens) {
        return wrong("/closesAt", "opensAt");
    }
    Ok(())
}

/// Points of an assessment: its blueprint's; where there is none what is given, or 100.
pub(super) fn points(
    blueprint: Option<Decimal>,
    given: Option<Decimal>,
) -> Result<Decimal, Problem> {
    match (blueprint, given) {
        (Some(own), Some(given)) if own != given => {
            let detail = format!("{} is expected: the blueprint's points", own.normalize());
            Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "points-mismatch",
                "The blueprint has other points",
            )
            .field(FieldProblem::new("/pointsPossible", "points-mismatch", detail)))
        }
        (Some(own), _) => Ok(own),
        (None, given) => Ok(given.unwrap_or(POINTS_DEFAULT)),
    }
}

/// Of what is published the windows, times and places in the gradebook may change; of what is closed, where it counts.
pub(super) fn may_change(it: &Assessment, patch: &PatchAssessment) -> Result<(), Problem> {
    if it.status != Status::Draft && patch.is_for_drafts() {
        let title = "It is published";
        let allowed = "gradingType, pointsPossible, attemptPolicy, releasePolicy, subjectId and blueprint are a draft's";
        return Err(
            Problem::new(StatusCode::CONFLICT, "assessment-published", title).detail(allowed)
        );
    }
    let moves = patch.moves_deadlines()
        || patch.opens_at.is_some()
        || patch.due_at.is_some()
        || patch.max_attempts.is_some();
    if it.status == Status::Closed && moves {
        let title = "It is closed";
        let allowed = "windows, the time limit and attempts are of an assessment that is still sat";
        return Err(Problem::new(StatusCode::CONFLICT, "closed", title).detail(allowed));
    }
    Ok(())
}

/// Of what is closed an override may say when it was due for a student, and why; nothing new of sitting it.
pub(super) fn may_override_closed(
    before: Option<&AssessmentOverride>,
    set: &SetOverride,
) -> Result<(), Problem> {
    // What is taken away makes no difference to who does not sit it.
    fn is_new<T: Copy + PartialEq>(had: Option<T>, gets: Option<T>) -> bool {
        gets.is_some() && gets != had
    }
    let adds = is_new(before.and_then(|had| had.opens_at), set.opens_at)
        || is_new(before.and_then(|had| had.closes_at), set.closes_at)
        || is_new(before.and_then(|had| had.extra_time_percent), set.extra_time_percent)
        || is_new(before.and_then(|had| had.extra_attempts), set.extra_attempts);
    if adds {
        let allowed = "dueAt and the note alone: nobody sits it any more";
        return Err(Problem::new(StatusCode::CONFLICT, "closed", "It is closed").detail(allowed));
    }
    Ok(())
}

/// Whether it may be published as far as materials go. What another system has sent may be graded there, and needs none.
pub(super) fn expect_ready(it: &Assessment) -> Result<(), Problem> {
    let detail = match (it.materials_status, it.grading_type) {
        (MaterialsStatus::Ready, _) | (MaterialsStatus::None, super::GradingType::Manual) => {
            return Ok(());
        }
        (MaterialsStatus::None, _) if it.source.is_some() => return Ok(()),
        (MaterialsStatus::None, _) => "an AUTOMATED assessment needs a blueprint".to_owned(),
        (MaterialsStatus::Pending, _) => "a job is making them; ask again in a moment".to_owned(),
        (MaterialsStatus::Failed, _) => {
            format!("they could not be made; /v1/assessments/{}/materials says why", it.id)
        }
    };
    Err(not_ready(detail))
}

/// 409 `materials-not-ready`.
pub(super) fn not_ready(detail: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, "materials-not-ready", "Papers cannot be drawn yet")
        .detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> At {
        DateTime::from_timestamp(seconds, 0)
    }

    #[test]
    fn windows_are_in_order_as_far_as_they_are_there() {
        for fine in [
            (None, None, None),
            (at(1), at(1), at(1)),
            (at(1), at(2), at(3)),
            (at(1), None, at(1)),
            (None, at(5), None),
        ] {
            assert!(check_windows(fine).is_ok(), "{fine:?}");
        }
        for (wrong, pointer) in [
            ((at(2), at(1), None), "/dueAt"),
            ((None, at(2), at(1)), "/closesAt"),
            ((at(2), None, at(1)), "/closesAt"),
        ] {
            let problem = check_windows(wrong).expect_err("out of order");
            assert_eq!(problem.errors[0].pointer, pointer);
        }
    }

    #[test]
    fn what_is_closed_is_due_at_another_time_for_a_student_and_not_sat() {
        let set = |member: &str, value: serde_json::Value| -> SetOverride {
            let ids = uuid::Uuid::nil();
            let mut set = serde_json::json!({"assessmentId": ids, "studentId": ids});
            set[member] = value;
            serde_json::from_value(set).expect("an override")
        };
        let (time, number) = (serde_json::json!("2026-09-01T00:00:00Z"), serde_json::json!(1));
        assert!(may_override_closed(None, &set("dueAt", time.clone())).is_ok());
        assert!(may_override_closed(None, &set("note", serde_json::json!("x"))).is_ok());
        for (member, value) in [
            ("opensAt", &time),
            ("closesAt", &time),
            ("extraTimePercent", &number),
            ("extraAttempts", &number),
        ] {
            let refused = may_override_closed(None, &set(member, value.clone()));
            assert_eq!(refused.expect_err(member).code, "closed");
        }
    }

    #[test]
    fn a_blueprint_says_how_many_points_there_are() {
        let five = Some(Decimal::from(5));
        assert_eq!(points(five, None).ok(), five);
        assert_eq!(points(five, Some(Decimal::new(50, 1))).ok(), five);
        assert_eq!(points(None, five).ok(), five);
        assert_eq!(points(None, None).ok(), Some(POINTS_DEFAULT));
        let refused = points(five, Some(Decimal::from(6))).expect_err("another number");
        assert_eq!((refused.status, &*refused.code), (422, "points-mismatch"));
    }
}
