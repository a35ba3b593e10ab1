//! `lxp migrate`: which migrations the databases have, and the request to apply what is missing on shards.
//!
//! The control plane applies them, as the shard's owner; its own database it migrates when it starts.

use std::cell::Cell;
use std::str::FromStr as _;
use std::time::Duration;

use clap::Subcommand;
use control_api::{ControlClient, List, Shard};
use serde::Serialize;
use shard_map::ShardId;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{Instant, sleep, timeout};

use crate::connection::{Connection, explain};
use crate::failure::{Exit, Failure};
use crate::output::{self, Read, View};

const APPLIED_WITHIN: Duration = Duration::from_mins(2);
const ASK_WITHIN: Duration = Duration::from_secs(5);
const ASK_EVERY: Duration = Duration::from_millis(200);

/// The migrations of the control plane's database that came with this build.
static CONTROL: Migrator = sqlx::migrate!("../migrations/control-plane");

/// `lxp migrate`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What the control plane's database and each shard's have, and what they are to have.
    Status {
        /// The control plane's database [default: that of the local platform in .lxp, here or above]
        #[arg(long, env = "LXP_CONTROL_DATABASE_URL", value_name = "DSN", hide_env_values = true)]
        database_url: Option<String>,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        connection: Connection,
    },
    /// Apply what is missing, and wait until it is done.
    Apply {
        /// Only this shard [default: all]
        #[arg(long)]
        shard: Option<ShardId>,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Status { database_url, read, connection } => {
            let client = connection.client()?;
            let control = control_database(database_url.as_ref(), connection)?;
            let unreachable = Cell::new(false);
            read.show(|| status(&client, control.as_deref(), &unreachable)).await?;
            if unreachable.get() {
                let what = "a database cannot be asked what it has";
                return Err(Failure::unhealthy(what).next("lxp local status").into());
            }
            Ok(())
        }
        Command::Apply { shard, connection } => apply(&connection.client()?, shard.as_ref()).await,
    }
}

async fn apply(client: &ControlClient, only: Option<&ShardId>) -> anyhow::Result<()> {
    let shards = match only {
        Some(shard) => vec![client.shard(shard).await.map_err(explain)?],
        None => client.shards().await.map_err(explain)?.items,
    };
    for shard in shards {
        if is_current(&shard) {
            output::say(&format!("{}: nothing to apply, at {}", shard.id, shard.schema_wanted));
            continue;
        }
        client.migrate_shard(&shard.id).await.map_err(explain)?;
        let migrated = wait(client, &shard.id).await?;
        output::say(&format!("{}: applied, at {}", migrated.id, migrated.schema_wanted));
    }
    Ok(())
}

async fn wait(client: &ControlClient, id: &ShardId) -> anyhow::Result<Shard> {
    let begun = Instant::now();
    loop {
        let shard = client.shard(id).await.map_err(explain)?;
        if is_current(&shard) {
            return Ok(shard);
        }
        if begun.elapsed() > APPLIED_WITHIN {
            let why = shard.last_error.as_deref().unwrap_or("it is still at work");
            let what = format!("{id}: not migrated after {} s: {why}", APPLIED_WITHIN.as_secs());
            return Err(Failure::new(Exit::TimedOut, what).next("lxp migrate status -w").into());
        }
        sleep(ASK_EVERY).await;
    }
}

fn is_current(shard: &Shard) -> bool {
    shard.schema_version == Some(shard.schema_wanted)
}

/// What a database has and what it is to have.
#[derive(Debug, Serialize)]
struct Database {
    #[serde(rename = "database")]
    name: String,
    applied: Option<i64>,
    wanted: i64,
    state: &'static str,
    error: Option<String>,
}

impl Database {
    fn new(name: String, applied: Option<i64>, wanted: i64, error: Option<String>) -> Self {
        let state = match applied {
            Some(applied) if applied == wanted => "current",
            None if error.is_some() => "unreachable",
            _ => "pending",
        };
        Self { name, applied, wanted, state, error }
    }

    fn of_shard(shard: Shard) -> Self {
        Self::new(shard.id.to_string(), shard.schema_version, shard.schema_wanted, shard.last_error)
    }

    /// The control plane's own, asked directly: what this build has, against what is there.
    async fn of_control(dsn: &str) -> Self {
        let wanted = CONTROL.iter().map(|migration| migration.version).max().unwrap_or_default();
        let applied = timeout(ASK_WITHIN, newest(dsn)).await;
        let (applied, error) = match applied {
            Ok(Ok(applied)) => (applied, None),
            Ok(Err(error)) => (None, Some(error.to_string())),
            Err(_) => (None, Some(format!("no answer within {} s", ASK_WITHIN.as_secs()))),
        };
        Self::new("control".to_owned(), applied, wanted, error)
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.applied.map_or_else(|| "-".to_owned(), |version| version.to_string()),
            self.wanted.to_string(),
            self.state.to_owned(),
            self.error.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    }
}

async fn newest(dsn: &str) -> sqlx::Result<Option<i64>> {
    let mut connection = PgConnection::connect(dsn).await?;
    let newest = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success");
    let newest = newest.fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(newest)
}

async fn status(
    client: &ControlClient,
    control: Option<&str>,
    unreachable: &Cell<bool>,
) -> anyhow::Result<View> {
    let mut items = Vec::new();
    if let Some(dsn) = control {
        items.push(Database::of_control(dsn).await);
    } else {
        output::say("without --database-url the control plane's own database is left out");
    }
    items.extend(client.shards().await.map_err(explain)?.items.into_iter().map(Database::of_shard));
    let header = ["DATABASE", "APPLIED", "WANTED", "STATE", "ERROR"];
    unreachable.set(items.iter().any(|database| database.state == "unreachable"));
    let rows: Vec<_> = items.iter().map(Database::row).collect();
    View::list(&List { items }, &header, rows, "no databases")
}

/// The named database, else that of the local platform if that is whom we speak to.
fn control_database(
    named: Option<&String>,
    connection: &Connection,
) -> anyhow::Result<Option<String>> {
    if let Some(named) = named {
        if PgConnectOptions::from_str(named).is_err() {
            let what = "--database-url is not understood";
            let next = "postgres://user:password@host:port/database is expected";
            return Err(Failure::usage(what).next(next).into());
        }
        return Ok(Some(named.clone()));
    }
    let Some(state) = connection.local()? else { return Ok(None) };
    let process = state.processes.into_iter().find(|process| process.name == "control-postgres");
    Ok(process.and_then(|process| process.admin_url))
}
