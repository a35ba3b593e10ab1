//! Results: what an enrolment came to.
//!
//! What must stay true: while a result is FINAL no grade of the student in the class changes; an admin reopens it, with a
//! reason. Only a result that is sent in bulk, by the version that was read, replaces a final one. Who has passed, failed
//! or was exempted has completed the class, and that is written with the result.

mod bulk;
mod finalize;
mod model;
mod reopen;

pub use bulk::{BulkResult, BulkResults};
pub use finalize::{FinalizeResults, Finalized};
pub use model::ClassResult;
pub use reopen::ReopenResult;

pub(super) use bulk::send;
pub(super) use finalize::finalize;
pub(super) use reopen::{get, list, reopen};

use serde_json::json;
use uuid::Uuid;

use super::store::{self, NewResult};
use crate::domain::enrollments::complete_all;
use crate::domain::grades::refresh_progress;
use crate::domain::notifications::{Notice, NotificationType, notify};
use crate::error::Error;
use crate::operation::{Event, Work};
use crate::resource::Resource as _;

/// Writes results of enrolments that are locked, with all that belongs to it; answers how many have completed the class
/// by it.
async fn write(
    work: &mut Work,
    class: Uuid,
    results: &[NewResult],
    tells: bool,
) -> Result<usize, Error> {
    if results.is_empty() {
        return Ok(0);
    }
    let by = Some(work.caller.subject).filter(|subject| !subject.is_nil());
    let written = store::write_results(work.tx(), class, by, results).await?;
    let through: Vec<Uuid> = results
        .iter()
        .filter(|result| result.outcome.completes())
        .map(|result| result.enrollment)
        .collect();
    let completed = complete_all(work, class, &through).await?;
    let mut notices = Vec::new();
    for row in &written {
        let Some(result) = results.iter().find(|result| result.enrollment == row.enrollment) else {
            continue;
        };
        work.record(event(row.id, row.row_version, class, result));
        notices.push(Notice {
            user: row.user,
            kind: NotificationType::ResultFinal,
            about: format!("{}:{}", row.id, row.row_version),
            payload: json!({
                "resultId": row.id, "classId": class, "classCode": row.class_code, "classTitle": row.class_title,
                "outcome": result.outcome, "percent": result.percent.map(|percent| percent.normalize().to_string()),
                "letter": result.letter,
            }),
        });
    }
    if tells {
        notify(work, &notices).await?;
    }
    let students: Vec<Uuid> = results.iter().map(|result| result.student).collect();
    refresh_progress(work.tx(), class, &students).await?;
    Ok(completed)
}

fn event(id: Uuid, version: i64, class: Uuid, result: &NewResult) -> Event {
    Event {
        kind: "RESULT_FINALIZED".into(),
        aggregate: ClassResult::ENTITY,
        aggregate_id: id,
        aggregate_version: version,
        payload: json!({
            "resultId": id, "classId": class, "enrollmentId": result.enrollment, "studentId": result.student,
            "outcome": result.outcome, "percent": result.percent.map(|percent| percent.normalize().to_string()),
            "letter": result.letter, "rowVersion": version,
        }),
        touches: ClassResult::TOUCHES,
    }
}
