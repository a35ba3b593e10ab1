//! A platform of one test's own, whose parts it may stop.
//!
//! What must stay true: nothing of it is left when the test ends, whatever became of it. The platform is a child in
//! the foreground, in the test's own process group: what ends the test ends the platform.

use std::ops::Deref;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::platform::{lxp, said};
use crate::{Platform, kill, thaw};

/// A loaded machine takes longer than the usual 6 s.
const UP_WITHIN: Duration = Duration::from_mins(2);

/// A part that was started serves within this.
const PART_UP_WITHIN: Duration = Duration::from_mins(1);

/// The platform. It is gone when this is dropped.
pub struct Own {
    platform: Option<Platform>,
    directory: TempDir,
    child: Child,
}

impl Deref for Own {
    type Target = Platform;

    fn deref(&self) -> &Platform {
        self.platform.as_ref().expect("it is there until it is dropped")
    }
}

impl Own {
    /// Starts one of that size and waits until it serves.
    pub async fn start(shards: usize, nodes_each: usize) -> Self {
        Self::start_with(shards, nodes_each, &[]).await
    }

    /// The same, with variables that its services find in their environment.
    pub async fn start_with(
        shards: usize,
        nodes_each: usize,
        environment: &[(&str, String)],
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (shards, nodes) = (shards.to_string(), nodes_each.to_string());
        let mut options = vec!["local", "up", "--ephemeral", "--port", "0", "--control-port", "0"];
        options.extend(["--shards", &shards, "--nodes-per-shard", &nodes]);
        let log = std::fs::File::create(directory.path().join("up.log")).expect("a file");
        let mut command = lxp(&options, &directory.path().join("data"));
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a file")).stderr(log);
        let child = command.spawn().expect("lxp runs");
        let mut own = Self { platform: None, directory, child };
        let data = own.directory.path().join("data");
        let begun = Instant::now();
        while !lxp(&["local", "status"], &data).output().expect("lxp runs").status.success() {
            let ended = own.child.try_wait().expect("a child");
            assert!(ended.is_none(), "it did not start: {}", own.said());
            assert!(begun.elapsed() < UP_WITHIN, "it is not up: {}", own.said());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        own.platform = Some(Platform::at(data));
        own
    }

    /// The id of a part that runs.
    pub fn pid(&self, name: &str) -> i32 {
        let processes = self.processes_now();
        let process = processes.iter().find(|process| process["name"] == name);
        let process = process.unwrap_or_else(|| panic!("no process is called {name}"));
        pid_of(process).unwrap_or_else(|| panic!("{name} does not run"))
    }

    /// Stops parts in order and holds them down.
    pub async fn stop(&self, names: &[&str]) {
        self.say("stop", names).await;
    }

    /// Kills parts and holds them down.
    pub async fn stop_now(&self, names: &[&str]) {
        self.say("stop", &[&["--now"], names].concat()).await;
    }

    /// Starts parts that were stopped, and waits until they serve: same ports, same data.
    pub async fn begin(&self, names: &[&str]) {
        self.say("start", names).await;
    }

    /// Starts parts anew, one after the other; a router without a gap.
    pub async fn restart(&self, names: &[&str]) {
        self.say("restart", names).await;
    }

    /// `lxp local <order> <names>`; whatever else the test does, its load above all, goes on meanwhile.
    async fn say(&self, order: &str, names: &[&str]) {
        let command = lxp(&[&["local", order], names].concat(), self.data());
        let output = tokio::process::Command::from(command).output().await.expect("lxp runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Waits until another process than `before` serves under the name.
    pub async fn is_up_again(&self, name: &str, before: i32) {
        let begun = Instant::now();
        loop {
            let processes = self.processes_now();
            let process = processes.iter().find(|process| process["name"] == name);
            let up = process.is_some_and(|process| {
                process["state"] == "up" && pid_of(process).is_some_and(|pid| pid != before)
            });
            if up {
                return;
            }
            assert!(begun.elapsed() < PART_UP_WITHIN, "{name} is not up again: {process:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Kills a part with -9; whoever runs the platform starts it again.
    pub fn kill(&self, name: &str) -> i32 {
        let pid = self.pid(name);
        kill(pid);
        pid
    }

    /// Everything is up, within a minute.
    pub async fn expect_all_up(&self) {
        let begun = Instant::now();
        loop {
            let processes = self.processes_now();
            let down: Vec<_> =
                processes.iter().filter(|process| process["state"] != "up").collect();
            if down.is_empty() {
                return;
            }
            assert!(begun.elapsed() < PART_UP_WITHIN, "not up: {down:#?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What a part has written.
    pub fn log(&self, name: &str) -> String {
        said(&["local", "logs", name, "-n", "40"], self.data())
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("up.log")).unwrap_or_default()
    }
}

fn pid_of(process: &Value) -> Option<i32> {
    process["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok())
}

impl Drop for Own {
    fn drop(&mut self) {
        let data = self.directory.path().join("data");
        if self.platform.is_some() {
            // What was left frozen could not stop.
            self.processes_now().iter().filter_map(pid_of).for_each(thaw);
            if std::thread::panicking() {
                let logs = lxp(&["local", "logs", "-n", "8"], &data).output();
                let logs = logs.map(|output| output.stdout).unwrap_or_default();
                eprintln!("{}\n{}", self.said(), String::from_utf8_lossy(&logs));
            }
        }
        // Of a test that failed, too; when there is nothing, that is what is wanted.
        let _ = lxp(&["local", "down", "--purge"], &data).output();
        let _ = self.child.wait();
    }
}
