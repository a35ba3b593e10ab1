//! `lxp move`: planned, confirmed, shown.

use serde_json::Value;

use crate::support::Sandbox;

#[test]
fn a_move_is_planned_and_begins_only_when_it_is_confirmed() {
    let sandbox = Sandbox::up();
    let added = sandbox.run(&["local", "add-shard"]);
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    let to = |shard: &'static str| ["move", "start", "demo", "--to", shard];
    let home: Value = {
        let ran = sandbox.run(&["institution", "where", "demo", "-o", "json"]);
        serde_json::from_str(&ran.stdout).expect("JSON alone on stdout")
    };
    let target = if home["shard"] == "shard-a" { "shard-b" } else { "shard-a" };

    // Nobody is there to confirm.
    let ran = sandbox.run(&to(target));
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    let plan = format!("demo: {} -> {target}, ", home["shard"].as_str().expect("a shard"));
    assert!(ran.stderr.contains(&plan) && ran.stderr.contains(" rows, "), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("nothing was changed") && ran.stderr.contains("--yes"),
        "{}",
        ran.stderr
    );

    let ran = sandbox.run(&[&to(target)[..], &["--dry-run", "-o", "json"]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let plan: Value = serde_json::from_str(&ran.stdout).expect("JSON alone on stdout");
    assert_eq!((&plan["kind"], &plan["moves"][0]["to"]), (&"move".into(), &target.into()));
    assert!(plan["moves"][0]["rows"].as_i64().is_some_and(|rows| rows > 10), "{plan}");

    assert_eq!(sandbox.run(&["move", "list", "-o", "json"]).stdout, "{\"items\":[]}\n");
    let idle = sandbox.run(&["move", "status"]);
    assert_eq!((idle.code, &*idle.stdout), (Some(0), ""));
    assert!(idle.stderr.contains("no move is under way"), "{}", idle.stderr);
    let shown = sandbox.run(&["institution", "show", "demo", "-o", "json"]).stdout;
    let shown: Value = serde_json::from_str(&shown).expect("JSON alone on stdout");
    assert_eq!(shown["move"], Value::Null);

    for (command, says) in [
        (&to("shard-z")[..], "there is no shard `shard-z`"),
        (&["move", "status", "demo"][..], "was never moved"),
        (&["move", "status", "mv-01234567"][..], "mv-01234567"),
        (&["move", "cancel", "demo", "--yes"][..], "was never moved"),
    ] {
        let ran = sandbox.run(command);
        assert_eq!(ran.code, Some(3), "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(says) && ran.stderr.contains("next  "), "{}", ran.stderr);
    }

    let all = ["--yes", "-w", "--timeout", "2m", "-o", "json"];
    let ran = sandbox.run(&[&to(target)[..], &all].concat());
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let last: Value =
        serde_json::from_str(ran.stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["phase"], &last["to"]), (&"done".into(), &target.into()));
    let arrived = sandbox.run(&["institution", "where", "demo", "-o", "json"]).stdout;
    assert!(arrived.contains(target), "{arrived}");
    let status = sandbox.run(&["move", "status", "demo"]).stdout;
    assert!(status.contains("DONE   took ") && status.contains("    pause "), "{status}");
    let late = sandbox.run(&["move", "cancel", "demo", "--yes"]);
    assert_eq!(late.code, Some(3), "{}", late.stderr);
    assert!(late.stderr.contains("move-committed"), "{}", late.stderr);
}
