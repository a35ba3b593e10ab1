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
