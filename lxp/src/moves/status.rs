//! `lxp move status`: one move, or all that are under way.

use chrono::TimeDelta;
use clap::Args;
use control_api::{List, Move, MoveQuery};

use super::find::{self, Slugs};
use super::{view, watch};
use crate::connection::{Connection, explain};
use crate::output::{Format, print, say};

const MOVES_MAX: i64 = 200;

/// `lxp move status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// A move by its id or short name, or an institution by id or slug: its last one [default: all that are under way]
    #[arg(value_name = "MOVE|INSTITUTION")]
    named: Option<String>,
    /// Show what changes, until it has ended.
    #[arg(short, long)]
    watch: bool,
    /// With --watch: stop watching after this long, such as 10m; the move goes on.
    #[arg(long, value_parser = crate::token::parse_ttl, requires = "watch")]
    timeout: Option<TimeDelta>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(super) async fn run(status: &Status) -> anyhow::Result<()> {
    let client = status.connection.client()?;
    let named = match &status.named {
        Some(named) => Some(find::one(&client, named).await?),
        None => None,
    };
    if status.watch {
        let only = named.map(|it| it.id);
        return watch::until_ended(&client, only, status.output, status.timeout).await;
    }
    if let Some(it) = named {
        let slugs = find::slugs(&client, std::slice::from_ref(&it)).await?;
        return print(&text(&it, &slugs, status.output)?);
    }
    let query = MoveQuery { active: true, limit: Some(MOVES_MAX), ..MoveQuery::default() };
    let moves = client.moves(&query).await.map_err(explain)?;
    let slugs = find::slugs(&client, &moves.items).await?;
    print(&texts(&moves, &slugs, status.output)?)
}

/// A move as it is printed.
pub(super) fn text(it: &Move, slugs: &Slugs, output: Format) -> anyhow::Result<String> {
    Ok(match output {
        Format::Json => format!("{}\n", serde_json::to_string(it)?),
        Format::Table => view::block(it, &slugs.of(it), service_kit::clock::now()),
    })
}

fn texts(moves: &List<Move>, slugs: &Slugs, output: Format) -> anyhow::Result<String> {
    if output == Format::Json {
        return Ok(format!("{}\n", serde_json::to_string(moves)?));
    }
    if moves.items.is_empty() {
        say("no move is under way; `lxp move list` shows those that have ended");
    }
    let blocks = moves.items.iter().map(|it| text(it, slugs, output));
    Ok(blocks.collect::<anyhow::Result<Vec<_>>>()?.join("\n"))
}
