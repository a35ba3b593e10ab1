//! Golden: what `lxp doctor` prints of a platform that is well, and of one where everything is wrong.

use serde_json::{Value, json};

use super::*;
use crate::doctor::view;
use crate::output::Format;

const ONE: &str = "0190a1b2-0000-7000-8000-000000000001";
const TWO: &str = "0190a1b2-0000-7000-8000-000000000002";

fn of<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).expect("it is one")
}

fn observed(shard: Value, node: Value, inspection: Value) -> Observed {
    let map = ShardMap::empty().to_snapshot();
    Observed {
        map,
        shards: vec![of(shard)],
        nodes: vec![of(node)],
        moves: vec![],
        databases: vec![("shard-a".parse().expect("an id"), Ok(of(inspection)))],
        processes: vec![],
        routers: vec![("router".to_owned(), Ok(MapVersion(0)))],
    }
}

fn shard(has: i64) -> Value {
    json!({"id": "shard-a", "state": "active", "weight": 1, "institutions": 2, "schemaVersion": has,
           "schemaWanted": 40, "lastError": null})
}

fn node(state: &str) -> Value {
    json!({"id": "shard-a-1", "shard": "shard-a", "url": "http://127.0.0.1:1", "state": state, "load": null,
           "heldDown": null, "why": "no heartbeat for 3 s", "by": "control-plane"})
}

fn database(replica: bool, in_recovery: bool, skew_ms: i64, lag_ms: i64) -> Value {
    json!({"replica": replica, "place": if replica { "h:2/lxp" } else { "h:1/lxp" }, "error": null,
           "inRecovery": in_recovery, "schemaVersion": 40, "clockSkewMs": skew_ms, "receiving": true, "lagMs": lag_ms})
}

fn printed(observed: &Observed) -> String {
    view(&judge(observed)).expect("a view").text(Format::Table)
}

#[test]
fn a_platform_that_is_well_is_said_to_be_part_by_part() {
    let databases = [database(false, false, 0, 0), database(true, true, 0, 40)];
    let inspection = json!({"shard": "shard-a", "databases": databases, "moving": [], "left": []});
    let all_is_well = observed(shard(40), node("up"), inspection);
    let checksum = &all_is_well.map.checksum;
    let golden = format!(
        " STATE  CHECK    OF                       FOUND
 ok     map      version 0                its checksum is that of its entries ({checksum})
 ok     router   router                   it has map 0
 ok     schema   shard-a                  migration 40
 ok     node     shard-a-1                up
 ok     clock    shard-a primary h:1/lxp  its clock is the control plane's
 ok     clock    shard-a replica h:2/lxp  its clock is the control plane's
 ok     replica  shard-a replica h:2/lxp  it is 0.0 s behind
 ok     residue  shard-a                  moves have left nothing
"
    );
    assert_eq!(printed(&all_is_well), golden);
}

#[test]
fn what_is_wrong_comes_first_each_with_its_remedy() {
    let mut away = database(true, true, 0, 0);
    away["error"] = json!("it cannot be reached: Connection refused");
    let databases = [database(false, true, 2_340, 0), database(true, true, -700, 9_000), away];
    let moving = json!([{"institution": ONE, "state": "importing", "move": TWO}]);
    let left = json!([{"institution": TWO, "table": "students"}]);
    let inspection =
        json!({"shard": "shard-a", "databases": databases, "moving": moving, "left": left});
    let mut wrong = observed(shard(38), node("down"), inspection);
    wrong.map.checksum = "0000000000000000".to_owned();
    wrong.routers = vec![("router".to_owned(), Err("it does not answer".to_owned()))];
    let text = printed(&wrong);
    let states: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let states: Vec<_> = states.into_iter().filter(|word| *word != "->").collect();
    let broken = ["BROKEN"; 8];
    assert_eq!(states[1..=8], broken, "{text}");
    assert_eq!(states[9..], ["warning"; 4], "{text}");
    for remedy in [
        "-> lxp migrate apply --shard shard-a",
        "-> is the process there, and does it reach the control plane? lxp node show shard-a-1",
        "-> lxp node list; start a node of shard-a",
        "-> a time service on both machines: chronyc tracking",
        "its clock is 2.3 s ahead of the control plane's",
        "its clock is 0.7 s behind the control plane's",
        "it is 9.0 s behind",
        "it is a replica: nothing can be written",
        "it cannot be reached: Connection refused",
        "0190a1b2-0000-7000-8000-000000000001 is importing here for a move that is not under way",
        "rows of 0190a1b2-0000-7000-8000-000000000002 in students, which has moved away",
    ] {
        assert!(text.contains(remedy), "{remedy} is not in\n{text}");
    }
    let found = judge(&wrong);
    assert!(found.iter().all(|finding| finding.next.is_some()), "each has its remedy: {found:#?}");
}

#[test]
fn rows_of_a_move_that_is_under_way_are_no_residue() {
    let moving = json!([{"institution": ONE, "state": "importing", "move": TWO}]);
    let left = json!([{"institution": ONE, "table": "students"}]);
    let inspection: ShardInspection =
        of(json!({"shard": "shard-a", "databases": [], "moving": moving, "left": left}));
    let time = "2026-11-23T10:00:00Z";
    let under_way: Move = of(
        json!({"id": TWO, "plan": null, "institution": ONE, "from": "shard-b", "to": "shard-a",
        "phase": "copying", "epochs": {"fence": 2, "commit": 3, "abort": 4}, "rows": 0, "rowsCopied": 0,
        "keysToCatchUp": 0, "round": 0, "pauseMs": null, "requestedBy": "x", "cancelReason": null, "startedAt": time,
        "phaseStartedAt": time, "finishedAt": null, "etaSeconds": null, "retries": []}),
    );
    assert_eq!(residue(&inspection, &[]).len(), 2);
    let found = residue(&inspection, &[under_way]);
    assert_eq!(found, [ok("residue", "shard-a", "moves have left nothing")]);
}
