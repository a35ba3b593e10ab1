//! `lxp`: the one command, for a platform on this machine and for those who run one elsewhere.
//!
//! What must stay true:
//! - stdout carries the answer alone; everything else that is said goes to stderr.
//! - Exit codes: 0 ok, 2 usage, 3 refused by a check, 4 timed out but still running, 5 unhealthy, 1 anything else.
//! - Everything runs on the main thread: children of `local up` get their parent-death signal when the *thread*
//!   that started them ends.

#[cfg(test)]
mod answers;
mod api;
mod audit;
mod changing;
mod connection;
mod doctor;
mod failure;
mod institution;
mod jobs;
mod load;
mod local;
mod map;
mod migrate;
mod moves;
mod node;
mod output;
mod rebalance;
mod schedule;
mod shard;
mod token;
mod top;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::failure::Failure;

/// The learning platform's command.
#[derive(Debug, Parser)]
#[command(name = "lxp", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A whole platform on this machine.
    #[command(subcommand)]
    Local(local::Local),
    /// Institutions: the tenants.
    #[command(subcommand)]
    Institution(institution::Command),
    /// Shards: databases with what belongs to them.
    #[command(subcommand)]
    Shard(shard::Command),
    /// Nodes: the processes that serve shards.
    #[command(subcommand)]
    Node(node::Command),
    /// Moves of institutions from shard to shard.
    #[command(subcommand)]
    Move(moves::Command),
    /// Plans that bring institutions where pins and the ring want them.
    #[command(subcommand)]
    Rebalance(rebalance::Command),
    /// Background work of an institution: what waits, what failed and why.
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Who did what in an institution, and whether that is what was written.
    #[command(subcommand)]
    Audit(audit::Command),
    /// What an institution does by the calendar.
    #[command(subcommand)]
    Schedule(schedule::Command),
    /// The shard map, as routers get it.
    #[command(subcommand)]
    Map(map::Command),
    /// Tokens of the API, signed by the local platform's key.
    #[command(subcommand)]
    Token(token::Command),
    /// Migrations of the control plane's database and of the shards'.
    #[command(subcommand)]
    Migrate(migrate::Command),
    /// Real data into a platform, through its public API.
    #[command(subcommand)]
    Load(load::Command),
    /// What is wrong on a platform, and what to do about it.
    Doctor(doctor::Doctor),
    /// Shards, nodes and moves with their load.
    Top(top::Top),
    /// A script that completes this command: source <(lxp completion bash)
    Completion { shell: Shell },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    service_kit::tls::install_provider();
    match run(&cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::of(&error);
            output::say(&format!("error: {failure}"));
            ExitCode::from(failure.exit().code())
        }
    }
}

async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Local(local) => local::run(local).await,
        Command::Institution(institution) => institution::run(institution).await,
        Command::Shard(shard) => shard::run(shard).await,
        Command::Node(node) => node::run(node).await,
        Command::Move(moves) => moves::run(moves).await,
        Command::Rebalance(rebalance) => rebalance::run(rebalance).await,
        Command::Jobs(jobs) => jobs::run(jobs).await,
        Command::Audit(audit) => audit::run(audit).await,
        Command::Schedule(schedule) => schedule::run(schedule).await,
        Command::Map(map) => map::run(map).await,
        Command::Token(token) => token::run(token),
        Command::Migrate(migrate) => migrate::run(migrate).await,
        Command::Load(load) => load::run(load).await,
        Command::Doctor(doctor) => doctor::run(doctor).await,
        Command::Top(top) => top::run(top).await,
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "lxp", &mut script);
            output::print(&String::from_utf8_lossy(&script))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
