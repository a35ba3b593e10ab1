//! One process of the platform: how it is started, how it is asked whether it serves, how it is stopped; and the
//! task that keeps it running.
//!
//! What must stay true:
//! - A child that never served is a failure of the start and is not started again; one that served is started
//!   again for as long as the platform runs, after a pause that grows to 5 s.
//! - A child that is to be replaced serves until its successor does: that one takes its listeners and sends it away.
//! - A child that is held by hand stays down until it is let go; then it starts at once.
//! - An order to stop is carried out in whatever state the child is, also while it waits to be started again.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::sleep;

use super::account::Account;
use super::probe::Probe;
use super::state::{Board, Process, UpDown, started_ticks};
use crate::output;

/// A log that is longer when its process starts is put aside as `.log.1`, in bytes.
const LOG_MAX_BYTES: u64 = 32 * 1024 * 1024;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often a child that serves is asked whether it still does.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Questions in a row without an answer after which it is shown as down.
const MISSES_MAX: u32 = 3;

/// After serving this long a process is as good as new: its next pause is the first one.
const STEADY_AFTER: Duration = Duration::from_secs(30);

/// A process of the platform and how to run it.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    /// What stands in the state; pid and `up` are filled in as it runs.
    pub(crate) process: Process,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) account: Account,
    /// Whether it gets our environment, or a bare one.
    pub(crate) inherit_env: bool,
    pub(crate) log: PathBuf,
    pub(crate) probe: Probe,
    /// Asks it to end and finish what it does; also sent when the supervisor dies.
    pub(crate) stop: Signal,
    /// Ends it at once, without losing data.
    pub(crate) quit: Signal,
}

/// What the supervisor wants of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    Run,
    /// Start a second one, which takes over from the first.
    Replace,
    /// End, and wait to be started again.
    Hold,
    /// The same, at once.
    HoldNow,
    Stop,
    Quit,
    Kill,
}

/// How far a child got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Life {
    Starting,
    Up,
    /// It ended before it ever served: why.
    Failed(String),
}

/// Runs a child until it is told to stop; the end of this future is the end of the process.
pub(crate) async fn keep(
    spec: Spec,
    board: Board,
    mut orders: watch::Receiver<Order>,
    life: watch::Sender<Life>,
) {
    let mut pause = FIRST_PAUSE;
    while may_run(&spec, &board, &mut orders).await {
        let begun = Instant::now();
        let end = run_once(&spec, &board, &mut orders, &life).await;
        board.process(&spec.process.name, |process| {
            process.pid = None;
            process.state = UpDown::Down;
        });
        if !matches!(*orders.borrow(), Order::Run | Order::Replace) {
            pause = FIRST_PAUSE;
            continue;
        }
        if *life.borrow() == Life::Starting {
            life.send_replace(Life::Failed(end));
            return;
        }
        pause = if begun.elapsed() > STEADY_AFTER { FIRST_PAUSE } else { pause };
        say(&format!(
            "{} {end}; it is started again in {} ms",
            spec.process.name,
            pause.as_millis()
        ));
        tokio::select! {
            () = sleep(pause) => {}
            _ = orders.changed() => continue,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
        board.process(&spec.process.name, |process| process.restarts += 1);
    }
}

/// Waits while the child is held; false when it shall end for good.
async fn may_run(spec: &Spec, board: &Board, orders: &mut watch::Receiver<Order>) -> bool {
    let name = &spec.process.name;
    loop {
        let order = *orders.borrow_and_update();
        match order {
            Order::Run | Order::Replace => {
                board.process(name, |process| process.held = false);
                return true;
            }
            Order::Hold | Order::HoldNow => {
                board.process(name, |process| process.held = true);
                say(&format!("{name} is held down"));
            }
            Order::Stop | Order::Quit | Order::Kill => return false,
        }
        if orders.changed().await.is_err() {
            return false;
        }
    }
}

/// Starts the child and waits for its end; answers how it ended.
async fn run_once(
    spec: &Spec,
    board: &Board,
    orders: &mut watch::Receiver<Order>,
    life: &watch::Sender<Life>,
) -> String {
    let mut child = match spawn(spec) {
        Ok(child) => child,
        Err(error) => return format!("cannot be started: {error:#}"),
    };
    note_pid(spec, board, &child);
    let mut successor: Option<Child> = None;
    let watched = watch(spec, board, life);
    tokio::pin!(watched);
    loop {
        tokio::select! {
            status = child.wait() => match successor.take() {
                Some(next) => {
                    child = next;
                    note_pid(spec, board, &child);
                }
                None => return ended(status),
            },
            status = end_of(&mut successor) => {
                say(&format!("the successor of {} {}: it serves on", spec.process.name, ended(status)));
                successor = None;
            }
            never = &mut watched => match never {},
            changed = orders.changed() => {
                let order = if changed.is_ok() { *orders.borrow() } else { Order::Kill };
                if order == Order::Replace && successor.is_none() {
                    successor = spawn(spec).inspect_err(|error| say(&format!("{error:#}"))).ok();
                }
                for child in [Some(&child), successor.as_ref()].into_iter().flatten() {
                    signal(child, spec, order);
                }
                if changed.is_err() {
                    if successor.is_some() {
                        // Killed, as the other one: its end is waited for, whatever it is.
                        let _ = end_of(&mut successor).await;
                    }
                    return ended(child.wait().await);
                }
            }
        }
    }
}

fn note_pid(spec: &Spec, board: &Board, child: &Child) {
    let pid = child.id();
    board.process(&spec.process.name, |process| {
        process.pid = pid;
        process.started_ticks = pid.and_then(started_ticks);
    });
}

/// How a child ends; never, where there is none.
async fn end_of(child: &mut Option<Child>) -> std::io::Result<ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => std::future::pending().await,
    }
}

