//! The end of an attempt, whoever ends it: receipt, progress, event and the grader's job, all with the work.
//!
//! What must stay true: what is handed in is what was saved last; it is hashed as the database gives it back. An attempt
//! whose row is locked here is under way, and ends once.

use chrono::{DateTime, SubsecRound as _, Utc};
use serde_json::json;
use uuid::Uuid;

use super::receipt::{self, HandedIn};
use super::store::{self, Ending, Row};
use crate::domain::assessments::{self, GradingType};
use crate::domain::{grades, keys, submissions};
use crate::error::Error;
use crate::operation::{Event, Work};

/// Hands in what its student hands in now.
pub(super) async fn by_student(work: &mut Work, row: Row) -> Result<(), Error> {
    let now = work.now;
    let assessment = row.assessment_id;
    end(work, assessment, vec![(row, now)], "STUDENT").await
}

/// Hands in attempts of an assessment whose deadline is over: they count as of then.
pub(super) async fn at_deadline(
    work: &mut Work,
    assessment: Uuid,
    rows: Vec<Row>,
) -> Result<(), Error> {
    let now = work.now;
    let rows = rows.into_iter().map(|row| {
        let at = row.deadline_at.unwrap_or(now);
        (row, at)
    });
    let rows = rows.collect();
    end(work, assessment, rows, "DEADLINE").await
}

async fn end(
    work: &mut Work,
    assessment: Uuid,
    rows: Vec<(Row, DateTime<Utc>)>,
    by: &'static str,
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let institution = work.caller.institution.as_uuid();
    let key = keys::institution_key(work.tx()).await?;
    let mut endings = Vec::with_capacity(rows.len());
    for (row, at) in &rows {
        // As exact as the database keeps it.
        let handed_in = HandedIn {
            institution,
            submission: row.id,
            assessment,
            student: row.student_id,
            attempt: row.attempt,
            at: at.trunc_subsecs(6),
            hash: receipt::hash(&row.answers),
        };
        let receipt = handed_in.sign(&key);
        endings.push(Ending { id: row.id, at: handed_in.at, hash: handed_in.hash, receipt });
    }
    let versions = store::hand_in(work.tx(), &endings, by).await?;
    let students: Vec<Uuid> = rows.iter().map(|(row, _)| row.student_id).collect();
    // All of one assessment, and so of one class.
    if let Some((row, _)) = rows.first() {
        grades::refresh_progress(work.tx(), row.class_id, &students).await?;
    }
    let is_automated =
        assessments::grading_type(work.tx(), assessment).await? == GradingType::Automated;
    for ((row, _), ending) in rows.iter().zip(&endings) {
        let version = versions.iter().find(|(id, _)| *id == row.id).map_or(0, |(_, it)| *it);
        work.record(handed_in_event(row, ending, by, version));
        if is_automated {
            work.enqueue(submissions::grading(row.id));
        }
    }
    Ok(())
}

fn handed_in_event(row: &Row, ending: &Ending, by: &str, version: i64) -> Event {
    Event {
        kind: "ASSESSMENT_SUBMITTED".into(),
        aggregate: "assessment_submissions",
        aggregate_id: row.id,
        aggregate_version: version,
        payload: json!({"id": row.id, "assessmentId": row.assessment_id, "classId": row.class_id,
            "studentId": row.student_id, "attempt": row.attempt, "submittedAt": ending.at, "submittedBy": by,
            "answersSha256": receipt::hex(&ending.hash)}),
        touches: &[],
    }
}
