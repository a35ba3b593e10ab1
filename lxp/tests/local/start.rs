//! How a platform starts, and how it says that it cannot.

use std::net::TcpListener;

use crate::support::{Sandbox, anybody_uses, eventually, send};
use nix::sys::signal::Signal;
use serde_json::Value;

#[test]
fn up_gives_every_process_of_a_platform_and_says_where() {
    let sandbox = Sandbox::up();
    let ran = sandbox.run(&["local", "status", "-o", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let mut names: Vec<String> = Vec::new();
    for process in sandbox.processes() {
        let name = process["name"].as_str().expect("a name").to_owned();
        assert_eq!(process["state"], "up", "{name}");
        assert!(process["pid"].is_u64(), "{name}");
        assert!(process["url"].as_str().is_some_and(|url| url.contains("127.0.0.1:")), "{name}");
        let is_shards_postgres = name.starts_with("postgres-");
        assert_eq!(process["appUrl"].is_string(), is_shards_postgres, "{name}");
        let as_app = process["appUrl"].as_str().is_none_or(|dsn| dsn.contains("//lxp_app:"));
        assert!(as_app, "{name}");
        let node_id = name.strip_prefix("node-").map(Value::from).unwrap_or_default();
        assert_eq!(process["nodeId"], node_id, "{name}");
        names.push(name);
    }
    names.sort();
    let expected = [
        "control-plane",
        "control-postgres",
        "node-shard-a-1",
        "postgres-shard-a-primary",
        "postgres-shard-a-replica-1",
        "redis-shard-a-1",
        "redis-shard-a-2",
        "redis-shard-a-3",
        "router",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_printed_environment_reaches_the_demo_institution() {
    let sandbox = Sandbox::up();
    let script = format!(
        "set -e; eval \"$('{lxp}' local env)\"; test -n \"$LXP_CONTROL_URL$LXP_CONTROL_TOKEN$LXP_INSTITUTION\"; \
         curl -fsS -H \"Authorization: Bearer $LXP_TOKEN\" \"$LXP_URL/v1/programs\"",
        lxp = env!("CARGO_BIN_EXE_lxp")
    );
    let mut shell = std::process::Command::new("bash");
    let output = shell.arg("-c").arg(script).current_dir(sandbox.data()).output().expect("bash");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("\"items\""), "{said}");
}

#[test]
fn a_second_up_says_what_runs_and_changes_nothing() {
    let sandbox = Sandbox::up();
    let before = sandbox.pids();
    let ran = sandbox.up_again();
    assert!(ran.stderr.contains("Already up"), "{}", ran.stderr);
    assert!(ran.stdout.contains("API      http://127.0.0.1:"), "{}", ran.stdout);
    assert_eq!(sandbox.pids(), before);
}

#[test]
fn a_taken_port_is_named_with_its_holder_and_nothing_is_started() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port().to_string();
    let ran = sandbox.run(&["local", "up", "-d", "--port", &port]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("port {port} is taken by")), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("(pid {})", std::process::id())), "{}", ran.stderr);
    assert!(!anybody_uses(&sandbox.data()));
}

#[test]
fn a_refused_start_does_not_fix_the_size_of_what_has_no_data() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port().to_string();
    let ran = sandbox.run(&["local", "up", "-d", "--shards", "5", "--port", &port]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    // One shard: fewer than five.
    sandbox.up_again();
    let ran = sandbox.run(&["local", "up", "-d", "--shards", "2"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("it has 1 shards"), "{}", ran.stderr);
}

#[test]
fn a_part_that_fails_at_its_start_is_named_and_all_else_is_stopped() {
    let sandbox = Sandbox::new();
    let mut up = sandbox.command(&["local", "up", "-d", "--shards", "1", "--ephemeral"]);
    up.args(["--port", "0", "--control-port", "0"]).env("LXP_ROUTER__LISTEN", "nowhere");
    let output = up.output().expect("lxp");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("router ended"), "{said}");
    assert!(said.contains("logs/router.log") && said.contains("  | "), "{said}");
    assert!(said.contains("next  "), "{said}");
    assert!(!anybody_uses(&sandbox.data()));
}

#[test]
fn a_start_that_is_interrupted_leaves_nothing_running() {
    let sandbox = Sandbox::new();
    let mut up = sandbox.up_in_foreground();
    let log = sandbox.data().join("logs/postgres-shard-a-primary.log");
    eventually("a database is started", 60, || log.exists());
    send(i32::try_from(up.id()).expect("an id"), Signal::SIGINT);
    let status = up.wait().expect("it ends");
    assert_eq!(status.code(), Some(3));
    // What was killed as a group ends a moment after the command.
    eventually("nobody is left", 5, || !anybody_uses(&sandbox.data()));
}

#[test]
fn what_an_earlier_life_left_is_harmless() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.data()).expect("a directory");
    std::fs::write(sandbox.data().join("lock"), "1\n").expect("a lock that nobody holds");
    std::fs::write(sandbox.data().join("state.json"), "{\"supervisor\": 1, \"proc")
        .expect("a state");
    sandbox.up_again();
    assert_eq!(sandbox.run(&["local", "status"]).code, Some(0));
}
