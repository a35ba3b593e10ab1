//! `up -d`: starts the supervisor in a session of its own, so that neither Ctrl-C nor the end of the terminal
//! reaches it, and waits until it is up or has failed.

use std::fs::OpenOptions;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::{Child, Command};

use super::layout::Layout;
use super::lock::Lock;
use super::report;
use super::up::Up;
use crate::failure::{Exit, Failure};

/// Starts it and says what became of it.
pub(crate) async fn start(layout: &Layout, up: &Up) -> anyhow::Result<()> {
    layout.make()?;
    let mut child = spawn(layout, up)?;
    let state = tokio::select! {
        state = settled(layout, &mut child) => state?,
        _ = tokio::signal::ctrl_c() => {
            let what = "it goes on starting in the background";
            return Err(Failure::new(Exit::TimedOut, what).next("lxp local down stops it").into());
        }
    };
    report::print_ready(layout, &state);
    Ok(())
}

async fn settled(layout: &Layout, child: &mut Child) -> anyhow::Result<super::state::State> {
    // Until the child has the lock there is nothing to look at but itself.
    while Lock::supervisor(layout).is_none() {
        if child.try_wait()?.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    report::wait_until_settled(layout).await
}

fn spawn(layout: &Layout, up: &Up) -> anyhow::Result<Child> {
    let path = layout.log("supervisor");
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let mut command = Command::new("setsid");
    command.arg(std::env::current_exe().context("the path of `lxp` is not known")?);
    command.args(["local", "up", "--background", "--data-dir"]).arg(layout.root());
    let numbers = [
        ("--shards", up.shards.map(u16::from)),
        ("--nodes-per-shard", up.nodes_per_shard.map(u16::from)),
        ("--port", up.port),
        ("--control-port", up.control_port),
    ];
    for (option, number) in numbers {
        if let Some(number) = number {
            command.arg(option).arg(number.to_string());
        }
    }
    if up.ephemeral {
        command.arg("--ephemeral");
    }
    command.stdin(Stdio::null()).stdout(Stdio::from(log.try_clone()?)).stderr(Stdio::from(log));
    command.spawn().context("`setsid` (Debian package util-linux) is needed")
}
