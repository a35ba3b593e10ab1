//! How it is, in one sentence. Pure.
//!
//! What must stay true: the worst is said first, by name, and all is well only where nothing else was found.

use control_api::{Move, Node, Shard};
use shard_map::{MapVersion, NodeState, ShardState};

use super::words::counted;
use crate::feed::followers::Follower;

/// Ids that a sentence names.
const NAMED_MAX: usize = 4;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Institutions are not served.
    Bad,
    /// Something wants a look.
    Warn,
    /// All is well.
    Good,
}

impl Level {
    /// As a word, which stands beside the colour.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warn => "look",
            Self::Bad => "down",
        }
    }
}

/// The sentence, and what else there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health {
    pub(super) level: Level,
    pub(super) sentence: String,
    pub(super) also: Vec<String>,
}

/// What is known.
pub(super) struct Known<'k> {
    pub(super) shards: &'k [Shard],
    pub(super) nodes: &'k [Node],
    pub(super) moves: &'k [Move],
    pub(super) followers: &'k [Follower],
    pub(super) latest: MapVersion,
}

pub(super) fn judge(known: &Known<'_>) -> Health {
    let mut found = findings(known);
    found.sort_by_key(|(level, _)| *level);
    let mut found = found.into_iter();
    match found.next() {
        Some((level, sentence)) => {
            Health { level, sentence, also: found.map(|(_, sentence)| sentence).collect() }
        }
        None => Health { level: Level::Good, sentence: all_is_well(known), also: vec![] },
    }
}

fn all_is_well(known: &Known<'_>) -> String {
    let (shards, nodes) = (known.shards.len(), known.nodes.len());
    let moves = match known.moves.len() {
        0 => "nothing moves".to_owned(),
        1 => "1 institution moves".to_owned(),
        more => format!("{more} institutions move"),
    };
    if shards == 0 {
        return "No shard was added yet: lxp shard add".to_owned();
    }
    let serve = if shards == 1 { "serves" } else { "serve" };
    let up = if nodes == 1 { "is" } else { "are" };
    format!("{} {serve}, {} {up} up, {moves}.", counted(shards, "shard"), counted(nodes, "node"))
}

fn findings(known: &Known<'_>) -> Vec<(Level, String)> {
    let nodes_of = |shard: &Shard, states: &[NodeState]| {
        known.nodes.iter().any(|node| node.shard == shard.id && states.contains(&node.state))
    };
    let shards = |which: &dyn Fn(&&Shard) -> bool| -> Vec<String> {
        known.shards.iter().filter(which).map(|shard| shard.id.to_string()).collect()
    };
    let nodes = |state| -> Vec<String> {
        let of_state = known.nodes.iter().filter(|node| node.state == state);
        of_state.map(|node| node.id.to_string()).collect()
    };
    let usable = [NodeState::Up, NodeState::Suspect];
    // One that is drained and empty may be without: it is about to be removed.
    let serves = |it: &Shard| match it.state {
        ShardState::Active => true,
        ShardState::Draining => it.institutions > 0,
        ShardState::Joining => false,
    };
    let dark = shards(&|it| serves(it) && !nodes_of(it, &usable));
    let joining = shards(&|it| it.state == ShardState::Joining);
    let failing = shards(&|it| it.last_error.is_some());
    let retried: Vec<_> =
        known.moves.iter().filter(|it| !it.retries.is_empty()).map(Move::short).collect();
    let behind = known.followers.iter().filter(|it| it.version < known.latest || it.is_silent());
    let behind: Vec<_> = behind.map(|it| it.name.clone()).collect();
    let told = [
        (Level::Bad, dark, "shard has no node that is up", "shards have no node that is up"),
        (Level::Warn, nodes(NodeState::Down), "node is down", "nodes are down"),
        (
            Level::Warn,
            failing,
            "shard's database cannot be worked on",
            "shards' databases cannot be worked on",
        ),
        (Level::Warn, nodes(NodeState::Suspect), "node is suspect", "nodes are suspect"),
        (Level::Warn, nodes(NodeState::Cordoned), "node is cordoned", "nodes are cordoned"),
        (Level::Warn, behind, "router is behind or silent", "routers are behind or silent"),
        (Level::Warn, retried, "move had to try again", "moves had to try again"),
        (Level::Warn, joining, "shard is joining", "shards are joining"),
    ];
    let said = told.into_iter().filter(|(_, which, ..)| !which.is_empty());
    said.map(|(level, which, one, more)| (level, sentence(&which, one, more))).collect()
}

/// `2 nodes are down: n-1, n-2.`
fn sentence(which: &[String], one: &str, more: &str) -> String {
    let what = if which.len() == 1 { one } else { more };
    let named = which.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let rest = match which.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    format!("{} {what}: {named}{rest}.", which.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shard(id: &str, error: Option<&str>) -> Shard {
        let shard = json!({"id": id, "state": "active", "weight": 1, "institutions": 7, "schemaVersion": 1,
                           "schemaWanted": 1, "lastError": error});
        serde_json::from_value(shard).expect("a shard")
    }

    fn node(id: &str, shard: &str, state: &str) -> Node {
        let node = json!({"id": id, "shard": shard, "url": "http://h:1", "state": state, "load": null, "heldDown": null});
        serde_json::from_value(node).expect("a node")
    }

    fn judged(shards: &[Shard], nodes: &[Node]) -> Health {
        judge(&Known { shards, nodes, moves: &[], followers: &[], latest: MapVersion(1) })
    }

    #[test]
    fn all_is_well_only_where_nothing_was_found() {
        let health = judged(&[shard("a", None)], &[node("a-1", "a", "up")]);
        assert_eq!(health.sentence, "1 shard serves, 1 node is up, nothing moves.");
        assert_eq!((health.level, health.also.len()), (Level::Good, 0));
    }

    #[test]
    fn the_worst_is_said_first_and_by_name() {
        let shards = [shard("a", Some("it hangs")), shard("b", None)];
        let nodes = [node("a-1", "a", "suspect"), node("b-1", "b", "down")];
        let health = judged(&shards, &nodes);
        assert_eq!(health.sentence, "1 shard has no node that is up: b.");
        assert_eq!(health.level, Level::Bad);
        assert_eq!(
            health.also,
            [
                "1 node is down: b-1.",
                "1 shard's database cannot be worked on: a.",
                "1 node is suspect: a-1."
            ]
        );
    }

    #[test]
    fn a_router_with_an_older_map_is_named() {
        let follower = |version, name: &str| Follower {
            name: name.to_owned(),
            version: MapVersion(version),
            asked_ago: std::time::Duration::from_secs(3),
        };
        let followers = [follower(4, "r at 10.0.0.1"), follower(5, "r at 10.0.0.2")];
        let (shards, nodes) = ([shard("a", None)], [node("a-1", "a", "up")]);
        let latest = MapVersion(5);
        let known =
            Known { shards: &shards, nodes: &nodes, moves: &[], followers: &followers, latest };
        assert_eq!(judge(&known).sentence, "1 router is behind or silent: r at 10.0.0.1.");
    }
}
