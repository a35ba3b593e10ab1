//! Beginning an attempt: the student's own, in a class that the student is in, drawn from the published materials.

use axum::http::StatusCode;
use serde_json::json;
use service_kit::Problem;
use uuid::Uuid;

use super::model::{Attempt, StartAttempt};
use super::store::{self, NewAttempt, Sitting};
use super::{PATH, answers, finish, rules, sweep};
use crate::domain::enrollments::student_of_user;
use crate::domain::{assessments, keys, questions};
use crate::error::{Error, not_found};
use crate::operation::{Event, Reply, Work, forbidden};

/// Begins one; gives the one that is under way where there is one. The enrolment's row is locked: of two that begin at
/// once the second sees what the first has begun. One that is overdue is handed in before that: attempts are locked
/// before enrolments, as by the sweep and the grader.
pub(super) async fn start(work: &mut Work, input: StartAttempt) -> Result<Reply<Attempt>, Error> {
    let (now, subject) = (work.now, work.caller.subject);
    let missing = || not_found("assessment");
    let assessment = input.assessment_id;
    let student = student_of_user(work.tx(), subject).await?;
    let sitting = store::hold_sitting(work.tx(), assessment, student).await?.ok_or_else(missing)?;
    let student = student.ok_or_else(|| forbidden("the token's subject is no student here"))?;
    // The sweep has not come yet.
    let before = now - rules::GRACE;
    let overdue = store::lock_overdue_of(work.tx(), assessment, student, before).await?;
    finish::at_deadline(work, assessment, overdue.into_iter().collect()).await?;
    let enrolled = store::hold_enrollment(work.tx(), sitting.class_id, student).await?;
    let enrolled = enrolled.ok_or_else(missing)?;
    if sitting.status == assessments::Status::Draft {
        return Err(missing());
    }
    rules::expect_enrolled(enrolled.goes_on)?;
    let (running, used, last) = store::in_progress(work.tx(), assessment, student).await?;
    if let Some(running) = running {
        // Looked at without a lock: that would come before the enrolment's.
        let row = store::find(work.tx(), running).await?.ok_or_else(missing)?;
        return Ok(Reply::ok(answers::attempt(work.tx(), row, now).await?));
    }
    rules::expect_enrolled(enrolled.begins)?;
    expect_paper(&sitting)?;
    rules::may_start(sitting.status, &sitting.terms(), used, now)?;
    let new = draw(work, &sitting, assessment, (enrolled.id, student), last + 1).await?;
    store::insert(work.tx(), &new).await?;
    if let Some(deadline) = new.deadline_at {
        work.enqueue(sweep::job(new.id, deadline));
    }
    work.record(Event {
        kind: "ATTEMPT_STARTED".into(),
        aggregate: "assessment_submissions",
        aggregate_id: new.id,
        aggregate_version: 1,
        payload: json!({"id": new.id, "assessmentId": assessment, "classId": new.class, "studentId": student,
            "attempt": new.attempt, "startedAt": new.started_at, "deadlineAt": new.deadline_at}),
        touches: &[],
    });
    let row = store::find(work.tx(), new.id).await?.ok_or_else(missing)?;
    let made = answers::attempt(work.tx(), row, now).await?;
    Ok(Reply::created(made, format!("{PATH}/{}", new.id)))
}

fn expect_paper(sitting: &Sitting) -> Result<(), Problem> {
    if sitting.has_paper {
        return Ok(());
    }
    let title = "The assessment is not sat here";
    let detail = "it has no blueprint: its scores are entered";
    Err(Problem::new(StatusCode::CONFLICT, "nothing-to-sit", title).detail(detail))
}

/// The paper and key of the student's next attempt.
async fn draw(
    work: &mut Work,
    sitting: &Sitting,
    assessment: Uuid,
    (enrollment, student): (Uuid, Uuid),
    attempt: i32,
) -> Result<NewAttempt, Error> {
    let now = chrono::SubsecRound::trunc_subsecs(work.now, 6);
    let revision = sitting.revision;
    let materials = assessments::materials(work.tx(), assessment).await?;
    let key = keys::institution_key(work.tx()).await?;
    let number = |it: i32| u32::try_from(it).unwrap_or_default();
    let seed = questions::seed(&key, assessment, student, number(attempt), number(revision));
    let variant =
        questions::draw(&materials.blueprint, &materials.pool, seed).map_err(|error| {
            Error::Defect(format!("materials that were proved do not draw: {error}"))
        })?;
    let json =
        |error: serde_json::Error| Error::Defect(format!("a variant does not encode: {error}"));
    Ok(NewAttempt {
        id: Uuid::now_v7(),
        assessment,
        class: sitting.class_id,
        enrollment,
        student,
        attempt,
        revision,
        items: i32::try_from(variant.key.items.len()).unwrap_or(i32::MAX),
        started_at: now,
        deadline_at: sitting.terms().deadline(now),
        paper: serde_json::to_value(&variant.paper).map_err(json)?,
        key: serde_json::to_value(&variant.key).map_err(json)?,
    })
}

impl Sitting {
    pub(super) fn terms(&self) -> rules::Terms {
        rules::Terms {
            opens_at: self.opens_at,
            closes_at: self.closes_at,
            time_limit_s: self.time_limit_s,
            extra_time_percent: self.extra_time_percent,
            attempts_max: self.attempts_max,
        }
    }
}
