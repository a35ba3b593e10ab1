//! From what was observed to findings: pure. What is well is said, too, in one line a check.

use std::collections::HashSet;

use control_api::{DatabaseInspection, Move, Node, Shard, ShardInspection};
use shard_map::{MapVersion, NodeState, ShardMap, ShardState};

use super::observe::Observed;
use super::{Finding, Level};
use crate::local::state::UpDown;

/// A database's clock may be so far off before it is a finding: a lease is 2 s.
const SKEW_WARNS_MS: i64 = 500;
const SKEW_BREAKS_MS: i64 = 2_000;
/// A replica that is further behind answers nothing (`postgres.replica_max_lag_ms`).
const LAG_WARNS_MS: i64 = 5_000;
/// A router hears of a map within 0.1 s; between our questions to both more than one version may have come.
const ROUTER_BEHIND_MAX: i64 = 20;

/// Everything that is to be said, what is broken first.
pub(super) fn judge(observed: &Observed) -> Vec<Finding> {
    let mut found = Vec::new();
    found.push(map(observed));
    found.extend(
        observed.routers.iter().map(|(name, has)| router(name, has, &observed.map.version)),
    );
    found.extend(observed.processes.iter().filter(|it| it.state == UpDown::Down).map(|it| {
        let next = format!("lxp local logs {0}; then lxp local start {0}", it.name);
        broken("process", &it.name, "it does not run or does not answer").next(next)
    }));
    found.extend(observed.shards.iter().flat_map(|it| shard(it, &observed.nodes)));
    found.extend(observed.nodes.iter().map(node));
    for (id, asked) in &observed.databases {
        match asked {
            Ok(inspection) => {
                found.extend(inspection.databases.iter().flat_map(|it| database(inspection, it)));
                found.extend(residue(inspection, &observed.moves));
            }
            Err(why) => {
                let next = "lxp local logs control-plane: it asks the databases";
                found.push(broken("databases", id.as_str(), why).next(next));
            }
        }
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    found
}

/// A map that a router would refuse is not shown as if it were good: its checksum is compared here as there.
fn map(observed: &Observed) -> Finding {
    let snapshot = &observed.map;
    let part = format!("version {}", snapshot.version);
    match ShardMap::from_snapshot(snapshot.clone()) {
        Ok(_) => ok("map", &part, &format!("its checksum is that of its entries ({})", snapshot.checksum)),
        Err(error) => broken("map", &part, &error.to_string())
            .next("lxp local restart control-plane; if it stays, keep the control database as it is and ask"),
    }
}

fn router(name: &str, has: &Result<MapVersion, String>, published: &MapVersion) -> Finding {
    let next = format!("lxp local logs {name}; does it reach the control plane?");
    match has {
        Ok(version) if version.0 + ROUTER_BEHIND_MAX < published.0 => {
            broken("router", name, &format!("it has map {version}; {published} is published"))
                .next(next)
        }
        Ok(version) => ok("router", name, &format!("it has map {version}")),
        Err(why) => broken("router", name, why).next(next),
    }
}

fn shard(shard: &Shard, nodes: &[Node]) -> Vec<Finding> {
    let id = shard.id.as_str();
    let mut found = Vec::new();
    let has = shard.schema_version.map_or("none".to_owned(), |version| version.to_string());
    found.push(if shard.schema_version == Some(shard.schema_wanted) {
        ok("schema", id, &format!("migration {has}"))
    } else {
        let what = format!("migration {has}; {} is wanted", shard.schema_wanted);
        warning("schema", id, &what).next(format!("lxp migrate apply --shard {id}"))
    });
    if let Some(error) = &shard.last_error {
        found.push(broken("shard", id, error).next(format!("lxp shard show {id}")));
    }
    let up =
        nodes.iter().filter(|node| node.shard == shard.id && node.state == NodeState::Up).count();
    if shard.state != ShardState::Joining && up == 0 {
        let next = format!("lxp node list; start a node of {id}");
        found.push(
            broken("shard", id, "no node of it is up: its institutions are not served").next(next),
        );
    }
    found
}

fn node(node: &Node) -> Finding {
    let Node { id, state, why, by, .. } = node;
    let what = format!("{state}: {why} (said by {by})");
    match state {
        NodeState::Up => ok("node", id.as_str(), "up"),
        NodeState::Cordoned => {
            warning("node", id.as_str(), &what).next(format!("lxp node uncordon {id}"))
        }
        NodeState::Down if node.held_down.is_some() => {
            warning("node", id.as_str(), &what).next(format!("lxp node up {id}"))
        }
        NodeState::Suspect => {
            warning("node", id.as_str(), &what).next(format!("lxp node show {id}"))
        }
        NodeState::Down => {
            let next = format!(
                "is the process there, and does it reach the control plane? lxp node show {id}"
            );
            broken("node", id.as_str(), &what).next(next)
        }
    }
}

fn database(inspection: &ShardInspection, it: &DatabaseInspection) -> Vec<Finding> {
    let role = if it.replica { "replica" } else { "primary" };
    let part = format!("{} {role} {}", inspection.shard, it.place);
    if let Some(error) = &it.error {
        let next = format!("is Postgres up at {}, and does it let the control plane in?", it.place);
        return vec![broken(role, &part, error).next(next)];
    }
    let mut found = vec![clock(&part, it.clock_skew_ms.unwrap_or(0))];
    match (it.replica, it.in_recovery) {
        (false, Some(true)) => found.push(
            broken("primary", &part, "it is a replica: nothing can be written")
                .next("name the primary: PATCH /v1/shards/{id} with postgres.primary"),
        ),
        (true, Some(false)) => found.push(
            broken("replica", &part, "it is no replica: what it answers is its own")
                .next("make it anew from the primary (pg_basebackup)"),
        ),
        _ => {}
    }
    if it.replica && it.in_recovery == Some(true) {
        found.push(replica(&part, it));
    }
    found
}

fn replica(part: &str, it: &DatabaseInspection) -> Finding {
    match (it.receiving, it.lag_ms) {
        (Some(false), _) => broken("replica", part, "it receives nothing from a primary")
            .next("its log says why; make it anew where the primary has lost what it needs"),
        (_, Some(lag)) if lag > LAG_WARNS_MS => {
            warning("replica", part, &format!("it is {} behind", seconds(lag)))
                .next("its disk or a long query on it; nodes read the primary meanwhile")
        }
        (_, lag) => ok("replica", part, &format!("it is {} behind", seconds(lag.unwrap_or(0)))),
    }
}

fn clock(part: &str, skew_ms: i64) -> Finding {
    let side = if skew_ms > 0 { "ahead of" } else { "behind" };
    let what = format!("its clock is {} {side} the control plane's", seconds(skew_ms.abs()));
    let next = "a time service on both machines: chronyc tracking";
    match skew_ms.abs() {
        skew if skew > SKEW_BREAKS_MS => broken("clock", part, &what).next(next),
        skew if skew > SKEW_WARNS_MS => warning("clock", part, &what).next(next),
        _ => ok("clock", part, "its clock is the control plane's"),
    }
}

/// What no move under way accounts for.
fn residue(inspection: &ShardInspection, moves: &[Move]) -> Vec<Finding> {
    let part = inspection.shard.as_str();
    let under_way: HashSet<_> = moves.iter().map(|it| it.id).collect();
    let of_moves: HashSet<_> = moves.iter().map(|it| it.institution).collect();
    let moving = inspection.moving.iter().filter(|row| !under_way.contains(&row.move_id));
    let moving = moving.map(|row| {
        let what =
            format!("{} is {} here for a move that is not under way", row.institution, row.state);
        broken("residue", part, &what)
            .next(format!("lxp institution show {}; lxp move list", row.institution))
    });
    let left = inspection.left.iter().filter(|left| !of_moves.contains(&left.institution));
    let left = left.map(|left| {
        let what = format!("rows of {} in {}, which has moved away", left.institution, left.table);
        warning("residue", part, &what)
            .next("lxp move list: which move left them? A move back and forth takes them away")
    });
    let found: Vec<_> = moving.chain(left).collect();
    if found.is_empty() { vec![ok("residue", part, "moves have left nothing")] } else { found }
}

fn seconds(ms: i64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

fn ok(check: &'static str, part: &str, what: &str) -> Finding {
    found(Level::Ok, check, part, what)
}

fn warning(check: &'static str, part: &str, what: &str) -> Finding {
    found(Level::Warning, check, part, what)
}

fn broken(check: &'static str, part: &str, what: &str) -> Finding {
    found(Level::Broken, check, part, what)
}

fn found(level: Level, check: &'static str, part: &str, what: &str) -> Finding {
    Finding { level, check, part: part.to_owned(), what: what.to_owned(), next: None }
}

impl Finding {
    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

#[cfg(test)]
#[path = "judge_test.rs"]
mod tests;
