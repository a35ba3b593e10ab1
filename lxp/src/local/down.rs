//! `lxp local down`: asks the supervisor to stop everything, and sees that nothing is left.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use super::layout::Layout;
use super::lock::{Lock, Taken};
use super::state::{Kind, State};
use crate::failure::Failure;
use crate::output::say;

/// What is sent to the supervisor, and how long it then has.
const ORDERS: [(Signal, Duration); 3] = [
    (Signal::SIGTERM, Duration::from_mins(1)),
    // The second one makes it hurry.
    (Signal::SIGTERM, Duration::from_secs(20)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];

/// How long processes have that a killed supervisor left: the kernel has told them to end.
const LEFTOVERS_WITHIN: Duration = Duration::from_secs(20);

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `lxp local down`.
#[derive(Debug, Args)]
pub(crate) struct Down {
    /// Delete data, logs and secrets too.
    #[arg(long)]
    purge: bool,
    /// The data directory [default: .lxp here or above]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(down: &Down) -> anyhow::Result<()> {
    let layout = Layout::find(down.data_dir.as_deref())?;
    let stopped = stop(&layout).await?;
    end_leftovers(&State::read(&layout)).await;
    say(if stopped { "Stopped" } else { "Nothing runs here" });
    if !down.purge || !layout.lock().exists() {
        return Ok(());
    }
    match Lock::take(&layout)? {
        Taken::Ours(_lock) => layout.purge()?,
        Taken::Theirs => {
            let what = "it was started again meanwhile: nothing was deleted";
            return Err(Failure::refused(what).next("lxp local down --purge").into());
        }
    }
    say(&format!("Deleted {}", layout.root().display()));
    Ok(())
}

/// Stops the supervisor; false when none ran.
async fn stop(layout: &Layout) -> anyhow::Result<bool> {
    let Some(pid) = Lock::supervisor(layout) else { return Ok(false) };
    for (signal, within) in ORDERS {
        send(pid, signal);
        let begun = Instant::now();
        while begun.elapsed() < within {
            if Lock::supervisor(layout) != Some(pid) {
                return Ok(true);
            }
            sleep(LOOK_EVERY).await;
        }
    }
    let what = format!("the supervisor (pid {pid}) does not end");
    Err(Failure::unhealthy(what)
        .log(&layout.log("supervisor"))
        .next(format!("kill -9 {pid}"))
        .into())
}

/// Waits for the processes of a supervisor that is gone, and ends those that stay.
pub(crate) async fn end_leftovers(state: &State) {
    let begun = Instant::now();
    let waited = |share: u32| begun.elapsed() > LEFTOVERS_WITHIN * share / 4;
    while let Some(process) = state.processes.iter().find(|process| process.lives()) {
        let is_postgres = matches!(process.kind, Kind::PostgresPrimary | Kind::PostgresReplica);
        if let Some(pid) = process.pid.filter(|_| waited(1)) {
            // A Postgres that is killed without a word has to recover: first the signal that it understands.
            let gently = is_postgres && !waited(3);
            send(pid, if gently { Signal::SIGQUIT } else { Signal::SIGKILL });
        }
        if waited(4) {
            say(&format!(
                "{} (pid {}) does not end",
                process.name,
                process.pid.unwrap_or_default()
            ));
            return;
        }
        sleep(LOOK_EVERY).await;
    }
}

fn send(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        // It may have ended since: then there is nothing to signal.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}
