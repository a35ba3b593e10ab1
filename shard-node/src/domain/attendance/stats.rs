//! What the attendance of a class comes to on a day: computed whole, from the marks.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::model::{ClassAttendance, OfClass};
use super::store;
use crate::error::Error;
use crate::jobs::{Failure, Job, NewJob};
use crate::operation::{Reader, Work};
use crate::resource::{self, Page, Within};
use crate::schedules::Due;

/// Computes what the attendance of a class comes to on a day.
pub const UPDATE_CLASS_ATTENDANCE: &str = "UPDATE_CLASS_ATTENDANCE";

/// What is to be computed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClassDay {
    class_id: Uuid,
    date: NaiveDate,
}

/// Has it computed anew, once this work has committed.
pub(crate) fn changed(work: &mut Work, class_id: Uuid, date: NaiveDate) {
    let job = NewJob::new(UPDATE_CLASS_ATTENDANCE, json!(ClassDay { class_id, date }));
    work.enqueue(job.unique(format!("{class_id}:{date}")));
}

/// `UPDATE_CLASS_ATTENDANCE`.
pub(super) async fn update(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let ClassDay { class_id, date } = job.decode()?;
    if let Some(id) = store::compute_stats(work.tx(), class_id, date).await? {
        let stats: ClassAttendance = resource::load_required(work.tx(), id).await?;
        resource::record(work, "UPDATED", id, &stats)?;
    }
    Ok(())
}

/// `DAILY_ATTENDANCE`: every class that had a session on the day that has ended, or has one on the day that has begun.
pub(super) async fn update_day(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let Due { date } = job.decode()?;
    let days = store::class_days(work.tx(), date - Days::new(1), date).await?;
    for (class, date) in days {
        changed(work, class, date);
    }
    Ok(())
}

/// Lists those of a class.
pub(super) async fn list(
    reader: &Reader,
    input: Within<ClassAttendance, OfClass>,
) -> Result<Page<ClassAttendance>, Error> {
    let mut tx = reader.begin().await?;
    reader.expect_class(&mut tx, input.of).await?;
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}
