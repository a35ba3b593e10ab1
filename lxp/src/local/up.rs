//! `lxp local up`: becomes the supervisor of a platform, or starts one in the background.
//!
//! What must stay true:
//! - Only the holder of the lock changes anything; a second `up` says what runs and ends well.
//! - Whatever goes wrong at the start, everything that was started is stopped before the command ends.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

use super::add_shard;
use super::child::say;
use super::fleet::Fleet;
use super::hold;
use super::layout::{DATA_DIR, Layout};
use super::lock::{Lock, Taken};
use super::platform::{Asked, Platform};
use super::state::{Board, Phase, Size, State, millis};
use super::{detach, report};
use crate::failure::Failure;
use crate::output;
use crate::output::progress::Progress;

/// Names are letters: shard-a to shard-z.
pub(crate) const MAX_SHARDS: i64 = 26;
pub(crate) const MAX_NODES: i64 = 16;

/// How often the progress is shown anew.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// `lxp local up`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Up {
    /// Shards, each a Postgres with a replica and a Redis Cluster [default: as before, else 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=MAX_SHARDS))]
    pub(crate) shards: Option<u8>,
    /// Nodes that serve each shard [default: as before, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=MAX_NODES))]
    pub(crate) nodes_per_shard: Option<u8>,
    /// Do not wait for the disk: faster, and data may be lost when the machine crashes. For tests.
    #[arg(long)]
    pub(crate) ephemeral: bool,
    /// Run in the background; `lxp local down` stops it.
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// The API's port; 0 takes any free one [default: 8080, else the next free one]
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// The control plane's port; 0 takes any free one [default: 8090, else the next free one]
    #[arg(long, value_name = "PORT")]
    pub(crate) control_port: Option<u16>,
    /// Where data, logs and secrets lie.
    #[arg(long, value_name = "DIR", default_value = DATA_DIR)]
    pub(crate) data_dir: PathBuf,
    /// Set by `-d` on the process that it starts.
    #[arg(long, hide = true)]
    pub(crate) background: bool,
}

/// Runs the command.
pub(crate) async fn run(up: &Up) -> anyhow::Result<()> {
    let layout = Layout::at(&up.data_dir)?;
    if Lock::supervisor(&layout).is_some() {
        return already_up(&layout, up).await;
    }
    if up.detach {
        return detach::start(&layout, up).await;
    }
    layout.make()?;
    match Lock::take(&layout)? {
        Taken::Theirs => already_up(&layout, up).await,
        Taken::Ours(lock) => Box::pin(supervise(&layout, up, lock)).await,
    }
}

async fn already_up(layout: &Layout, up: &Up) -> anyhow::Result<()> {
    let state = report::wait_until_settled(layout).await?;
    output::say("Already up: nothing was changed (`lxp local down` stops it)");
    let asked = (up.shards, up.nodes_per_shard);
    if let Some(size) = state.size {
        let shards = add_shard::all(layout, size, &add_shard::read(layout)?).len();
        if asked.0.is_some_and(|n| n != size.shards && usize::from(n) != shards)
            || asked.1.is_some_and(|n| n != size.nodes_per_shard)
        {
            let what = format!(
                "it has {shards} shards with {} nodes each, and that is not changed while it runs",
                size.nodes_per_shard
            );
            let next = "lxp local add-shard; or lxp local down, then the same command";
            return Err(Failure::refused(what).next(next).into());
        }
    }
    for process in state.processes.iter().filter(|process| process.held) {
        let name = &process.name;
        output::say(&format!("{name} is held down: `lxp local start {name}` brings it back"));
    }
    report::print_ready(layout, &state);
    Ok(())
}

