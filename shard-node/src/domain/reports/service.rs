//! Use cases of reports.

use chrono::{Datelike as _, Days, Months, NaiveDate, Weekday};
use service_kit::problem::FieldProblem;

use super::model::{MonthlyMetrics, WeeklyReport};
use super::store;
use crate::error::Error;
use crate::jobs::{Failure, Job};
use crate::operation::{Reader, Work, invalid};
use crate::resource::{self, ListQuery, Page};
use crate::schedules::Due;

/// Days from the first to the last, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: NaiveDate,
    pub(super) last: NaiveDate,
}

impl Span {
    /// The week from Monday to Sunday that had ended when a date began.
    pub(super) fn week_before(date: NaiveDate) -> Self {
        let monday = date - Days::new(u64::from(date.weekday().days_since(Weekday::Mon)));
        Self { first: monday - Days::new(7), last: monday - Days::new(1) }
    }

    /// The month that had ended when a date began.
    pub(super) fn month_before(date: NaiveDate) -> Self {
        let first = date - Days::new(u64::from(date.day0()));
        Self { first: first - Months::new(1), last: first - Days::new(1) }
    }
}

/// `WEEKLY_REPORTS`: the week before the date that the schedule fired for.
pub(super) async fn write_week(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let Due { date } = job.decode()?;
    let week = Span::week_before(date);
    store::write_weeks(work.tx(), week).await?;
    if let Some(id) = store::write_week(work.tx(), week).await? {
        let report: WeeklyReport = resource::load_required(work.tx(), id).await?;
        resource::record(work, "UPDATED", id, &report)?;
    }
    Ok(())
}

/// `MONTHLY_METRICS`: the month before the date that the schedule fired for.
pub(super) async fn write_month(work: &mut Work, job: &Job) -> Result<(), Failure> {
    let Due { date } = job.decode()?;
    if let Some(id) = store::write_month(work.tx(), Span::month_before(date)).await? {
        let metrics: MonthlyMetrics = resource::load_required(work.tx(), id).await?;
        resource::record(work, "UPDATED", id, &metrics)?;
    }
    Ok(())
}

/// Lists weekly reports; an instructor says of which class, which must be theirs.
pub(super) async fn list_weekly(
    reader: &Reader,
    query: ListQuery<WeeklyReport>,
) -> Result<Page<WeeklyReport>, Error> {
    if reader.caller.relations.is_any() {
        return resource::list(reader, query).await;
    }
    let class = query.filters.iter().find(|(field, _)| field.name == "classId");
    let class = class.and_then(|(_, id)| id.parse().ok());
    let class = class.ok_or_else(|| {
        let detail = "the id of a class that you teach is expected";
        invalid().field(FieldProblem::new("/classId", "required", detail))
    })?;
    let mut tx = reader.begin().await?;
    reader.expect_class(&mut tx, class).await?;
    let page = resource::list_where(&mut tx, query).await?;
    tx.commit().await?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn span(first: &str, last: &str) -> Span {
        Span { first: day(first), last: day(last) }
    }

    #[test]
    fn a_report_is_of_the_week_or_month_that_has_ended() {
        for date in ["2026-11-30", "2026-12-01", "2026-12-06"] {
            assert_eq!(Span::week_before(day(date)), span("2026-11-23", "2026-11-29"), "{date}");
        }
        for date in ["2026-03-01", "2026-03-31"] {
            assert_eq!(Span::month_before(day(date)), span("2026-02-01", "2026-02-28"), "{date}");
        }
        assert_eq!(Span::month_before(day("2027-01-01")), span("2026-12-01", "2026-12-31"));
    }
}
