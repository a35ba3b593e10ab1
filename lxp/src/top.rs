//! `lxp top`: shards, their nodes and moves, with the requests a second that the nodes count themselves.
//!
//! Rates come from two looks at each node's own metrics: a node whose page cannot be read from here has none.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::Args;
use control_api::{ControlClient, Move, MoveQuery, Node, Shard};
use futures::future::join_all;
use serde::Serialize;
use serde_json::json;
use service_kit::samples::{self, Samples};
use shard_map::{NodeId, NodeState};
use tokio::sync::Mutex;

use crate::connection::{Connection, explain};
use crate::output::{Read, View};

/// Between the first two looks; a later one is compared with the one before.
const FIRST_INTERVAL: Duration = Duration::from_secs(1);
const PAGE_WITHIN: Duration = Duration::from_secs(1);
const MOVES_MAX: i64 = 200;

const HEADER: [&str; 9] = [
    "SHARD",
    "STATE",
    "INSTITUTIONS",
    "MOVES IN",
    "OUT",
    "NODE",
    "STATE",
    "REQUESTS/S",
    "IN FLIGHT",
];

/// `lxp top`.
#[derive(Debug, Args)]
pub(crate) struct Top {
    #[command(flatten)]
    read: Read,
    #[command(flatten)]
    connection: Connection,
}

/// What a node has counted, and when.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    requests: f64,
    in_flight: f64,
}

/// A node's load between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Load {
    requests_per_s: f64,
    in_flight: f64,
}

type Looks = BTreeMap<NodeId, Look>;
type Loads = BTreeMap<NodeId, Load>;

/// Runs the command.
pub(crate) async fn run(top: &Top) -> anyhow::Result<()> {
    let client = top.connection.client()?;
    let last = Mutex::new(None);
    top.read.show(|| fetch(&client, &last)).await
}

async fn fetch(client: &ControlClient, last: &Mutex<Option<Looks>>) -> anyhow::Result<View> {
    let nodes = client.nodes().await.map_err(explain)?.items;
    let mut last = last.lock().await;
    let before = if let Some(before) = last.take() {
        before
    } else {
        let first = look(&nodes).await;
        tokio::time::sleep(FIRST_INTERVAL).await;
        first
    };
    let now = look(&nodes).await;
    let loads = loads(&before, &now);
    *last = Some(now);
    let shards = client.shards().await.map_err(explain)?.items;
    let query = MoveQuery { active: true, limit: Some(MOVES_MAX), ..MoveQuery::default() };
    let moves = client.moves(&query).await.map_err(explain)?.items;
    view(&shards, &nodes, &moves, &loads)
}

async fn look(nodes: &[Node]) -> Looks {
    let asked = nodes.iter().map(async |node| {
        let samples = samples::fetch(node.admin_url.as_deref()?, PAGE_WITHIN).await.ok()?;
        Some((node.id.clone(), seen(&samples)))
    });
    join_all(asked).await.into_iter().flatten().collect()
}

fn seen(samples: &Samples) -> Look {
    let sum = |name| samples.sum(name, |_| true).unwrap_or(0.0);
    let (requests, in_flight) = (sum("lxp_requests_total"), sum("lxp_requests_in_flight"));
    Look { at: Instant::now(), requests, in_flight }
}

fn loads(before: &Looks, now: &Looks) -> Loads {
    let each = now.iter().filter_map(|(id, now)| {
        let before = before.get(id)?;
        let seconds = now.at.duration_since(before.at).as_secs_f64();
        // One that was started anew counts from nothing.
        let counted = if now.requests < before.requests {
            now.requests
        } else {
            now.requests - before.requests
        };
        let load = Load { requests_per_s: counted / seconds.max(0.001), in_flight: now.in_flight };
        Some((id.clone(), load))
    });
    each.collect()
}

