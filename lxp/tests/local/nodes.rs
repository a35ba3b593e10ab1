//! `lxp node`: a person's word on a node, planned, confirmed, and shown.

use serde_json::Value;

use crate::support::{Sandbox, eventually};

#[test]
fn a_change_is_planned_confirmed_and_shown_with_why_and_who_and_what_to_do_next() {
    let sandbox = Sandbox::up();
    let show = || -> Value {
        let ran = sandbox.run(&["node", "show", "shard-a-1", "-o", "json"]);
        serde_json::from_str(&ran.stdout).expect("JSON alone on stdout")
    };
    // Nobody is there to confirm.
    let ran = sandbox.run(&["node", "cordon", "shard-a-1"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("shard-a-1 of shard-a: up -> cordoned"), "{}", ran.stderr);
    assert!(ran.stderr.contains("no other node of shard-a is up"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert_eq!((&show()["state"], &show()["next"]), (&"up".into(), &Value::Null));

    let ran = sandbox.run(&["node", "cordon", "shard-a-1", "--yes", "-o", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let shown = show();
    assert_eq!(shown["state"], "cordoned");
    assert_eq!(shown["by"], "local-platform-ops");
    assert_eq!(shown["next"], "lxp node uncordon shard-a-1");
    let ran = sandbox.run(&["node", "uncordon", "shard-a-1", "--yes"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);

    let down = ["node", "down", "shard-a-1", "--reason", "a bad disk", "--yes"];
    assert_eq!(sandbox.run(&down).code, Some(0));
    let shown = show();
    assert_eq!((&shown["state"], &shown["why"]), (&"down".into(), &"a bad disk".into()));
    assert_eq!(shown["next"], "lxp node up shard-a-1");
    assert_eq!(sandbox.run(&["node", "up", "shard-a-1", "--yes"]).code, Some(0));
    eventually("it is up again", 30, || show()["state"] == "up");
    let ran = sandbox.run(&["node", "show", "no-such-node"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
}
