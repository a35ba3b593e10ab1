//! Reports: what weeks and months come to.
//!
//! What must stay true: each is computed whole and written over what was there, so that a job may run twice, late, or
//! again by hand; a week and class, or a month, has one row.
//!
//! They stand on the days of `class_attendance_stats`, which `UPDATE_CLASS_ATTENDANCE` keeps: a mark that comes later
//! is in a report that is run again, not in the one that was written.

mod model;
mod service;
mod store;

use std::time::Duration;

pub use model::{MonthlyMetrics, WeeklyReport};

use crate::jobs::Handler;
use crate::operation::{OFFICE, Operation};
use crate::policy::TEACHERS;
use crate::resource::{self, ListQuery, Page};
use crate::schedules::{MONTHLY_METRICS, WEEKLY_REPORTS};

/// What an institution of 60,000 students may take; others wait for their turn meanwhile.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The operations of reports.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<WeeklyReport>, Page<WeeklyReport>>(
            "report.listWeekly",
            "/v1/reports/weekly",
            |reader, query| Box::pin(service::list_weekly(reader, query)),
        )
        .summary(
            "Lists weekly reports, of classes and of the institution; an instructor's by classId",
        )
        .policy(TEACHERS),
        Operation::read::<ListQuery<MonthlyMetrics>, Page<MonthlyMetrics>>(
            "report.listMonthly",
            "/v1/metrics/monthly",
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists the institution's metrics by month")
        .roles(OFFICE),
    ]
}

/// What is done in the background.
pub fn handlers() -> Vec<Handler> {
    vec![
        Handler::effect(WEEKLY_REPORTS, |work, job| Box::pin(service::write_week(work, job)))
            .timeout(TIMEOUT)
            .at_once(1),
        Handler::effect(MONTHLY_METRICS, |work, job| Box::pin(service::write_month(work, job)))
            .timeout(TIMEOUT)
            .at_once(1),
    ]
}