fn view(shards: &[Shard], nodes: &[Node], moves: &[Move], loads: &Loads) -> anyhow::Result<View> {
    let (mut items, mut rows) = (Vec::new(), Vec::new());
    for shard in shards {
        let of_shard: Vec<_> = nodes.iter().filter(|node| node.shard == shard.id).collect();
        let arriving = moves.iter().filter(|it| it.to == shard.id).count();
        let leaving = moves.iter().filter(|it| it.from == shard.id).count();
        let per_s: f64 = of_shard
            .iter()
            .filter_map(|node| loads.get(&node.id))
            .map(|load| load.requests_per_s)
            .sum();
        let up = of_shard.iter().filter(|node| node.state == NodeState::Up).count();
        let known = of_shard.iter().filter(|node| loads.contains_key(&node.id)).count();
        rows.push(vec![
            shard.id.to_string(),
            shard.state.to_string(),
            shard.institutions.to_string(),
            arriving.to_string(),
            leaving.to_string(),
            format!("{up} of {} up", of_shard.len()),
            String::new(),
            if known == 0 { "-".to_owned() } else { format!("{per_s:.1}") },
            String::new(),
        ]);
        rows.extend(of_shard.iter().map(|node| row(node, loads.get(&node.id))));
        let nodes: Vec<_> = of_shard
            .iter()
            .map(|node| json!({"id": node.id, "state": node.state, "load": loads.get(&node.id)}))
            .collect();
        items.push(
            json!({"shard": shard.id, "state": shard.state, "institutions": shard.institutions,
            "movesIn": arriving, "movesOut": leaving, "requestsPerS": per_s, "nodes": nodes}),
        );
    }
    View::list(&json!({"items": items}), &HEADER, rows, "no shards")
}

/// A node's line below its shard's.
fn row(node: &Node, load: Option<&Load>) -> Vec<String> {
    let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let mut row = vec![String::new(); 5];
    row.push(node.id.to_string());
    row.push(node.state.to_string());
    row.push(shown(load.map(|load| format!("{:.1}", load.requests_per_s))));
    row.push(shown(load.map(|load| format!("{:.0}", load.in_flight))));
    row
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::output::Format;

    fn shard(id: &str) -> Value {
        json!({"id": id, "state": "active", "weight": 1, "institutions": 7, "schemaVersion": 40, "schemaWanted": 40,
               "lastError": null})
    }

    fn node(id: &str, shard: &str, state: &str) -> Value {
        json!({"id": id, "shard": shard, "url": "http://h:1", "state": state, "load": null, "heldDown": null})
    }

    #[test]
    fn each_shard_stands_above_its_nodes_with_its_moves_and_rates() {
        let shards = json!([shard("shard-a"), shard("shard-b")]);
        let nodes = json!([
            node("shard-a-1", "shard-a", "up"),
            node("shard-a-2", "shard-a", "down"),
            node("shard-b-1", "shard-b", "up")
        ]);
        let time = "2026-11-23T10:00:00Z";
        let id = "0190a1b2-0000-7000-8000-000000000001";
        let one = json!({"id": id, "plan": null, "institution": id, "from": "shard-a", "to": "shard-b", "phase": "copying",
            "epochs": {"fence": 2, "commit": 3, "abort": 4}, "rows": 0, "rowsCopied": 0, "keysToCatchUp": 0, "round": 0,
            "pauseMs": null, "requestedBy": "x", "cancelReason": null, "startedAt": time, "phaseStartedAt": time,
            "finishedAt": null, "etaSeconds": null, "retries": []});
        let (shards, nodes, moves): (Vec<Shard>, Vec<Node>, Vec<Move>) =
            serde_json::from_value(json!([shards, nodes, [one]])).expect("a platform");
        let load = Load { requests_per_s: 41.25, in_flight: 3.0 };
        let loads = [("shard-a-1".parse().expect("an id"), load)].into_iter().collect();
        let golden =
            " SHARD    STATE   INSTITUTIONS  MOVES IN  OUT  NODE       STATE  REQUESTS/S  IN FLIGHT
 shard-a  active  7             0         1    1 of 2 up         41.2
                                               shard-a-1  up     41.2        3
                                               shard-a-2  down   -           -
 shard-b  active  7             1         0    1 of 1 up         -
                                               shard-b-1  up     -           -
";
        let shown = view(&shards, &nodes, &moves, &loads).expect("a view");
        assert_eq!(shown.text(Format::Table), golden);
        let json: Value = serde_json::from_str(&shown.text(Format::Json)).expect("JSON");
        assert_eq!(
            (&json["items"][0]["movesOut"], &json["items"][1]["movesIn"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(json["items"][0]["nodes"][0]["load"]["requestsPerS"], 41.25);
    }

    #[test]
    fn a_node_that_was_started_anew_counts_from_nothing() {
        let begun = Instant::now();
        let look =
            |s, requests| Look { at: begun + Duration::from_secs(s), requests, in_flight: 0.0 };
        let of = |look| [("n".parse().expect("an id"), look)].into_iter().collect::<Looks>();
        let rate = |before, now| {
            loads(&of(before), &of(now)).into_values().next().expect("a load").requests_per_s
        };
        assert!((rate(look(0, 100.0), look(2, 120.0)) - 10.0).abs() < 1e-9);
        assert!((rate(look(0, 100.0), look(2, 6.0)) - 3.0).abs() < 1e-9);
    }
}
