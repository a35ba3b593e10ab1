//! From the points of items to an attempt's score, and from attempts to the grade.
//!
//! What must stay true: the assessment is held and all attempts of the student are locked, so that of two that are settled
//! at once the second sees the first. Score, grade, notification and event are one transaction.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::rules::{GradedAttempt, counted};
use super::store::{self, Facts, Sat, Settled, Totals};
use crate::domain::assessments::GradingType;
use crate::domain::attempts::SubmissionStatus;
use crate::domain::attempts::rules::counted_at;
use crate::domain::grades::{AutomaticGrade, record_automatic};
use crate::domain::grading::GRADER_VERSION;
use crate::domain::grading::late::{self, Interval, LatePolicy};
use crate::error::Error;
use crate::operation::Work;

/// Settles one of the locked attempts by what its items have now, and the student's grade with it.
pub(super) async fn settle(
    work: &mut Work,
    facts: &Facts,
    attempts: &mut [Sat],
    id: Uuid,
    (possible, grader): (Decimal, Option<&str>),
) -> Result<(), Error> {
    let now = work.now;
    let totals = store::totals(work.tx(), id).await?;
    let own = attempts.iter_mut().find(|attempt| attempt.id == id);
    let own =
        own.ok_or_else(|| Error::Defect("an attempt that is not its student's".to_owned()))?;
    let status = next(facts.grading_type, own, &totals, grader.is_some());
    let is_complete = matches!(status, SubmissionStatus::Graded | SubmissionStatus::Returned);
    let late =
        if is_complete { lateness(facts, own, totals.points, possible)? } else { Decimal::ZERO };
    own.score = is_complete.then(|| (totals.points - late).max(Decimal::ZERO));
    own.late_deduction = is_complete.then_some(late);
    own.graded_at = is_complete.then_some(own.graded_at.unwrap_or(now));
    own.status = status;
    let settled = Settled {
        status,
        raw: totals.points,
        possible,
        late_deduction: own.late_deduction,
        score: own.score,
        grader_version: grader,
        graded_at: own.graded_at,
    };
    own.row_version = store::settle(work.tx(), id, &settled).await?;
    record(work, facts, attempts).await
}

/// Where an attempt stands with these points. One that the grader has yet to see waits for it.
fn next(grading: GradingType, own: &Sat, totals: &Totals, by_grader: bool) -> SubmissionStatus {
    let is_complete = totals.items == i64::from(own.items) && totals.waiting == 0;
    match (is_complete, own.status) {
        (true, SubmissionStatus::Returned) => SubmissionStatus::Returned,
        (true, _) => SubmissionStatus::Graded,
        (false, SubmissionStatus::Submitted) if !by_grader && grading == GradingType::Automated => {
            SubmissionStatus::Submitted
        }
        (false, _) => SubmissionStatus::InReview,
    }
}

/// What lateness takes of an attempt's points.
pub(super) fn lateness(
    facts: &Facts,
    own: &Sat,
    raw: Decimal,
    possible: Decimal,
) -> Result<Decimal, Error> {
    let policy = facts.late_rate.zip(facts.late_floor).zip(facts.late_interval.as_deref());
    let times = facts.due_at.zip(own.submitted_at);
    let (Some(((rate_percent, floor_percent), interval)), Some((due, at))) = (policy, times) else {
        return Ok(Decimal::ZERO);
    };
    let interval = match interval {
        "HOUR" => Interval::Hour,
        _ => Interval::Day,
    };
    let policy = LatePolicy { rate_percent, interval, floor_percent };
    let at: DateTime<Utc> = counted_at(own.deadline_at, at);
    let zone: Tz = facts.timezone.parse().map_err(|_| {
        Error::Defect(format!("{} is no time zone that this node knows", facts.timezone))
    })?;
    Ok(late::deduction(possible, raw, due, at, zone, &policy))
}

/// Records what the student's graded attempts come to; where none is graded, nothing.
pub(super) async fn record(work: &mut Work, facts: &Facts, attempts: &[Sat]) -> Result<(), Error> {
    let graded: Vec<GradedAttempt<Uuid>> = attempts
        .iter()
        .filter_map(|attempt| {
            let (score, late_deduction) = attempt.score.zip(attempt.late_deduction)?;
            Some(GradedAttempt { id: attempt.id, score, late_deduction, status: attempt.status })
        })
        .collect();
    let Some((submission_id, score, late)) = counted(facts.attempt_policy, &graded) else {
        return Ok(());
    };
    let decides = graded.iter().find(|attempt| attempt.id == submission_id);
    let released = decides.is_some_and(|it| facts.release().shows_points(it.status));
    let possible = facts.points_possible;
    let grade = AutomaticGrade {
        class_id: facts.class_id,
        student_id: facts.student_id,
        assessment_id: facts.assessment_id,
        submission_id,
        score,
        possible,
        // Two means are each rounded; together they are not more than there was to get.
        late_deduction: late.min(possible - score).max(Decimal::ZERO),
        grader_version: GRADER_VERSION.to_owned(),
        released,
    };
    record_automatic(work, grade).await.map(drop)
}
