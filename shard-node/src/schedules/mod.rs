//! Schedules: what an institution's own midnight sets off.
//!
//! What must stay true:
//! - A local date fires once, however many nodes look, whatever clocks and zones do: `passed_on` rises in the
//!   transaction that queues the job, under the row's lock, and what is due is computed from it (`cadence`).
//! - A firing that was missed is caught up by the next look: of several dates the latest alone. What was past when a
//!   schedule was made or enabled does not fire.
//! - Institutions of one zone do not all start at midnight: each has a delay of its own, the same each day.
//!
//! Left to others: what the jobs do (attendance, reports), and that they are done (jobs).

mod cadence;
mod model;
mod scheduler;
mod service;
mod store;

use axum::http::Method;
use service_kit::token::{Role, Roles};

pub use cadence::{Cadence, Firing, due_firing, first_instant, latest_firing, next_firing};
pub use model::{Due, JobSchedule, PatchJobSchedule, Started};
pub use scheduler::{Clock, JITTER, Scheduler};

use crate::operation::{Operation, roles};
use crate::resource::{self, ById, ListQuery, Page};

const ADMIN: Roles = roles(&[Role::Admin]);
const PATH: &str = "/v1/job-schedules";
const ITEM: &str = "/v1/job-schedules/{id}";

/// Queued each day: has the attendance of classes counted again.
pub const DAILY_ATTENDANCE: &str = "DAILY_ATTENDANCE";
/// Queued each Monday: writes the reports of the week before.
pub const WEEKLY_REPORTS: &str = "WEEKLY_REPORTS";
/// Queued on each first: writes the metrics of the month before.
pub const MONTHLY_METRICS: &str = "MONTHLY_METRICS";

/// The kinds of jobs that schedules queue.
const KINDS: [&str; 3] = [DAILY_ATTENDANCE, WEEKLY_REPORTS, MONTHLY_METRICS];

/// The operations of schedules.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<JobSchedule>, Page<JobSchedule>>(
            "admin.listJobSchedules",
            PATH,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists what is done at the institution's midnight")
        .roles(ADMIN),
        Operation::read_encoded::<ById, JobSchedule>(
            "admin.getJobSchedule",
            ITEM,
            |reader, input| Box::pin(resource::find_encoded(reader, input.id)),
        )
        .summary("Gives a schedule")
        .roles(ADMIN),
        Operation::write::<PatchJobSchedule, JobSchedule>(
            "admin.updateJobSchedule",
            ITEM,
            |work, input| Box::pin(service::update(work, input)),
        )
        .summary("Switches a schedule on or off; what it missed meanwhile is not made up for")
        .method(Method::PATCH)
        .roles(ADMIN),
        Operation::write::<ById, Started>(
            "admin.runJobSchedule",
            "/v1/job-schedules/{id}:run",
            |work, input| Box::pin(service::run(work, input.id)),
        )
        .summary("Queues now what the schedule queues for the current day, week or month")
        .roles(ADMIN)
        .status(202),
    ]
}
