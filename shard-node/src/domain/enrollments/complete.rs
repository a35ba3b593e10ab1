//! Completing many enrolments of a class at once, when their results are final.

use chrono::NaiveDate;
use uuid::Uuid;

use super::Status;
use super::enroll::event;
use super::store::{self, EventRow};
use crate::error::{Error, not_found};
use crate::operation::Work;

/// Completes those of the enrolments that are ACTIVE, with all that speaks of it; answers how many they were. The class
/// is locked first, then the enrolments in the order of their ids.
pub(crate) async fn complete_all(
    work: &mut Work,
    class: Uuid,
    enrollments: &[Uuid],
) -> Result<usize, Error> {
    let (now, actor) = (work.now, work.caller.subject);
    let facts =
        store::lock_class(work.tx(), class, now).await?.ok_or_else(|| not_found("class"))?;
    let completed = store::complete(work.tx(), class, enrollments).await?;
    let row = |enrollment| ended(enrollment, facts.today);
    let rows: Vec<EventRow> = completed.iter().map(|locked| row(locked.id)).collect();
    store::append_events(work.tx(), actor, &rows).await?;
    for locked in &completed {
        let (id, from) = (locked.id, Some(Status::Active));
        work.record(event(id, class, locked.student, from, Status::Completed, locked.row_version));
    }
    Ok(completed.len())
}

fn ended(enrollment: Uuid, day: NaiveDate) -> EventRow {
    let (from, to) = (Some(Status::Active), Status::Completed);
    let reason = Some("result".to_owned());
    EventRow { enrollment, from, to, effective_on: day, reason, overrode: Vec::new() }
}
