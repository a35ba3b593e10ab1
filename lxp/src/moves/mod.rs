//! `lxp move`: an institution changes its shard while it works.

pub(crate) mod find;
mod start;
mod status;
pub(crate) mod view;
mod watch;

use clap::{Args, Subcommand};
use control_api::MoveQuery;

use crate::connection::{self, Connection, explain};
use crate::output::confirm::Confirm;
use crate::output::{Format, Read, View, print};

const HEADER: [&str; 10] =
    ["MOVE", "INSTITUTION", "FROM", "TO", "PHASE", "ROWS", "PAUSE", "STARTED", "TOOK", "BY"];

/// `lxp move`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Move an institution to another shard: shown as a plan, confirmed, then begun.
    Start(start::Start),
    /// How far moves are, and what comes next.
    Status(status::Status),
    /// Moves, the newest first.
    List(ListMoves),
    /// Give one up that is not committed: its institution stays where it is.
    Cancel(Cancel),
}

/// `lxp move list`.
#[derive(Debug, Args)]
pub(crate) struct ListMoves {
    /// Only this institution's, by id or slug.
    #[arg(long)]
    institution: Option<String>,
    /// Only those under way.
    #[arg(long)]
    active: bool,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=200))]
    limit: i64,
    #[command(flatten)]
    read: Read,
    #[command(flatten)]
    connection: Connection,
}

/// `lxp move cancel`.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// A move by its id or short name, or an institution by id or slug.
    #[arg(value_name = "MOVE|INSTITUTION")]
    named: String,
    #[command(flatten)]
    confirm: Confirm,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Start(start) => start::run(start).await,
        Command::Status(status) => status::run(status).await,
        Command::List(list) => show(list).await,
        Command::Cancel(cancel) => give_up(cancel).await,
    }
}

async fn show(list: &ListMoves) -> anyhow::Result<()> {
    let client = list.connection.client()?;
    let institution = match &list.institution {
        Some(named) => Some(connection::institution(&client, named).await?),
        None => None,
    };
    let query = MoveQuery { institution, active: list.active, limit: Some(list.limit) };
    let fetch = || async {
        let moves = client.moves(&query).await.map_err(explain)?;
        let slugs = find::slugs(&client, &moves.items).await?;
        let now = service_kit::clock::now();
        let rows = moves.items.iter().map(|it| view::row(it, &slugs.of(it), now));
        View::list(&moves, &HEADER, rows, "no moves")
    };
    list.read.show(fetch).await
}

async fn give_up(cancel: &Cancel) -> anyhow::Result<()> {
    let client = cancel.connection.client()?;
    let it = find::one(&client, &cancel.named).await?;
    let slugs = find::slugs(&client, std::slice::from_ref(&it)).await?;
    let plan = format!(
        "{} of {}: {} -> given up; it stays on {}",
        it.short(),
        slugs.of(&it),
        it.phase,
        it.from
    );
    cancel.confirm.ask(&plan)?;
    let it = client.cancel_move(it.id).await.map_err(explain)?;
    print(&status::text(&it, &slugs, cancel.output)?)
}
