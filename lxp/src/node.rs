//! `lxp node`: the processes that serve shards, as the control plane sees them.

use clap::Subcommand;
use control_api::Node;

use crate::connection::{Connection, explain};
use crate::output::{Read, View};

/// `lxp node`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List them.
    List {
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    let Command::List { read, connection } = command;
    let client = connection.client()?;
    let fetch = || async {
        let nodes = client.nodes().await.map_err(explain)?;
        let header = ["ID", "SHARD", "URL", "STATE", "LOAD", "HELD DOWN"];
        View::list(&nodes, &header, nodes.items.iter().map(row), "no nodes")
    };
    read.show(fetch).await
}

fn row(node: &Node) -> Vec<String> {
    let Node { id, shard, url, state, load, held_down } = node;
    vec![
        id.to_string(),
        shard.to_string(),
        url.clone(),
        state.to_string(),
        load.map_or_else(|| "-".to_owned(), |load| format!("{load:.2}")),
        held_down.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}
