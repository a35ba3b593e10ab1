//! When an attempt may be begun, until when it lasts, and what may be saved in it. Pure.
//!
//! What must stay true: an instant is judged once, in one function, by start, save, submission and sweep alike; so at no
//! moment is an answer taken that the sweep would not hand in.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use service_kit::Problem;
use service_kit::problem::FieldProblem;

use crate::domain::assessments::Status;

/// How long past its deadline an answer that was on its way is still taken. What comes in then is not late for that.
pub(crate) const GRACE: TimeDelta = TimeDelta::seconds(5);

/// Answers of an attempt, in bytes of their JSON at most.
pub(super) const ANSWERS_MAX_BYTES: usize = 256 * 1024;

/// What one student may do in an assessment: its own rules, the student's overrides, and what the student is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) opens_at: Option<DateTime<Utc>>,
    pub(crate) closes_at: Option<DateTime<Utc>>,
    pub(crate) time_limit_s: Option<i32>,
    /// How much longer the time limit is, in percent.
    pub(crate) extra_time_percent: i32,
    pub(crate) attempts_max: i32,
}

impl Terms {
    /// When an attempt ends that was begun then: with its time, or with the assessment. None: with its student alone.
    pub(crate) fn deadline(&self, started_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let limit = self.time_limit_s.map(|limit| {
            let extra = i64::from(self.extra_time_percent.max(0));
            let limit_ms = (i64::from(limit) * 1_000 * (100 + extra)).div_euclid(100);
            started_at + TimeDelta::milliseconds(limit_ms)
        });
        match (limit, self.closes_at) {
            (Some(limit), Some(closes)) => Some(limit.min(closes)),
            (limit, closes) => limit.or(closes),
        }
    }
}

/// Whether what comes in now is past an attempt's deadline, grace and all.
pub(crate) fn is_over(deadline: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    deadline.is_some_and(|deadline| now > deadline + GRACE)
}

/// What lateness goes by: what comes in within the grace was there at the deadline.
pub(crate) fn counted_at(deadline: Option<DateTime<Utc>>, at: DateTime<Utc>) -> DateTime<Utc> {
    deadline.map_or(at, |deadline| at.min(deadline))
}

/// Whether another attempt may be begun.
pub(super) fn may_start(
    status: Status,
    terms: &Terms,
    used: i64,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let conflict = |code: &'static str, title: &'static str, detail: String| {
        Err(Problem::new(StatusCode::CONFLICT, code, title).detail(detail))
    };
    if status != Status::Published {
        return conflict(
            "closed",
            "The assessment is closed",
            "nobody sits it any more".to_owned(),
        );
    }
    if let Some(opens) = terms.opens_at.filter(|opens| now < *opens) {
        return conflict(
            "not-open",
            "The assessment is not open yet",
            format!("it opens at {opens}"),
        );
    }
    if let Some(closes) = terms.closes_at.filter(|closes| now >= *closes) {
        return conflict("closed", "The assessment is closed", format!("it closed at {closes}"));
    }
    if used >= i64::from(terms.attempts_max) {
        let detail = format!("{used} of {} attempts were made", terms.attempts_max);
        return conflict("attempts-exhausted", "There is no attempt left", detail);
    }
    Ok(())
}

/// 409 `not-enrolled`: the student is suspended, has left, or is through.
pub(super) fn expect_enrolled(is_enrolled: bool) -> Result<(), Problem> {
    if is_enrolled {
        return Ok(());
    }
    let title = "The student is not in the class now";
    let detail = "an ACTIVE enrolment in the class is needed; what was saved before is handed in at the deadline";
    Err(Problem::new(StatusCode::CONFLICT, "not-enrolled", title).detail(detail))
}

/// 409: the deadline is over, or it was handed in.
pub(super) fn closed(deadline: Option<DateTime<Utc>>) -> Problem {
    let detail = deadline.map_or_else(
        || "it was handed in; nothing was saved".to_owned(),
        |deadline| format!("it ended at {deadline}; what was saved until then is handed in"),
    );
    Problem::new(StatusCode::CONFLICT, "closed", "The attempt has ended").detail(detail)
}

