//! `lxp local status`: the processes and how they fare. Ends with 5 when something is down.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::layout::Layout;
use super::lock::Lock;
use super::state::{Phase, Process, State, UpDown};
use crate::failure::Failure;
use crate::output::{Read, View};

/// `lxp local status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    read: Read,
    /// The data directory [default: .lxp here or above]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Processes<'a> {
    processes: &'a [Process],
}

/// Runs the command.
pub(crate) async fn run(status: &Status) -> anyhow::Result<()> {
    let layout = Layout::find(status.data_dir.as_deref())?;
    let fetch = || async {
        let state = State::read_now(&layout);
        View::list(
            &Processes { processes: &state.processes },
            &["NAME", "KIND", "SHARD", "STATE", "PID", "RESTARTS", "URL"],
            state.processes.iter().map(row),
            "no platform here: `lxp local up` starts one",
        )
    };
    status.read.show(fetch).await?;
    judge(&layout, &State::read_now(&layout))
}

fn row(process: &Process) -> Vec<String> {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let json = serde_json::to_value(process).unwrap_or_default();
    vec![
        process.name.clone(),
        word(&json["kind"]),
        process.shard.clone().unwrap_or_else(|| "-".to_owned()),
        if process.held { "held".to_owned() } else { word(&json["state"]) },
        process.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
        process.restarts.to_string(),
        process.url.clone(),
    ]
}

/// Says in one sentence what is wrong, if anything is.
fn judge(layout: &Layout, state: &State) -> anyhow::Result<()> {
    if Lock::supervisor(layout).is_none() {
        let failure = match &state.failure {
            Some(failure) => failure.clone(),
            None => Failure::unhealthy("nothing runs here").next("lxp local up"),
        };
        return Err(failure.into());
    }
    let down = state.processes.iter().filter(|process| process.state == UpDown::Down);
    if let Some(down) = down.clone().find(|process| !process.held) {
        let what = format!("{} is down (started again {} times)", down.name, down.restarts);
        let next = format!("lxp local logs {}", down.name);
        return Err(Failure::unhealthy(what).log(&layout.log(&down.name)).next(next).into());
    }
    let held = down.map(|process| &*process.name).collect::<Vec<_>>().join(" ");
    if !held.is_empty() {
        let what = format!("held down by hand: {held}");
        return Err(Failure::unhealthy(what).next(format!("lxp local start {held}")).into());
    }
    match state.phase {
        Phase::Ready => Ok(()),
        Phase::Starting => {
            Err(Failure::unhealthy("it is starting").next("lxp local status -w").into())
        }
        _ => Err(Failure::unhealthy("it is stopping").next("lxp local status -w").into()),
    }
}
