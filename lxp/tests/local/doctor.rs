//! What an operator looks at: `lxp doctor`, `top`, `shard show`, `map history` and `diff`, of a platform that runs.

use serde_json::Value;

use crate::support::Sandbox;

#[test]
fn a_platform_is_looked_at_part_by_part_and_what_is_broken_has_its_remedy() {
    let sandbox = Sandbox::up();
    let json = |arguments: &[&str]| -> Value {
        let ran = sandbox.run(&[arguments, &["-o", "json"]].concat());
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        serde_json::from_str(&ran.stdout).expect("JSON alone on stdout")
    };
    let found = json(&["doctor"]);
    let found = found["items"].as_array().expect("findings");
    assert!(found.iter().all(|finding| finding["level"] == "ok"), "{found:#?}");
    for check in ["map", "router", "schema", "node", "clock", "replica", "residue"] {
        assert!(found.iter().any(|finding| finding["check"] == check), "{check}: {found:#?}");
    }

    let top = json(&["top"]);
    assert!(top["items"][0]["nodes"][0]["load"]["requestsPerS"].is_number(), "{top}");
    let shard = json(&["shard", "show", "shard-a"]);
    assert_eq!((&shard["id"], &shard["nodes"][0]["id"]), (&"shard-a".into(), &"shard-a-1".into()));
    assert_eq!(shard["databases"][1]["replica"], true, "{shard}");
    let history = json(&["map", "history"]);
    let versions = history["items"].as_array().expect("versions");
    let last = versions.last().expect("a version")["version"].as_i64().expect("a number");
    let sum = json(&["map", "diff", "0", &last.to_string()]);
    assert_eq!(sum["set"]["shards"][0]["id"], "shard-a", "{sum}");
    let ran = sandbox.run(&["map", "diff", "0", "999999"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("the map is at version"), "{}", ran.stderr);

    let ran = sandbox.run(&["local", "stop", "node-shard-a-1"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = sandbox.run(&["doctor"]);
    assert_eq!(ran.code, Some(5), "{}{}", ran.stdout, ran.stderr);
    for said in ["BROKEN", "no node of it is up", "lxp local start node-shard-a-1"] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
}
