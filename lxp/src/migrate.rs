//! `lxp migrate`: which migrations the shards' databases have, and the request to apply what is missing.
//!
//! The control plane applies them, as the shard's owner; its own database it migrates when it starts.

use std::time::Duration;

use clap::Subcommand;
use control_api::{ControlClient, Shard};
use shard_map::ShardId;
use tokio::time::{Instant, sleep};

use crate::connection::{Connection, explain};
use crate::failure::{Exit, Failure};
use crate::output::{Read, View};

const APPLIED_WITHIN: Duration = Duration::from_mins(2);
const ASK_EVERY: Duration = Duration::from_millis(200);

/// `lxp migrate`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What each shard's database has and what it is to have.
    Status {
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
        Command::Status { read, connection } => {
            let client = connection.client()?;
            let fetch = || async {
                let shards = client.shards().await.map_err(explain)?;
                let header = ["DATABASE", "APPLIED", "WANTED", "STATE", "ERROR"];
                let json =
                    serde_json::json!({"items": shards.items.iter().map(json).collect::<Vec<_>>()});
                View::list(&json, &header, shards.items.iter().map(row), "no shards")
            };
            read.show(fetch).await
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
            eprintln!("{}: nothing to apply, at {}", shard.id, shard.schema_wanted);
            continue;
        }
        client.migrate_shard(&shard.id).await.map_err(explain)?;
        let migrated = wait(client, &shard.id).await?;
        eprintln!("{}: applied, at {}", migrated.id, migrated.schema_wanted);
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

fn json(shard: &Shard) -> serde_json::Value {
    serde_json::json!({
        "database": shard.id,
        "applied": shard.schema_version,
        "wanted": shard.schema_wanted,
        "state": word(shard),
        "error": shard.last_error,
    })
}

fn row(shard: &Shard) -> Vec<String> {
    vec![
        shard.id.to_string(),
        shard.schema_version.map_or_else(|| "-".to_owned(), |version| version.to_string()),
        shard.schema_wanted.to_string(),
        word(shard).to_owned(),
        shard.last_error.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

fn word(shard: &Shard) -> &'static str {
    if is_current(shard) { "current" } else { "pending" }
}
