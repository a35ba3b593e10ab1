//! `lxp local stop NAME` and `start NAME`: one part is held down and brought back, with its ports and its data.
//! `restart NAME` does both; a router is replaced by another one that takes its listeners, so that nobody notices.
//!
//! What is wanted lies as a file by the part's name in `.lxp/held`; the supervisor looks there and obeys. A hold
//! lasts until `start NAME` or until the supervisor ends: `up` starts everything.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::time::{Instant, sleep};

use super::child::Order;
use super::layout::{Layout, make_dir, remove, write_private};
use super::lock::Lock;
use super::state::{Kind, Phase, Process, State, UpDown};
use crate::failure::{Exit, Failure};
use crate::output::say;

/// How long a part has to end what it does before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(20);
const KILL_WITHIN: Duration = Duration::from_secs(10);

/// A part that was brought back serves by then. Recovery after a crash is in it.
const START_WITHIN: Duration = Duration::from_mins(1);

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A router that was replaced has ended by then: it finishes what it has.
const REPLACE_WITHIN: Duration = Duration::from_mins(1);

const STOP: &str = "stop";
const KILL: &str = "kill";
const REPLACE: &str = "replace";

/// `lxp local stop`.
#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// Processes, by their names in `status`.
    #[arg(required = true)]
    names: Vec<String>,
    /// End them at once (SIGKILL), as a crash would.
    #[arg(long)]
    now: bool,
    /// The data directory [default: .lxp here or above]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// `lxp local start`.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Processes, by their names in `status`.
    #[arg(required = true)]
    names: Vec<String>,
    /// The data directory [default: .lxp here or above]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// `lxp local restart`.
#[derive(Debug, Args)]
pub(crate) struct Restart {
    /// Processes, by their names in `status`.
    #[arg(required = true)]
    names: Vec<String>,
    /// The data directory [default: .lxp here or above]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Runs `lxp local stop`.
pub(crate) async fn stop(stop: &Stop) -> anyhow::Result<()> {
    let layout = Layout::find(stop.data_dir.as_deref())?;
    check(&layout, &stop.names)?;
    ask(&layout, &stop.names, if stop.now { KILL } else { STOP })?;
    let is_held = |process: &Process| process.held && !process.lives();
    let mut left = wait(&layout, &stop.names, STOP_WITHIN, is_held).await;
    if !left.is_empty() {
        ask(&layout, &left, KILL)?;
        left = wait(&layout, &left, KILL_WITHIN, is_held).await;
    }
    if let Some(name) = left.first() {
        let what = format!("{name} does not end");
        let failure = Failure::new(Exit::TimedOut, what).log(&layout.log("supervisor"));
        return Err(failure.next("lxp local status").into());
    }
    let names = stop.names.join(" ");
    say(&format!("Stopped {names}; `lxp local start {names}` brings it back"));
    Ok(())
}

/// Runs `lxp local start`.
pub(crate) async fn start(start: &Start) -> anyhow::Result<()> {
    let layout = Layout::find(start.data_dir.as_deref())?;
    check(&layout, &start.names)?;
    for name in &start.names {
        remove(&layout.held(name))?;
    }
    let serves = |process: &Process| !process.held && process.state == UpDown::Up;
    let left = wait(&layout, &start.names, START_WITHIN, serves).await;
    if let Some(name) = left.first() {
        let what = format!("{name} does not serve after {} s", START_WITHIN.as_secs());
        let failure = Failure::new(Exit::TimedOut, what).log(&layout.log(name));
        return Err(failure.next(format!("lxp local logs {name}")).into());
    }
    say(&format!("{} serves", start.names.join(" ")));
    Ok(())
}

/// Runs `lxp local restart`, one part after the other.
pub(crate) async fn restart(restart: &Restart) -> anyhow::Result<()> {
    let layout = Layout::find(restart.data_dir.as_deref())?;
    check(&layout, &restart.names)?;
    for name in &restart.names {
        let (names, data_dir) = (vec![name.clone()], restart.data_dir.clone());
        if replace(&layout, &names).await? {
            say(&format!("{name} was replaced"));
            continue;
        }
        stop(&Stop { names: names.clone(), now: false, data_dir: data_dir.clone() }).await?;
        start(&Start { names, data_dir }).await?;
    }
    Ok(())
}

/// Has a router that serves replaced; false for anything else.
async fn replace(layout: &Layout, names: &[String]) -> anyhow::Result<bool> {
    let state = State::read_now(layout);
    let is_it = |p: &&Process| p.kind == Kind::Router && names.contains(&p.name) && p.lives();
    let Some(before) =
        state.processes.iter().find(is_it).filter(|_| layout.router_socket().exists())
    else {
        return Ok(false);
    };
    ask(layout, names, REPLACE)?;
    let is_another = |process: &Process| process.pid != before.pid && process.state == UpDown::Up;
    let left = wait(layout, names, REPLACE_WITHIN, is_another).await;
    for name in names {
        remove(&layout.held(name))?;
    }
    match left.first() {
        None => Ok(true),
        Some(name) => {
            let failure = Failure::new(Exit::TimedOut, format!("{name} was not replaced"));
            Err(failure.log(&layout.log(name)).next(format!("lxp local logs {name}")).into())
        }
    }
}

/// What the held parts are to do, by name.
pub(crate) fn read(layout: &Layout) -> BTreeMap<String, Order> {
    let files = fs::read_dir(layout.held_dir()).into_iter().flatten().flatten();
    files
        .filter_map(|file| {
            let order = match &*fs::read_to_string(file.path()).ok()? {
                STOP => Order::Hold,
                KILL => Order::HoldNow,
                REPLACE => Order::Replace,
                _ => return None,
            };
            Some((file.file_name().into_string().ok()?, order))
        })
        .collect()
}

/// Nothing is held any more.
pub(crate) fn clear(layout: &Layout) -> anyhow::Result<()> {
    remove(&layout.held_dir())
}

/// Only a platform that is up has parts to hold, and only those that it has.
pub(super) fn check(layout: &Layout, names: &[String]) -> anyhow::Result<()> {
    let state = State::read(layout);
    if Lock::supervisor(layout).is_none() || state.phase != Phase::Ready {
        let what = "no platform is up here: there is no part to stop or start";
        return Err(Failure::unhealthy(what).next("lxp local status").into());
    }
    let known = |name: &&String| state.processes.iter().any(|process| process.name == **name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all = state.processes.iter().map(|process| &*process.name).collect::<Vec<_>>();
        return Err(
            Failure::usage(format!("no process `{unknown}`: there are {}", all.join(" "))).into()
        );
    }
    Ok(())
}

fn ask(layout: &Layout, names: &[String], what: &str) -> anyhow::Result<()> {
    make_dir(&layout.held_dir(), 0o700)?;
    names.iter().try_for_each(|name| {
        write_private(&layout.held(name), what.as_bytes())
            .with_context(|| format!("{name} cannot be asked to stop"))
    })
}

/// Waits until all of them are as wanted; answers those that are not in time.
async fn wait(
    layout: &Layout,
    names: &[String],
    within: Duration,
    is_wanted: impl Fn(&Process) -> bool,
) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let state = State::read_now(layout);
        let wanted =
            |name: &String| state.processes.iter().any(|p| p.name == *name && is_wanted(p));
        let left: Vec<String> = names.iter().filter(|name| !wanted(name)).cloned().collect();
        if left.is_empty() || begun.elapsed() > within {
            return left;
        }
        sleep(LOOK_EVERY).await;
    }
}
