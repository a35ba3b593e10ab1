//! Reading an attempt, and saving answers in it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::SubmissionStatus;
use super::model::{Attempt, SaveAnswers, SavedAnswers};
use super::rules;
use super::store::{self, Row, Sitter};
use crate::domain::submissions;
use crate::error::{Error, not_found};
use crate::operation::{Reader, Reply, Work, forbidden};
use crate::policy::About;
use crate::store::TenantTx;

/// Gives an attempt with its paper: to its student, and to the office.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<Attempt, Error> {
    let mut tx = reader.begin().await?;
    let row = found(reader, &mut tx, id).await?;
    let attempt = attempt(&mut tx, row, reader.node.now()).await?;
    tx.commit().await?;
    Ok(attempt)
}

/// Gives what was saved in an attempt.
pub(super) async fn saved(reader: &Reader, id: Uuid) -> Result<SavedAnswers, Error> {
    let mut tx = reader.begin().await?;
    let row = found(reader, &mut tx, id).await?;
    tx.commit().await?;
    Ok(of_row(row, reader.node.now()))
}

async fn found(reader: &Reader, tx: &mut TenantTx, id: Uuid) -> Result<Row, Error> {
    let row = store::find(tx, id).await?.ok_or_else(|| not_found("attempt"))?;
    reader.expect(tx, About::student(row.student_id).hidden("attempt")).await?;
    Ok(row)
}

/// Keeps answers in the place of those before. `If-Match` names what was read: of two that save at once one is told.
pub(super) async fn save(
    work: &mut Work,
    input: SaveAnswers,
) -> Result<Reply<SavedAnswers>, Error> {
    let now = work.now;
    let (mut row, sitter) = lock_own(work, input.id).await?;
    if row.status != SubmissionStatus::InProgress || rules::is_over(row.deadline_at, now) {
        return Err(rules::closed(row.deadline_at).into());
    }
    rules::expect_enrolled(sitter.goes_on)?;
    work.caller.expect_version(row.row_version)?;
    rules::check_answers(&input.answers, row.items)?;
    let answers = object(input.answers);
    (row.answers, row.row_version) = store::save(work.tx(), row.id, &answers, now).await?;
    row.saved_at = Some(now);
    Ok(Reply::ok(of_row(row, now)))
}

/// Locks an attempt of the caller's own: another's is 404, to the office 403.
pub(super) async fn lock_own(work: &mut Work, id: Uuid) -> Result<(Row, Sitter), Error> {
    let missing = || not_found("attempt");
    let row = store::lock(work.tx(), id).await?.ok_or_else(missing)?;
    let sitter = store::sitter(work.tx(), row.class_id, row.student_id).await?;
    if sitter.user_id == work.caller.subject {
        return Ok((row, sitter));
    }
    if work.caller.is_office() {
        return Err(forbidden("an attempt is its student's alone"));
    }
    Err(missing())
}

/// The attempt with its paper.
pub(super) async fn attempt(
    tx: &mut TenantTx,
    row: Row,
    now: DateTime<Utc>,
) -> Result<Attempt, Error> {
    let paper = submissions::paper(tx, row.id).await?;
    Ok(Attempt {
        id: row.id,
        assessment_id: row.assessment_id,
        student_id: row.student_id,
        attempt: row.attempt,
        status: row.status,
        started_at: row.started_at,
        deadline_at: row.deadline_at,
        server_time: now,
        submitted_at: row.submitted_at,
        paper,
        answers: row.answers,
        saved_at: row.saved_at,
        row_version: row.row_version,
    })
}

/// Answers as one JSON object.
pub(super) fn object(answers: BTreeMap<String, Value>) -> Value {
    Value::Object(answers.into_iter().collect())
}

fn of_row(row: Row, now: DateTime<Utc>) -> SavedAnswers {
    SavedAnswers {
        attempt_id: row.id,
        status: row.status,
        answers: row.answers,
        saved_at: row.saved_at,
        deadline_at: row.deadline_at,
        server_time: now,
        row_version: row.row_version,
    }
}
