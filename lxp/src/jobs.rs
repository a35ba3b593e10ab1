//! `lxp jobs`: an institution's background work, through its API: what waits, what failed and why; to try again, or to
//! give up.

use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::Api;
use crate::failure::Failure;
use crate::load::api::Page;
use crate::output::{Read, View, say};

const HEADER: [&str; 7] = ["ID", "TYPE", "STATE", "ATTEMPTS", "DUE", "ENDED", "WHY"];

/// The longest reason that a table shows, in characters; `show` has all of it.
const WHY_SHOWN: usize = 60;

/// `lxp jobs`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List them, the newest first.
    List {
        /// Only those in this state.
        #[arg(long, value_enum, ignore_case = true)]
        state: Option<State>,
        /// Only those of this type, such as `STUDENT_ENROLLED`.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        /// So many of them.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
        limit: u16,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        api: Api,
    },
    /// One of them: how it stands, and what went wrong.
    Show(One),
    /// Queue one anew that has failed or was cancelled, with all of its attempts; or all that have failed.
    Retry {
        /// The job.
        #[arg(required_unless_present = "failed", conflicts_with = "failed")]
        id: Option<Uuid>,
        /// All that have failed.
        #[arg(long)]
        failed: bool,
        /// Of those, only this type.
        #[arg(long = "type", value_name = "TYPE", requires = "failed")]
        kind: Option<String>,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        api: Api,
    },
    /// Cancel one that is queued or runs; of one that runs nothing stays.
    Cancel(One),
}

/// One job.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The job.
    id: Uuid,
    #[command(flatten)]
    read: Read,
    #[command(flatten)]
    api: Api,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum State {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// What one call of `retryFailed` did.
#[derive(Debug, Deserialize)]
struct Retried {
    retried: u64,
    more: bool,
}

/// What all of them did.
#[derive(Debug, Serialize)]
struct Replayed {
    retried: u64,
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::List { state, kind, limit, read, api } => {
            let session = api.session()?;
            let state = state.and_then(|state| state.to_possible_value());
            let limit = limit.to_string();
            let mut query = vec![("sort", "-createdAt"), ("limit", &limit), ("count", "none")];
            query.extend(state.as_ref().map(|state| ("state", state.get_name())));
            query.extend(kind.as_deref().map(|kind| ("type", kind)));
            let fetch = || async {
                let page: Page<Value> =
                    session.list("/v1/jobs", &query).await.map_err(Failure::from)?;
                let rows = page.items.iter().map(row);
                View::list(&json!({"items": page.items}), &HEADER, rows, "no jobs")
            };
            read.show(fetch).await
        }
        Command::Show(one) => {
            let session = one.api.session()?;
            let path = format!("/v1/jobs/{}", one.id);
            let fetch = || async {
                View::object(&session.get::<Value>(&path).await.map_err(Failure::from)?)
            };
            one.read.show(fetch).await
        }
        Command::Retry { id: Some(id), read, api, .. } => send(api, *read, id, "retry").await,
        Command::Retry { kind, read, api, .. } => retry_failed(api, *read, kind.as_deref()).await,
        Command::Cancel(One { id, read, api }) => send(api, *read, id, "cancel").await,
    }
}

async fn send(api: &Api, read: Read, id: &Uuid, verb: &str) -> anyhow::Result<()> {
    let path = format!("/v1/jobs/{id}:{verb}");
    let job: Value = api.session()?.post(&path, &json!({})).await.map_err(Failure::from)?;
    read.once(&View::list(&job, &HEADER, [row(&job)], "")?)
}

/// Call after call: one takes at most so many.
async fn retry_failed(api: &Api, read: Read, kind: Option<&str>) -> anyhow::Result<()> {
    let session = api.session()?;
    let body = kind.map_or_else(|| json!({}), |kind| json!({"type": kind}));
    let mut all = Replayed { retried: 0 };
    loop {
        let some: Retried =
            session.post("/v1/jobs:retryFailed", &body).await.map_err(Failure::from)?;
        all.retried += some.retried;
        if !some.more {
            break;
        }
        say(&format!("{} queued anew ...", all.retried));
    }
    read.once(&View::object(&all)?)
}

fn row(job: &Value) -> Vec<String> {
    let text = |name: &str| job[name].as_str().unwrap_or("-").to_owned();
    let time = |name: &str| job[name].as_str().map_or("-".to_owned(), short);
    let why: String = text("lastError").chars().take(WHY_SHOWN).collect();
    let attempts = format!("{}/{}", job["attempts"], job["attemptsMax"]);
    vec![text("id"), text("type"), text("state"), attempts, time("runAt"), time("finishedAt"), why]
}

/// An instant to the second, as other tables have it.
pub(crate) fn short(instant: &str) -> String {
    instant.chars().take(19).collect::<String>().replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_how_a_job_stands() {
        let job = json!({"id": "x", "type": "MAIL", "state": "FAILED", "attempts": 3, "attemptsMax": 10,
            "runAt": "2026-11-29T08:00:00.123456Z", "finishedAt": null, "lastError": "e".repeat(100)});
        let expected =
            ["x", "MAIL", "FAILED", "3/10", "2026-11-29 08:00:00", "-", &"e".repeat(WHY_SHOWN)];
        assert_eq!(row(&job), expected);
    }
}
