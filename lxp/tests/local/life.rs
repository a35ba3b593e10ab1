//! What becomes of a platform whose parts die.

use nix::sys::signal::Signal;

use crate::support::{Sandbox, eventually, lives, pid_of, send};

#[test]
fn a_killed_part_is_started_again_and_counted() {
    let sandbox = Sandbox::up();
    for name in
        ["node-shard-a-1", "router", "redis-shard-a-2", "postgres-shard-a-primary", "control-plane"]
    {
        let killed = pid_of(&sandbox.process(name));
        send(killed, Signal::SIGKILL);
        eventually(&format!("{name} serves again"), 30, || {
            let process = sandbox.process(name);
            process["state"] == "up" && pid_of_any(&process) != Some(killed)
        });
        assert_eq!(sandbox.process(name)["restarts"], 1, "{name}");
    }
    let log = std::fs::read_to_string(sandbox.data().join("logs/supervisor.log")).expect("its log");
    assert!(log.contains("node-shard-a-1 ended (signal: 9"), "{log}");
    assert_eq!(sandbox.run(&["local", "status"]).code, Some(0));
}

#[test]
fn a_part_that_is_held_stays_down_until_it_is_started_with_its_port_and_its_data() {
    let sandbox = Sandbox::up();
    let institutions = || sandbox.run(&["institution", "list", "-o", "json"]).stdout;
    let before = institutions();
    let parts = ["control-postgres", "redis-shard-a-1", "node-shard-a-1"];
    let urls = parts.map(|name| sandbox.process(name)["url"].clone());
    // One gently, the others as a crash would end them.
    let ran = sandbox.run(&["local", "stop", parts[0]]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = sandbox.run(&["local", "stop", "--now", parts[1], parts[2]]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // Longer than the first pauses of what crashed by itself.
    std::thread::sleep(std::time::Duration::from_secs(2));
    for name in parts {
        let process = sandbox.process(name);
        assert_eq!(process["state"], "down", "{name}");
        assert_eq!((&process["held"], &process["restarts"]), (&true.into(), &0.into()), "{name}");
    }
    let ran = sandbox.run(&["local", "status"]);
    assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    assert!(parts.iter().all(|name| ran.stderr.contains(name)), "{}", ran.stderr);
    assert!(ran.stderr.contains("next  lxp local start "), "{}", ran.stderr);
    let ran = sandbox.run(&["local", "start", parts[0], parts[1], parts[2]]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(parts.map(|name| sandbox.process(name)["url"].clone()), urls);
    eventually("the control plane answers as before", 30, || institutions() == before);
    assert_eq!(sandbox.run(&["local", "status"]).code, Some(0));
}

#[test]
fn up_migrates_shards_that_an_older_build_left_behind() {
    let sandbox = Sandbox::up();
    let schemas = || {
        let shown = sandbox.run(&["shard", "show", "shard-a", "-o", "json"]).stdout;
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        ["schemaVersion", "schemaWanted"].map(|key| shown[key].as_i64().expect("a version"))
    };
    let wanted = schemas();
    let control = sandbox.process("control-postgres")["adminUrl"].clone();
    // As the build before the last migration left it.
    let before = "UPDATE shards SET (schema_wanted, schema_version) = (schema_wanted - 1, schema_wanted - 1)";
    let mut psql = std::process::Command::new("psql");
    let output = psql.arg(control.as_str().expect("a DSN")).args(["-qc", before]).output();
    assert!(output.expect("psql").status.success());
    assert_ne!(schemas(), wanted);
    assert_eq!(sandbox.run(&["local", "down"]).code, Some(0));
    sandbox.up_again();
    assert_eq!(schemas(), wanted);
}

#[test]
fn a_part_that_is_frozen_is_shown_as_down_until_it_thaws() {
    let sandbox = Sandbox::up();
    for name in ["postgres-shard-a-primary", "control-plane"] {
        let frozen = pid_of(&sandbox.process(name));
        send(frozen, Signal::SIGSTOP);
        eventually("it is shown as down", 30, || sandbox.process(name)["state"] == "down");
        assert_eq!(sandbox.run(&["local", "status"]).code, Some(5));
        send(frozen, Signal::SIGCONT);
        eventually("it is shown as up", 30, || sandbox.process(name)["state"] == "up");
        assert_eq!(pid_of(&sandbox.process(name)), frozen, "{name} was not started again");
    }
}

#[test]
fn a_held_part_that_hangs_is_killed_and_a_platform_with_one_stops_as_any() {
    let sandbox = Sandbox::up();
    let hangs = pid_of(&sandbox.process("redis-shard-a-3"));
    send(hangs, Signal::SIGSTOP);
    let ran = sandbox.run(&["local", "stop", "redis-shard-a-3"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!lives(hangs));
    let ran = sandbox.run(&["local", "stop", "no-such-part"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("redis-shard-a-3"), "{}", ran.stderr);
    assert_eq!(sandbox.run(&["local", "down"]).code, Some(0));
    // What was held is forgotten: `up` starts everything.
    sandbox.up_again();
    assert_eq!(sandbox.process("redis-shard-a-3")["state"], "up");
}

#[test]
fn a_killed_supervisor_leaves_no_orphans_and_the_next_up_finds_the_same_data_and_ports() {
    let sandbox = Sandbox::up();
    let pids = sandbox.pids();
    let url = sandbox.process("router")["url"].clone();
    assert!(pids.len() > 9, "{pids:?}");
    send(sandbox.supervisor(), Signal::SIGKILL);
    eventually("every process is gone", 30, || pids.iter().all(|pid| !lives(*pid)));
    let ran = sandbox.run(&["local", "status"]);
    assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    let institutions = || sandbox.run(&["institution", "list", "-o", "json"]).stdout;
    // Without --port: the port that it had, where it is still free.
    assert_eq!(sandbox.run(&["local", "up", "-d"]).code, Some(0));
    assert_eq!(sandbox.process("router")["url"], url);
    assert!(institutions().contains("\"demo\""));
    assert_eq!(sandbox.process("postgres-shard-a-replica-1")["state"], "up");
}

fn pid_of_any(process: &serde_json::Value) -> Option<i32> {
    process["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok())
}
