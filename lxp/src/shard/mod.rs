//! `lxp shard`: what institutions live on.

mod change;
mod drain;
mod show;

use clap::Subcommand;
use control_api::{Dsn, NewShard, Shard, ShardPostgres};
use shard_map::ShardId;

use crate::connection::{Connection, explain};
use crate::output::{Read, View, say};

const HEADER: [&str; 10] = [
    "ID",
    "STATE",
    "WEIGHT",
    "INSTITUTIONS",
    "CAPACITY",
    "TO COME",
    "TO GO",
    "LOAD",
    "MIGRATION",
    "ERROR",
];

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
    /// Move everybody away from one: shown as a plan, confirmed, then begun. It gets no new institution.
    Drain(drain::Drain),
    /// Put one that is drained into the ring again. What has left it comes back by a plan.
    Undrain(change::Undrain),
    /// Give one another share of the ring; 0: nobody but who is pinned to it. Nothing moves by it.
    Weight(change::Weight),
    /// Say how many institutions one takes. Nothing moves by it.
    Capacity(change::Capacity),
    /// Remove one that is drained and empty.
    Remove(change::Remove),
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
            read.show(|| async { one(&added) }).await?;
            say(&offer(&added));
            Ok(())
        }
        Command::Drain(drain) => drain::run(drain).await,
        Command::Undrain(undrain) => undrain.run().await,
        Command::Weight(weight) => weight.run().await,
        Command::Capacity(capacity) => capacity.run().await,
        Command::Remove(remove) => remove.run().await,
    }
}

/// What follows an add: a plan is offered, never begun.
fn offer(added: &Shard) -> String {
    format!(
        "it joins once it is migrated and a node of it is up (lxp shard show {} -w); then `lxp rebalance plan` shows \
         what would move to it",
        added.id
    )
}

fn one(shard: &Shard) -> anyhow::Result<View> {
    View::list(shard, &HEADER, [row(shard)], "")
}

fn row(shard: &Shard) -> Vec<String> {
    let Shard { schema_version, schema_wanted, .. } = shard;
    let has = schema_version.map_or_else(|| "none".to_owned(), |version| version.to_string());
    let migration = if *schema_version == Some(*schema_wanted) {
        has
    } else {
        format!("{has} of {schema_wanted}")
    };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        shard.id.to_string(),
        shard.state.to_string(),
        shard.weight.to_string(),
        shard.institutions.to_string(),
        or_dash(shard.capacity.map(|most| most.to_string())),
        shard.arriving.to_string(),
        shard.leaving.to_string(),
        or_dash(shard.load.map(|load| format!("{load:.2}"))),
        migration,
        or_dash(shard.last_error.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output::Format;

    pub(super) fn shard() -> Shard {
        let json = json!({
            "id": "shard-c", "state": "active", "weight": 2, "institutions": 3, "schemaVersion": 7, "schemaWanted": 9,
            "lastError": null, "capacity": 500, "load": 0.25, "arriving": 31, "leaving": 0,
            "next": "lxp rebalance plan",
        });
        serde_json::from_value(json).expect("a shard")
    }

    #[test]
    fn a_shard_is_a_row_or_itself() {
        let view = one(&shard()).expect("a view");
        let golden = "\
             \x20ID       STATE   WEIGHT  INSTITUTIONS  CAPACITY  TO COME  TO GO  LOAD  MIGRATION  ERROR
 shard-c  active  2       3             500       31       0      0.25  7 of 9     -
";
        assert_eq!(view.text(Format::Table), golden);
        let json: Shard = serde_json::from_str(&view.text(Format::Json)).expect("JSON");
        assert_eq!(json, shard());
    }

    #[test]
    fn a_shard_that_was_added_offers_a_plan() {
        let golden = "it joins once it is migrated and a node of it is up (lxp shard show shard-c -w); then \
                      `lxp rebalance plan` shows what would move to it";
        assert_eq!(offer(&shard()), golden);
    }
}
