//! `lxp shard`: what institutions live on.

mod show;

use clap::Subcommand;
use control_api::{Dsn, NewShard, Shard, ShardPostgres};
use shard_map::ShardId;

use crate::connection::{Connection, explain};
use crate::output::{Read, View};

const HEADER: [&str; 6] = ["ID", "STATE", "WEIGHT", "INSTITUTIONS", "MIGRATION", "ERROR"];

/// `lxp shard`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List them.
    List {
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        connection: Connection,
    },
    /// One of them.
    Show {
        shard: ShardId,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        connection: Connection,
    },
    /// Add one: it is migrated, and takes institutions once a node of it is ready.
    Add {
        /// 1 to 63 of a-z, 0-9 and -, beginning with a letter.
        shard: ShardId,
        /// Its primary, as `postgres://lxp_owner:PASSWORD@HOST:5432/lxp`.
        #[arg(long, env = "LXP_SHARD_POSTGRES", value_name = "DSN", hide_env_values = true)]
        postgres: String,
        /// A replica; may be repeated.
        #[arg(long, value_name = "DSN")]
        replica: Vec<String>,
        /// A node of its Redis Cluster, `redis://HOST:PORT`; may be repeated.
        #[arg(long, value_name = "URL")]
        redis: Vec<String>,
        /// Its share of the ring relative to others.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
        weight: u32,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::List { read, connection } => {
            let client = connection.client()?;
            let fetch = || async {
                let shards = client.shards().await.map_err(explain)?;
                View::list(&shards, &HEADER, shards.items.iter().map(row), "no shards")
            };
            read.show(fetch).await
        }
        Command::Show { shard, read, connection } => {
            let client = connection.client()?;
            read.show(|| show::fetch(&client, shard)).await
        }
        Command::Add { shard, postgres, replica, redis, weight, read, connection } => {
            let dsns = |urls: &[String]| urls.iter().map(Dsn::new).collect::<Vec<_>>();
            let new = NewShard {
                id: shard.clone(),
                weight: *weight,
                postgres: ShardPostgres { primary: Dsn::new(postgres), replicas: dsns(replica) },
                redis: dsns(redis),
            };
            let added = connection.client()?.add_shard(&new).await.map_err(explain)?;
            read.show(|| async { View::list(&added, &HEADER, [row(&added)], "") }).await
        }
    }
}

fn row(shard: &Shard) -> Vec<String> {
    let Shard { id, state, weight, institutions, schema_version, schema_wanted, last_error } =
        shard;
    let has = schema_version.map_or_else(|| "none".to_owned(), |version| version.to_string());
    let migration = if *schema_version == Some(*schema_wanted) {
        has
    } else {
        format!("{has} of {schema_wanted}")
    };
    vec![
        id.to_string(),
        state.to_string(),
        weight.to_string(),
        institutions.to_string(),
        migration,
        last_error.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}
