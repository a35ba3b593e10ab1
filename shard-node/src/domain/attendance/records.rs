//! Marks: what students are marked as in a session.

use std::collections::HashMap;

use axum::http::StatusCode;
use garde::Validate;
use serde::Deserialize;
use serde_json::Value;
use service_kit::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{AttendanceRecord, AttendanceSession, OfSession};
use super::rules::{self, Accepted, Known};
use super::stats;
use super::store::{self, Written};
use crate::error::{Error, not_found};
use crate::operation::{Reader, Reply, Work};
use crate::policy::About;
use crate::resource::bulk::{BulkAnswer, ROWS_MAX, RowResult, decode_rows, load_all, settle};
use crate::resource::{self, Page, Resource as _, Within};

/// Students to mark in one session.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkMarks {
    /// The session.
    #[garde(skip)]
    pub session_id: Uuid,
    /// Whether one refused row refuses all.
    #[serde(default)]
    #[garde(skip)]
    pub atomic: bool,
    /// 1 to 1,000; each is judged on its own.
    #[garde(length(min = 1, max = ROWS_MAX))]
    #[schema(value_type = Vec<Mark>)]
    pub items: Vec<Value>,
}

/// One student.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mark {
    /// The student, who was in the class on the session's day.
    #[garde(skip)]
    pub student_id: Uuid,
    /// The code, such as PRESENT; it takes the place of the one before.
    #[garde(length(chars, min = 1, max = 32))]
    pub code: String,
    /// A remark; none where absent.
    #[garde(length(chars, max = 500))]
    pub note: Option<String>,
}

/// Marks them: 201 where a student had no mark, 200 where that has changed or was the same.
pub(super) async fn mark(work: &mut Work, input: BulkMarks) -> Result<Reply<BulkAnswer>, Error> {
    let held = store::hold_session(work.tx(), input.session_id)
        .await?
        .ok_or_else(|| not_found(AttendanceSession::NOUN))?;
    work.expect(About::class(held.class_id)).await?;
    held.expect_open()?;
    let (mut rows, mut marks) = (Vec::with_capacity(input.items.len()), Vec::new());
    for (index, row) in decode_rows::<Mark>(input.items).into_iter().enumerate() {
        match row {
            Ok(mark) => marks.push((index, mark)),
            Err(problem) => rows.push(RowResult::refused(index, problem)),
        }
    }
    let students: Vec<Uuid> = marks.iter().map(|(_, mark)| mark.student_id).collect();
    let known = Known {
        students: store::students(work.tx(), &students).await?,
        enrolled: store::enrolled(work.tx(), &held, &students).await?,
        codes: store::hold_codes(work.tx()).await?,
    };
    let mut accepted = Vec::new();
    for verdict in rules::judge(&marks, &known) {
        match verdict {
            Ok(mark) => accepted.push(mark),
            Err((index, problem)) => rows.push(RowResult::refused(index, problem)),
        }
    }
    let written = write(work, input.session_id, &accepted).await?;
    rows.extend(accepted.iter().map(|mark| result(mark, &written)));
    if written.values().any(Written::is_change) {
        stats::changed(work, held.class_id, held.date);
    }
    Ok(Reply::ok(settle(input.atomic, rows)?))
}

/// Writes them in one statement, and an event for each that changed.
async fn write(
    work: &mut Work,
    session: Uuid,
    marks: &[Accepted],
) -> Result<HashMap<Uuid, Written>, Error> {
    let by = work.caller.subject;
    let written = store::write_marks(work.tx(), session, by, marks).await?;
    let changed: Vec<Uuid> =
        written.values().filter(|written| written.is_change()).map(|written| written.id).collect();
    for record in load_all::<AttendanceRecord>(work.tx(), &changed).await? {
        let verb = if record.row_version == 1 { "CREATED" } else { "UPDATED" };
        resource::record(work, verb, record.id, &record)?;
    }
    Ok(written)
}

fn result(mark: &Accepted, written: &HashMap<Uuid, Written>) -> RowResult {
    match written.get(&mark.student) {
        Some(Written { id, inserted: Some(true) }) => {
            RowResult::done(mark.index, StatusCode::CREATED, *id)
        }
        Some(Written { id, .. }) => RowResult::done(mark.index, StatusCode::OK, *id),
        // The store gives one for each.
        None => RowResult::refused(mark.index, Problem::internal()),
    }
}

/// Lists those of a session.
pub(super) async fn list(
    reader: &Reader,
    input: Within<AttendanceRecord, OfSession>,
) -> Result<Page<AttendanceRecord>, Error> {
    let mut tx = reader.begin().await?;
    let session: AttendanceSession = resource::load_required(&mut tx, input.of).await?;
    reader.expect(&mut tx, About::class(session.class_id)).await?;
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}
