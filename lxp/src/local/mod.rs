//! `lxp local`: a whole platform on this machine, as children of one supervisor.
//!
//! What must stay true:
//! - Nothing outlives the supervisor, however it ends: it is the parent of every process, and the kernel tells
//!   each child when it dies.
//! - All that is kept lies in the data directory, and `down --purge` leaves nothing of it.
//! - Everything listens on loopback alone, by password or token.
//!
//! Left alone on purpose: other machines. What runs in production is in deploy/.

mod account;
mod add_shard;
mod bootstrap;
mod child;
mod demo;
mod detach;
mod down;
mod env;
mod fleet;
mod hold;
pub(crate) mod layout;
mod lock;
mod logs;
mod platform;
mod ports;
mod postgres;
mod probe;
mod redis;
mod register;
mod report;
pub(crate) mod secrets;
pub(crate) mod services;
pub(crate) mod state;
mod status;
mod up;

use clap::Subcommand;

/// The platform on this machine.
#[derive(Debug, Subcommand)]
pub(crate) enum Local {
    /// Start it; Ctrl-C stops it.
    Up(up::Up),
    /// Stop it; data is kept unless --purge.
    Down(down::Down),
    /// Add a shard while it runs; it is there again at each `up`.
    AddShard(add_shard::AddShard),
    /// Hold parts of it down; their ports and data are kept.
    Stop(hold::Stop),
    /// Bring back what was stopped.
    Start(hold::Start),
    /// Start parts of it anew; a router is replaced without a failed request.
    Restart(hold::Restart),
    /// Its processes.
    Status(status::Status),
    /// What they say.
    Logs(logs::Logs),
    /// Lines for a shell: eval "$(lxp local env)"
    Env(env::Env),
}

/// Runs the command.
pub(crate) async fn run(local: &Local) -> anyhow::Result<()> {
    match local {
        Local::Up(up) => up::run(up).await,
        Local::Down(down) => down::run(down).await,
        Local::AddShard(add) => add_shard::run(add).await,
        Local::Stop(stop) => hold::stop(stop).await,
        Local::Start(start) => hold::start(start).await,
        Local::Restart(restart) => hold::restart(restart).await,
        Local::Status(status) => status::run(status).await,
        Local::Logs(logs) => logs::run(logs).await,
        Local::Env(env) => env::run(env),
    }
}