/// Says on the board whether the child serves, for as long as it is polled. One that runs and does not answer (it
/// hangs, or was frozen) is down, too.
async fn watch(spec: &Spec, board: &Board, life: &watch::Sender<Life>) -> Infallible {
    let name = &spec.process.name;
    loop {
        spec.probe.until_ready().await;
        board.process(name, |process| process.state = UpDown::Up);
        if life.send_replace(Life::Up) == Life::Up {
            say(&format!("{name} serves again"));
        }
        let mut misses = 0;
        while misses < MISSES_MAX {
            sleep(ASK_EVERY).await;
            misses = if spec.probe.answers().await { 0 } else { misses + 1 };
        }
        board.process(name, |process| process.state = UpDown::Down);
        say(&format!("{name} runs, but does not answer"));
    }
}

fn spawn(spec: &Spec) -> anyhow::Result<Child> {
    let overlong = std::fs::metadata(&spec.log).is_ok_and(|log| log.len() > LOG_MAX_BYTES);
    if overlong {
        std::fs::rename(&spec.log, spec.log.with_extension("log.1"))?;
    }
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&spec.log)
        .with_context(|| format!("cannot write {}", spec.log.display()))?;
    let mut command = spec.account.command(&spec.program, spec.stop);
    if !spec.inherit_env {
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8");
    }
    command.args(&spec.args).stderr(Stdio::from(log.try_clone()?)).stdout(Stdio::from(log));
    command.spawn().context("`setpriv` (Debian package util-linux) is needed")
}

fn signal(child: &Child, spec: &Spec, order: Order) {
    let signal = match order {
        Order::Run | Order::Replace => return,
        Order::Hold | Order::Stop => spec.stop,
        Order::Quit => spec.quit,
        Order::HoldNow | Order::Kill => Signal::SIGKILL,
    };
    // The id is the child's until it has been waited for; a child that is gone needs no signal.
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

fn ended(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => format!("ended ({status})"),
        Err(error) => format!("ended, how is not known ({error})"),
    }
}

/// Says something in the supervisor's own log, or on its terminal.
pub(crate) fn say(what: &str) {
    output::say(&format!("{} {what}", service_kit::clock::now().format("%H:%M:%S")));
}