/// Whether answers are to items of the paper, `i1` to `i<items>`, and not more than is kept.
pub(super) fn check_answers(answers: &BTreeMap<String, Value>, items: i32) -> Result<(), Problem> {
    let invalid = |pointer: String, detail: String| {
        Err(crate::operation::invalid().field(FieldProblem::new(pointer, "invalid", detail)))
    };
    for item in answers.keys() {
        let number = item.strip_prefix('i').filter(|digits| !digits.starts_with(['0', '+']));
        let number = number.and_then(|digits| digits.parse::<i32>().ok());
        if number.is_none_or(|number| !(1..=items).contains(&number)) {
            let known = format!("an item of the paper is expected: i1 to i{items}");
            return invalid(
                format!("/answers/{}", item.replace('~', "~0").replace('/', "~1")),
                known,
            );
        }
    }
    let bytes: usize =
        answers.iter().map(|(item, value)| item.len() + value.to_string().len() + 4).sum();
    if bytes > ANSWERS_MAX_BYTES {
        let detail = format!("at most {ANSWERS_MAX_BYTES} bytes in all are expected, not {bytes}");
        return invalid("/answers".to_owned(), detail);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).expect("an instant")
    }

    fn terms() -> Terms {
        Terms {
            opens_at: Some(at(0)),
            closes_at: Some(at(1_000)),
            time_limit_s: Some(100),
            extra_time_percent: 0,
            attempts_max: 2,
        }
    }

    #[test]
    fn an_attempt_ends_with_its_time_or_with_the_assessment() {
        assert_eq!(terms().deadline(at(10)), Some(at(110)));
        assert_eq!(terms().deadline(at(950)), Some(at(1_000)));
        let granted = Terms { extra_time_percent: 50, ..terms() };
        assert_eq!(granted.deadline(at(10)), Some(at(160)));
        assert_eq!(granted.deadline(at(900)), Some(at(1_000)), "not past the end");
        let endless = Terms { time_limit_s: None, closes_at: None, ..terms() };
        assert_eq!(endless.deadline(at(10)), None);
    }

    #[test]
    fn an_attempt_is_begun_within_its_window_and_while_one_is_left() {
        let code = |status, used, now| {
            may_start(status, &terms(), used, now).err().map(|problem| problem.code.into_owned())
        };
        assert_eq!(code(Status::Published, 0, at(0)), None);
        assert_eq!(code(Status::Published, 1, at(999)), None);
        for (status, used, now, refused) in [
            (Status::Published, 0, at(-1), "not-open"),
            (Status::Published, 0, at(1_000), "closed"),
            (Status::Published, 2, at(1), "attempts-exhausted"),
            (Status::Closed, 0, at(1), "closed"),
            (Status::Draft, 0, at(1), "closed"),
        ] {
            assert_eq!(code(status, used, now).as_deref(), Some(refused), "{status:?} {used}");
        }
    }

    #[test]
    fn grace_is_for_what_was_under_way_and_is_not_late() {
        let deadline = Some(at(100));
        assert!(!is_over(deadline, at(100)) && !is_over(deadline, at(100) + GRACE));
        assert!(is_over(deadline, at(100) + GRACE + TimeDelta::milliseconds(1)));
        assert!(!is_over(None, at(1_000_000)));
        assert_eq!(counted_at(deadline, at(103)), at(100));
        assert_eq!(counted_at(deadline, at(90)), at(90));
    }

    #[test]
    fn answers_are_to_items_of_the_paper_and_bounded() {
        let check = |item: &str| check_answers(&BTreeMap::from([(item.to_owned(), json!(1))]), 12);
        assert!(["i1", "i9", "i12"].into_iter().all(|item| check(item).is_ok()));
        for item in ["i0", "i13", "i", "x1", "i1 ", "I1", "i01", "i+1", "i-1", "i99999999999"] {
            assert!(check(item).is_err(), "{item}");
        }
        let long = "x".repeat(ANSWERS_MAX_BYTES);
        assert!(check_answers(&BTreeMap::from([("i1".to_owned(), json!(long))]), 1).is_err());
    }

    proptest! {
        /// More time or a later end never ends an attempt sooner, and never past the end.
        #[test]
        fn more_time_is_never_less(started in 0..2_000_i64, limit in 1..5_000_i32, extra in 0..300_i32, more in 0..300_i32) {
            let base = Terms { time_limit_s: Some(limit), extra_time_percent: extra, ..terms() };
            let more = Terms { extra_time_percent: extra + more, ..base.clone() };
            let (base, more) = (base.deadline(at(started)), more.deadline(at(started)));
            prop_assert!(base <= more && more <= Some(at(1_000)));
        }
    }
}
