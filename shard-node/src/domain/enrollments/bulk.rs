//! Enrolling up to 1,000 students in one class, with a status for each.

use axum::http::StatusCode;
use chrono::NaiveDate;
use garde::Validate;
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::enroll::{self, Outcome};
use super::rules::{ClassFacts, EnrollmentRefused, Request};
use super::{OnFull, Status, store};
use crate::domain::checks::{together_with, valid_day};
use crate::error::{Error, not_found};
use crate::operation::{Reply, Work};
use crate::resource::bulk::{BulkAnswer, ROWS_MAX, RowResult, decode_rows, settle};

/// Students to enrol in one class.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkEnroll {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// Whether one refused row refuses all.
    #[serde(default)]
    #[garde(skip)]
    pub atomic: bool,
    /// 1 to 1,000; each is judged on its own.
    #[garde(length(min = 1, max = ROWS_MAX))]
    #[schema(value_type = Vec<BulkRow>)]
    pub items: Vec<Value>,
}

/// One student.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkRow {
    /// The student.
    #[garde(skip)]
    pub student_id: Uuid,
    /// What to do where the class is full.
    #[serde(default)]
    #[garde(skip)]
    pub on_full: OnFull,
    /// The day on which it begins; today where absent.
    #[garde(inner(custom(valid_day)))]
    pub effective_date: Option<NaiveDate>,
    /// The system that it comes from; together with `externalId` unique.
    #[garde(
        length(chars, min = 1, max = 64),
        custom(together_with("externalId", self.external_id.as_ref()))
    )]
    pub source: Option<String>,
    /// Its id there: a row with one that is known answers that enrolment, in whatever state it is.
    #[garde(
        length(chars, min = 1, max = 128),
        custom(together_with("source", self.source.as_ref()))
    )]
    pub external_id: Option<String>,
}

/// Enrols them in their order.
pub(super) async fn enroll(work: &mut Work, input: BulkEnroll) -> Result<Reply<BulkAnswer>, Error> {
    let now = work.now;
    let class = store::lock_class(work.tx(), input.class_id, now)
        .await?
        .ok_or_else(|| not_found("class"))?;
    let decoded = decode_rows::<BulkRow>(input.items);
    let requests: Vec<Request> =
        decoded.iter().filter_map(|row| Some(request(row.as_ref().ok()?, &class))).collect();
    let mut outcomes = enroll::enroll(work, &class, &requests).await?.into_iter();
    let mut rows = Vec::with_capacity(decoded.len());
    for (index, row) in decoded.into_iter().enumerate() {
        rows.push(match row {
            Err(problem) => RowResult::refused(index, problem),
            Ok(_) => result(index, outcomes.next()),
        });
    }
    with_statuses(work, &mut rows).await?;
    Ok(Reply::ok(settle(input.atomic, rows)?))
}

fn request(row: &BulkRow, class: &ClassFacts) -> Request {
    Request {
        student: row.student_id,
        on_full: row.on_full,
        effective_on: row.effective_date.unwrap_or(class.today),
        external: row.source.clone().zip(row.external_id.clone()),
        in_window: false,
        passing: Vec::new(),
        reason: None,
    }
}

fn result(index: usize, outcome: Option<Result<Outcome, EnrollmentRefused>>) -> RowResult {
    match outcome {
        Some(Ok(Outcome::Existing(id))) => RowResult::done(index, StatusCode::OK, id),
        Some(Ok(Outcome::Made(id, Status::Waitlisted))) => {
            RowResult::done(index, StatusCode::ACCEPTED, id)
        }
        Some(Ok(Outcome::Made(id, _))) => RowResult::done(index, StatusCode::CREATED, id),
        Some(Err(refused)) => {
            let holder = match &refused {
                EnrollmentRefused::ExternalIdTaken(id) => Some(*id),
                _ => None,
            };
            let row = RowResult::refused(index, refused.into());
            holder.into_iter().fold(row, RowResult::id)
        }
        // `enroll` gives one outcome a request.
        None => RowResult::refused(index, Problem::internal()),
    }
}

/// Adds `enrollmentStatus` to each row that has an enrolment.
async fn with_statuses(work: &mut Work, rows: &mut [RowResult]) -> Result<(), Error> {
    let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.id).collect();
    let statuses = store::statuses(work.tx(), &ids).await?;
    for row in rows {
        if let Some(status) = row.id.and_then(|id| statuses.get(&id)) {
            row.extra.insert("enrollmentStatus".to_owned(), json!(status));
        }
    }
    Ok(())
}
