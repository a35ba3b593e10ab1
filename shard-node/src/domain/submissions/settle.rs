//! From the points of items to an attempt's score, and from attempts to the grade.
//!
//! What must stay true:
//! - The assessment is held and all attempts of the student are locked, so that of two that are settled at once the second
//!   sees the first. Score, grade, notification and event are one transaction.
//! - A grade is shown where the attempt that decides is, a mean where all of them are. So one that its student has seen
//!   goes out of sight when a later attempt decides that is not released.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::rules::{GradedAttempt, counted, shows_grade};
use super::store::{self, Facts, Sat, Settled, Totals};
use crate::domain::assessments::GradingType;
use crate::domain::attempts::SubmissionStatus;
use crate::domain::attempts::rules::counted_at;
use crate::domain::grades::{AutomaticGrade, hold_enrollments, record_automatic};
use crate::domain::grading::GRADER_VERSION;
use crate::domain::grading::late::{self, Interval, LatePolicy};
use crate::error::Error;
use crate::operation::Work;

/// Holds what settling these submissions of one assessment, each with its student, needs: the assessment, all attempts of
/// the students, and their enrolments, each kind in one statement. Answers the attempts of each student.
pub(super) async fn hold(
    work: &mut Work,
    batch: &[(Uuid, Uuid)],
) -> Result<HashMap<Uuid, Vec<Sat>>, Error> {
    let mut sat: HashMap<Uuid, Vec<Sat>> = HashMap::new();
    let Some((first, _)) = batch.first() else { return Ok(sat) };
    let Some(facts) = store::hold_assessment(work.tx(), *first).await? else { return Ok(sat) };
    let students: BTreeSet<Uuid> = batch.iter().map(|(_, student)| *student).collect();
    let students: Vec<Uuid> = students.into_iter().collect();
    for attempt in store::lock_attempts(work.tx(), facts.assessment_id, &students).await? {
        sat.entry(attempt.student_id).or_default().push(attempt);
    }
    hold_enrollments(work, facts.class_id, &students).await?;
    Ok(sat)
}

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
    let released = shows_grade(facts.attempt_policy, facts.release(), &graded, submission_id);
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
