//! `lxp map`: the shard map, as routers get it, and how it became what it is.

mod diff;
mod history;

use clap::Subcommand;
use shard_map::{MapSnapshot, MapVersion, ShardMap};

use crate::connection::{Connection, explain};
use crate::failure::Failure;
use crate::output::{self, Read, View};

/// Ids that are asked for a shard's share of the ring.
const SAMPLES: u128 = 20_000;

/// `lxp map`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Its version, each shard's share of the ring, its nodes, and how many institutions live off the ring.
    Show {
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        connection: Connection,
    },
    /// Its versions and what each changed, the oldest first.
    History {
        /// Only versions after this one [default: the last ones]
        #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(0..))]
        after: Option<i64>,
        /// How many versions.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        connection: Connection,
    },
    /// What changed from one version to another, in sum.
    Diff {
        /// The version before.
        #[arg(value_parser = clap::value_parser!(i64).range(0..))]
        from: i64,
        /// The version after [default: the map as it is now]
        #[arg(value_parser = clap::value_parser!(i64).range(0..))]
        to: Option<i64>,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Show { read, connection } => {
            let client = connection.client()?;
            read.show(|| async { view(&client.map_snapshot().await.map_err(explain)?) }).await
        }
        Command::History { after, limit, read, connection } => {
            let client = connection.client()?;
            read.show(|| history::fetch(&client, after.map(MapVersion), *limit)).await
        }
        Command::Diff { from, to, read, connection } => {
            let client = connection.client()?;
            read.show(|| diff::fetch(&client, MapVersion(*from), to.map(MapVersion))).await
        }
    }
}

fn view(snapshot: &MapSnapshot) -> anyhow::Result<View> {
    // A map that a router would refuse is not shown as if it were good.
    let map = ShardMap::from_snapshot(snapshot.clone())
        .map_err(|error| Failure::unhealthy(format!("the control plane's map: {error}")))?;
    output::say(&format!(
        "version {} (placement {}), checksum {}, {} off the ring",
        snapshot.version,
        snapshot.placement_version,
        snapshot.checksum,
        map.exception_count()
    ));
    let rows: Vec<_> = map
        .shards()
        .map(|shard| {
            let nodes: Vec<_> = map
                .nodes_of(&shard.id)
                .iter()
                .map(|node| format!("{} {} {}", node.id, node.state, node.url))
                .collect();
            let off = snapshot.exceptions.iter().filter(|(_, home)| *home == shard.id).count();
            vec![
                shard.id.to_string(),
                shard.state.to_string(),
                shard.weight.to_string(),
                share(&map, &shard.id),
                off.to_string(),
                nodes.join("\n"),
            ]
        })
        .collect();
    View::list(
        snapshot,
        &["SHARD", "STATE", "WEIGHT", "RING", "OFF RING", "NODES"],
        rows,
        "no shards",
    )
}

/// Of evenly spread ids, how many the ring gives to a shard.
fn share(map: &ShardMap, shard: &shard_map::ShardId) -> String {
    let step = u128::MAX / SAMPLES;
    let ids = (0..SAMPLES).map(|n| shard_map::InstitutionId::new(uuid::Uuid::from_u128(n * step)));
    let owned = ids.filter(|id| map.ring().owner(*id) == Some(shard)).count();
    let per_mille = owned as u128 * 1000 / SAMPLES;
    format!("{}.{}%", per_mille / 10, per_mille % 10)
}
