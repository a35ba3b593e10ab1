//! Reading results, and reopening one.

use axum::http::StatusCode;
use garde::Validate;
use serde::Deserialize;
use serde_json::json;
use service_kit::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::store;
use super::model::ClassResult;
use crate::domain::enrollments::class_exists;
use crate::domain::grades::OfClass;
use crate::error::{Error, not_found};
use crate::operation::{Event, Reader, Reply, Work};
use crate::policy::About;
use crate::resource::{self, Page, Resource as _, Within};

/// A result to reopen.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReopenResult {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Why; it is kept.
    #[garde(length(chars, min = 1, max = 500))]
    pub reason: String,
}

/// Lets grades change again; the enrolment stays as it is.
pub(in super::super) async fn reopen(
    work: &mut Work,
    input: ReopenResult,
) -> Result<Reply<ClassResult>, Error> {
    let enrollment = store::enrollment_of_result(work.tx(), input.id).await?;
    let enrollment = enrollment.ok_or_else(|| not_found(ClassResult::NOUN))?;
    store::hold_enrollment(work.tx(), enrollment).await?;
    let result: ClassResult = resource::lock(work, input.id).await?;
    if result.state != "FINAL" {
        let title = "The result is not final";
        return Err(Problem::new(StatusCode::CONFLICT, "illegal-transition", title)
            .with("from", result.state)
            .with("allowed", ["FINAL"])
            .into());
    }
    store::reopen(work.tx(), input.id, &input.reason).await?;
    let result: ClassResult = resource::load_required(work.tx(), input.id).await?;
    work.record(Event {
        kind: "RESULT_REOPENED".into(),
        aggregate: ClassResult::ENTITY,
        aggregate_id: result.id,
        aggregate_version: result.row_version,
        payload: json!({
            "resultId": result.id, "classId": result.class_id, "enrollmentId": result.enrollment_id,
            "studentId": result.student_id, "rowVersion": result.row_version,
        }),
        touches: ClassResult::TOUCHES,
    });
    let version = result.row_version;
    Ok(Reply::ok(result).version(version))
}

/// Gives one.
pub(in super::super) async fn get(reader: &Reader, id: Uuid) -> Result<ClassResult, Error> {
    let mut tx = reader.begin().await?;
    let result: ClassResult = resource::load_required(&mut tx, id).await?;
    reader.expect(&mut tx, About::enrollment(result.class_id, result.student_id)).await?;
    tx.commit().await?;
    Ok(result)
}

/// Lists those of a class.
pub(in super::super) async fn list(
    reader: &Reader,
    input: Within<ClassResult, OfClass>,
) -> Result<Page<ClassResult>, Error> {
    let mut tx = reader.begin().await?;
    if !class_exists(&mut tx, input.of).await? {
        return Err(not_found("class"));
    }
    reader.expect(&mut tx, About::class(input.of)).await?;
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}
