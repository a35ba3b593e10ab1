//! How a platform stops.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{Sandbox, anybody_uses, eventually, lives, pid_of, send};

#[test]
fn ctrl_c_stops_everything_and_ends_well() {
    let sandbox = Sandbox::new();
    let mut up = sandbox.up_in_foreground();
    eventually("it is up", 120, || sandbox.run(&["local", "status"]).code == Some(0));
    let pids = sandbox.pids();
    send(i32::try_from(up.id()).expect("an id"), Signal::SIGINT);
    assert_eq!(up.wait().expect("it ends").code(), Some(0));
    assert!(pids[1..].iter().all(|pid| !lives(*pid)));
    assert!(!anybody_uses(&sandbox.data()));
}

#[test]
fn a_closed_terminal_stops_everything_in_order_though_nobody_reads_what_is_said() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["local", "up", "--shards", "1", "--ephemeral"]);
    command.args(["--port", "0", "--control-port", "0"]);
    let mut up = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("lxp");
    drop((up.stdout.take(), up.stderr.take()));
    eventually("it is up", 120, || sandbox.run(&["local", "status"]).code == Some(0));
    send(i32::try_from(up.id()).expect("an id"), Signal::SIGHUP);
    assert_eq!(up.wait().expect("it ends").code(), Some(0));
    let log = sandbox.data().join("logs/postgres-shard-a-primary.log");
    let log = std::fs::read_to_string(log).expect("its log");
    assert!(log.contains("database system is shut down"), "{log}");
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_a_part_that_hangs() {
    let sandbox = Sandbox::new();
    let mut up = sandbox.up_in_foreground();
    eventually("it is up", 120, || sandbox.run(&["local", "status"]).code == Some(0));
    let pids = sandbox.pids();
    send(pid_of(&sandbox.process("node-shard-a-1")), Signal::SIGSTOP);
    let supervisor = i32::try_from(up.id()).expect("an id");
    send(supervisor, Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(500));
    let hurried = Instant::now();
    send(supervisor, Signal::SIGINT);
    assert_eq!(up.wait().expect("it ends").code(), Some(0));
    assert!(hurried.elapsed() < Duration::from_secs(10), "{:?}", hurried.elapsed());
    assert!(pids[1..].iter().all(|pid| !lives(*pid)));
}

#[test]
fn down_keeps_data_and_purge_leaves_nothing() {
    let sandbox = Sandbox::up();
    let postgres = std::fs::canonicalize(sandbox.data().join("postgres")).expect("its data");
    assert_eq!(sandbox.run(&["local", "down"]).code, Some(0));
    assert!(postgres.join("postgres-shard-a-primary/data/PG_VERSION").exists());
    assert!(!anybody_uses(&sandbox.data()));
    assert_eq!(sandbox.run(&["local", "down", "--purge"]).code, Some(0));
    assert!(!sandbox.data().exists());
    assert!(!postgres.exists());
}

#[test]
fn down_where_nothing_runs_is_no_error() {
    let ran = Sandbox::new().run(&["local", "down", "--purge"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("Nothing runs here"), "{}", ran.stderr);
}

#[test]
fn secrets_are_for_their_owner_alone() {
    let sandbox = Sandbox::up();
    for file in ["secrets/secrets.json", "secrets/router.token", "keys/signing.pem", "state.json"] {
        let mode = std::fs::metadata(sandbox.data().join(file)).expect(file).permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is {mode:o}");
    }
}
