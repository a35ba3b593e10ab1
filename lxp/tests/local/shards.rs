//! `lxp local add-shard`: a shard more while the platform runs.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Sandbox, eventually, pid_of, send};

fn names(sandbox: &Sandbox) -> Vec<String> {
    let name = |process: Value| process["name"].as_str().expect("a name").to_owned();
    let mut names: Vec<String> = sandbox.processes().into_iter().map(name).collect();
    names.sort();
    names
}

fn shard(sandbox: &Sandbox, id: &str) -> Value {
    let ran = sandbox.run(&["shard", "show", id, "-o", "json"]);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr))
}

#[test]
fn an_added_shard_serves_is_supervised_and_is_there_again_at_the_next_up_though_it_is_drained() {
    let sandbox = Sandbox::up();
    let before = names(&sandbox);
    let ran = sandbox.run(&["local", "add-shard", "--weight", "3", "--nodes", "2"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("shard-b"), "{}", ran.stderr);
    let added = [
        "node-shard-b-1",
        "node-shard-b-2",
        "postgres-shard-b-primary",
        "postgres-shard-b-replica-1",
        "redis-shard-b-1",
        "redis-shard-b-2",
        "redis-shard-b-3",
    ];
    let mut expected: Vec<String> = before.into_iter().chain(added.map(str::to_owned)).collect();
    expected.sort();
    assert_eq!(names(&sandbox), expected);
    let status = sandbox.run(&["local", "status"]);
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    let shown = shard(&sandbox, "shard-b");
    assert_eq!((&shown["state"], &shown["weight"]), (&"active".into(), &3.into()));
    let school = ["institution", "create", "north", "--name", "North", "--shard", "shard-b"];
    let made = sandbox.run(&school);
    assert_eq!(made.code, Some(0), "{}", made.stderr);

    let killed = pid_of(&sandbox.process("node-shard-b-2"));
    send(killed, Signal::SIGKILL);
    eventually("it is started again", 30, || {
        let process = sandbox.process("node-shard-b-2");
        process["state"] == "up" && process["restarts"] == 1
    });

    // At hours that are not now: it leaves the ring, and keeps whom it has.
    let since_epoch = std::time::UNIX_EPOCH.elapsed().expect("a clock");
    let hour = |from_now: u64| (since_epoch.as_secs() / 3600 + from_now) % 24;
    let between = format!("{}-{}", hour(6), hour(8));
    let drain = ["shard", "drain", "shard-b", "--between", &between, "--yes"];
    let ran = sandbox.run(&drain);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);

    let url = sandbox.process("postgres-shard-b-primary")["url"].clone();
    assert_eq!(sandbox.run(&["local", "down"]).code, Some(0));
    sandbox.up_again();
    assert_eq!(names(&sandbox), expected);
    assert_eq!(sandbox.process("postgres-shard-b-primary")["url"], url);
    let shown = shard(&sandbox, "shard-b");
    assert_eq!((&shown["state"], &shown["weight"]), (&"draining".into(), &3.into()));
    assert_eq!(shown["institutions"], 1);
}

#[test]
fn a_shard_that_was_removed_is_not_there_again_at_the_next_up() {
    let sandbox = Sandbox::up();
    let before = names(&sandbox);
    for command in [
        &["local", "add-shard"][..],
        &["shard", "drain", "shard-b", "--yes"],
        &["shard", "undrain", "shard-b", "--yes"],
        &["shard", "drain", "shard-b", "--yes"],
        &["shard", "remove", "shard-b", "--yes"],
    ] {
        let ran = sandbox.run(command);
        assert_eq!(ran.code, Some(0), "{command:?}: {}", ran.stderr);
    }
    for _ in 0..2 {
        assert_eq!(sandbox.run(&["local", "down"]).code, Some(0));
        sandbox.up_again();
        assert_eq!(names(&sandbox), before);
        let ran = sandbox.run(&["shard", "show", "shard-b"]);
        assert_ne!(ran.code, Some(0), "{}", ran.stderr);
    }
}

#[test]
fn a_shard_that_cannot_start_is_named_and_leaves_the_others_as_they_were() {
    let sandbox = Sandbox::up();
    let before = names(&sandbox);
    // Found out when its databases run already.
    let in_the_way = sandbox.data().join("config/node-shard-b-1.toml");
    std::fs::create_dir(&in_the_way).expect("a directory where a file is to be");
    let ran = sandbox.run(&["local", "add-shard"]);
    assert_ne!(ran.code, Some(0));
    let why = ran.stderr.contains("config/node-shard-b-1.toml");
    assert!(why && ran.stderr.contains("next  "), "{}", ran.stderr);
    assert_eq!(names(&sandbox), before);
    assert_eq!(sandbox.run(&["local", "status"]).code, Some(0));
    std::fs::remove_dir(in_the_way).expect("removed");
    let again = sandbox.run(&["local", "add-shard"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(shard(&sandbox, "shard-b")["state"], "active");
}

#[test]
fn without_a_platform_there_is_nothing_to_add_to() {
    let ran = Sandbox::new().run(&["local", "add-shard"]);
    assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    assert!(ran.stderr.contains("no platform is up here"), "{}", ran.stderr);
}