/// Starts everything, stays as its parent until it is told to end, stops everything.
async fn supervise(layout: &Layout, up: &Up, lock: Lock) -> anyhow::Result<()> {
    let begun = Instant::now();
    let stops = count_signals()?;
    let before = State::read(layout);
    let size = size_of(&before, up);
    super::down::end_leftovers(&before).await;
    hold::clear(layout)?;
    let board = Board::new(layout, fresh_state(before));
    // From now on who waits for us reads our state and not that of an earlier supervisor.
    board.change(|_| ());
    let fleet = Fleet::new(board.clone());
    let start = async {
        let asked = Asked { port: up.port, control_port: up.control_port };
        let size = size?;
        let platform = Platform::plan(layout, &board, &fleet, size, asked)?;
        // From here on there is data of this size.
        board.change(|state| state.size = Some(size));
        platform.start().await?;
        anyhow::Ok(platform)
    };
    let mut stopping = stops.clone();
    let started = tokio::select! {
        started = with_progress(&board, start) => started,
        _ = stopping.wait_for(|count| *count > 0) => Err(stopped_early()),
    };
    if let Ok(platform) = &started {
        board.change(|state| {
            state.phase = Phase::Ready;
            state.ready_in_ms = Some(millis(begun.elapsed()));
        });
        report::print_ready(layout, &board.snapshot());
        if !up.background {
            output::say("Ctrl-C stops it");
        }
        // The sender lives in a task that ends with the process.
        tokio::select! {
            _ = stopping.wait_for(|count| *count > 0) => {}
            never = fleet.obey(layout) => match never {},
            never = add_shard::obey(layout, platform) => match never {},
        }
        say("stopping; once more to hurry");
    }
    board.change(|state| state.phase = Phase::Stopping);
    fleet.stop(hurry(stops)).await;
    let failure = started.err().map(|error| Failure::of(&error));
    board.change(|state| {
        state.phase = if failure.is_some() { Phase::Failed } else { Phase::Stopped };
        state.failure.clone_from(&failure);
    });
    drop(lock);
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    say("stopped");
    Ok(())
}

/// As asked, else as before, else the usual. Shards hold data: they are not left out by a smaller number.
fn size_of(before: &State, up: &Up) -> anyhow::Result<Size> {
    let was = before.size;
    let shards = up.shards.or(was.map(|size| size.shards)).unwrap_or(2);
    if let Some(was) = was.filter(|was| was.shards > shards) {
        let what =
            format!("{} shards have data here, and {shards} would leave some out", was.shards);
        return Err(Failure::refused(what)
            .next("lxp local up without --shards, or `lxp local down --purge` to begin anew")
            .into());
    }
    let nodes_per_shard = up.nodes_per_shard.or(was.map(|size| size.nodes_per_shard)).unwrap_or(1);
    Ok(Size { shards, nodes_per_shard, ephemeral: up.ephemeral })
}

fn fresh_state(before: State) -> State {
    State {
        supervisor: std::process::id(),
        phase: Phase::Starting,
        size: before.size,
        ports: before.ports,
        institution: before.institution,
        ..State::default()
    }
}

async fn with_progress<T>(board: &Board, work: impl Future<Output = T>) -> T {
    let mut progress = Progress::new();
    let show = async {
        loop {
            progress.show(&board.snapshot());
            sleep(SHOW_EVERY).await;
        }
    };
    let answer = tokio::select! {
        answer = work => answer,
        () = show => unreachable!("it shows until the work is done"),
    };
    progress.show(&board.snapshot());
    progress.finish();
    answer
}

fn stopped_early() -> anyhow::Error {
    Failure::refused("stopped before it was up; everything that was started is stopped").into()
}

/// Counts the signals that ask to stop: Ctrl-C, `kill`, a closed terminal.
fn count_signals() -> anyhow::Result<watch::Receiver<u32>> {
    let (sender, receiver) = watch::channel(0);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            sender.send_modify(|count| *count += 1);
        }
    });
    Ok(receiver)
}

/// Becomes true at the second signal.
fn hurry(mut stops: watch::Receiver<u32>) -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    let asked = (*stops.borrow()).max(1);
    tokio::spawn(async move {
        if stops.wait_for(|count| *count > asked).await.is_ok() {
            sender.send_replace(true);
        }
    });
    receiver
}
