//! A small platform that is gone when the test ends, whatever became of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// The options of a platform that starts fast and meets nobody: one shard, any free ports, no waiting for disks.
const SMALL: [&str; 7] = ["--shards", "1", "--port", "0", "--control-port", "0", "--ephemeral"];

pub(crate) struct Sandbox {
    directory: TempDir,
}

pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    /// An empty directory.
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    /// A platform that is up, in the background.
    pub(crate) fn up() -> Self {
        let sandbox = Self::new();
        sandbox.up_again();
        sandbox
    }

    pub(crate) fn up_again(&self) -> Ran {
        let ran = self.run(&with_small(&["local", "up", "-d"]));
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        ran
    }

    /// `lxp local up` in the foreground, as on a terminal.
    pub(crate) fn up_in_foreground(&self) -> Child {
        let mut command = self.command(&with_small(&["local", "up"]));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("lxp")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join(".lxp")
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lxp"));
        command.args(args).current_dir(self.directory.path()).stdin(Stdio::null());
        for inherited in ["LXP_URL", "LXP_CONTROL_URL", "LXP_CONTROL_TOKEN", "LXP_DATA_DIR"] {
            command.env_remove(inherited);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let Output { status, stdout, stderr } = self.command(args).output().expect("lxp");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// `lxp local status -o json`.
    pub(crate) fn processes(&self) -> Vec<Value> {
        let ran = self.run(&["local", "status", "-o", "json"]);
        let json: Value = serde_json::from_str(&ran.stdout).expect("JSON alone on stdout");
        json["processes"].as_array().expect("processes").clone()
    }

    pub(crate) fn process(&self, name: &str) -> Value {
        let found = self.processes().into_iter().find(|process| process["name"] == name);
        found.unwrap_or_else(|| panic!("no process {name}"))
    }

    /// The ids of all processes, the supervisor's first.
    pub(crate) fn pids(&self) -> Vec<i32> {
        let ids = self.processes().into_iter().filter_map(|process| process["pid"].as_i64());
        let ids = ids.map(|pid| i32::try_from(pid).expect("an id"));
        std::iter::once(self.supervisor()).chain(ids).collect()
    }

    pub(crate) fn supervisor(&self) -> i32 {
        let lock = std::fs::read_to_string(self.data().join("lock")).expect("the lock");
        lock.trim().parse().expect("the supervisor's id")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Of a test that failed, too; when there is nothing, that is what is wanted.
        let _ = self.run(&["local", "down", "--purge"]);
    }
}

fn with_small<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().copied().chain(SMALL).collect()
}

pub(crate) fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("the process is there");
}

pub(crate) fn pid_of(process: &Value) -> i32 {
    process["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("an id")
}

/// Whether a process is there, and more than a zombie that nobody waits for.
pub(crate) fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Waits until something holds; fails after `seconds`.
pub(crate) fn eventually(what: &str, seconds: u64, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether any process works in or below a directory, or has it among its arguments.
pub(crate) fn anybody_uses(directory: &Path) -> bool {
    let needle = directory.to_str().expect("UTF-8");
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    processes.into_iter().any(|process| {
        let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let cwd = std::fs::read_link(process.path().join("cwd")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).contains(needle) || cwd.starts_with(directory)
    })
}
