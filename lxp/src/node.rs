//! `lxp node`: the processes that serve shards, as the control plane sees them, and a person's word on them.
//!
//! A change is shown as a plan, confirmed, and refused where the node has changed in between.

use clap::{Args, Subcommand};
use control_api::{ClientError, ControlClient, Node};
use serde_json::Value;
use shard_map::{NodeId, NodeState};

use crate::changing::Changing;
use crate::connection::{Connection, explain};
use crate::failure::Failure;
use crate::output::{Read, View, say};

const HEADER: [&str; 8] = ["ID", "SHARD", "URL", "STATE", "SINCE", "LOAD", "BY", "WHY"];

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
    /// One of them: its state, since when, why, who said so, and what to do next.
    Show {
        node: NodeId,
        #[command(flatten)]
        read: Read,
        #[command(flatten)]
        connection: Connection,
    },
    /// Take one out; it gets no requests until `uncordon`, whatever else is said of it.
    Cordon(Change),
    /// Put a cordoned one back.
    Uncordon(Change),
    /// Hold one down, as a health checker does, until `up`.
    Down {
        /// What is wrong with it.
        #[arg(long, default_value = "held down by hand")]
        reason: String,
        #[command(flatten)]
        change: Change,
    },
    /// Let go of one that is held down: its heartbeats decide again.
    Up(Change),
}

/// A person's word on a node.
#[derive(Debug, Args)]
pub(crate) struct Change {
    node: NodeId,
    #[command(flatten)]
    rest: Changing,
}

/// What is said of it.
enum Word<'r> {
    Cordon,
    Uncordon,
    Down(&'r str),
    Up,
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::List { read, connection } => {
            let client = connection.client()?;
            let fetch = || async {
                let nodes = client.nodes().await.map_err(explain)?;
                View::list(&nodes, &HEADER, nodes.items.iter().map(row), "no nodes")
            };
            read.show(fetch).await
        }
        Command::Show { node, read, connection } => {
            let client = connection.client()?;
            let fetch = || async {
                let node = client.node(node).await.map_err(explain)?;
                let mut shown = serde_json::to_value(&node)?;
                shown["next"] = next(&node).map_or(Value::Null, Value::String);
                View::object(&shown)
            };
            read.show(fetch).await
        }
        Command::Cordon(change) => change.make(&Word::Cordon).await,
        Command::Uncordon(change) => change.make(&Word::Uncordon).await,
        Command::Down { reason, change } => change.make(&Word::Down(reason)).await,
        Command::Up(change) => change.make(&Word::Up).await,
    }
}

impl Change {
    async fn make(&self, word: &Word<'_>) -> anyhow::Result<()> {
        let client = self.rest.connection.client()?;
        let nodes = client.nodes().await.map_err(explain)?.items;
        let before = match nodes.iter().find(|node| node.id == self.node) {
            Some(node) => node.clone(),
            // Refused as the control plane refuses it.
            None => client.node(&self.node).await.map_err(explain)?,
        };
        if word.is_said_of(&before) {
            say(&format!("{} is {} already: nothing is to be changed", before.id, before.state));
        } else if self.rest.confirm.ask(&word.plan(&before, &nodes))? {
            let now = client.node(&self.node).await.map_err(explain)?;
            if (now.state, &now.held_down) != (before.state, &before.held_down) {
                let what = format!(
                    "{} has changed since: it is {} now ({}); nothing was changed",
                    now.id, now.state, now.why
                );
                return Err(Failure::refused(what)
                    .next(format!("lxp node show {}", now.id))
                    .into());
            }
        }
        let after = word.send(&client, &self.node).await.map_err(explain)?;
        self.rest.read.show(|| async { View::list(&after, &HEADER, [row(&after)], "") }).await
    }
}

impl Word<'_> {
    fn is_said_of(&self, node: &Node) -> bool {
        match self {
            Self::Cordon => node.state == NodeState::Cordoned,
            Self::Uncordon => node.state != NodeState::Cordoned,
            Self::Down(reason) => node.held_down.as_deref() == Some(*reason),
            Self::Up => node.held_down.is_none(),
        }
    }

    fn plan(&self, node: &Node, all: &[Node]) -> String {
        let Node { id, shard, state, .. } = node;
        let to = match self {
            Self::Cordon => "cordoned",
            Self::Down(_) if *state == NodeState::Cordoned => "held down too, and still cordoned",
            Self::Down(_) => "down, whatever its heartbeats say",
            Self::Uncordon | Self::Up => "what its heartbeats and probes say",
        };
        let others = all.iter().filter(|other| other.shard == *shard && other.id != *id);
        let up = others.filter(|other| other.state == NodeState::Up).count();
        let rest = match (self, up) {
            (Self::Uncordon | Self::Up, _) => String::new(),
            (_, 0) => format!("\n  no other node of {shard} is up: its institutions would get 503"),
            (_, up) => format!("\n  other nodes of {shard} that are up: {up}"),
        };
        format!("{id} of {shard}: {state} -> {to}{rest}")
    }

    async fn send(&self, client: &ControlClient, node: &NodeId) -> Result<Node, ClientError> {
        match self {
            Self::Cordon => client.cordon_node(node).await,
            Self::Uncordon => client.uncordon_node(node).await,
            Self::Down(reason) => client.hold_node_down(node, reason).await,
            Self::Up => client.let_node_up(node).await,
        }
    }
}

/// What to do about a node that is not up.
fn next(node: &Node) -> Option<String> {
    let id = &node.id;
    match node.state {
        NodeState::Up => None,
        NodeState::Cordoned => Some(format!("lxp node uncordon {id}")),
        NodeState::Down if node.held_down.is_some() => Some(format!("lxp node up {id}")),
        NodeState::Suspect | NodeState::Down => {
            Some(format!("lxp local status, and lxp local logs node-{id}"))
        }
    }
}

fn row(node: &Node) -> Vec<String> {
    let Node { id, shard, url, state, load, since, why, by, .. } = node;
    vec![
        id.to_string(),
        shard.to_string(),
        url.clone(),
        state.to_string(),
        since.map_or_else(|| "-".to_owned(), |since| since.format("%F %T").to_string()),
        load.map_or_else(|| "-".to_owned(), |load| format!("{load:.2}")),
        by.clone(),
        why.clone(),
    ]
}
