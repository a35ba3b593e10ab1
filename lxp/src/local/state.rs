//! What a platform is and how it fares, in `.lxp/state.json`: written whole by the supervisor at each change,
//! read by every other command.
//!
//! The file may be stale (the supervisor was killed) or damaged: whether a supervisor runs is told by the lock
//! alone, whether a process lives by its id together with the time it was started at.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shard_map::InstitutionId;

use super::layout::{Layout, write_private};
use crate::failure::Failure;
use crate::output::say;

/// Everything that is known of a platform.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct State {
    /// The supervisor that wrote this.
    pub(crate) supervisor: u32,
    pub(crate) phase: Phase,
    pub(crate) size: Option<Size>,
    /// Ports by the name of what listens there, kept from one start to the next.
    pub(crate) ports: BTreeMap<String, u16>,
    pub(crate) processes: Vec<Process>,
    /// How far the start is, in order.
    pub(crate) steps: Vec<Step>,
    /// What its user should know, such as another port than the usual one.
    pub(crate) notes: Vec<String>,
    pub(crate) ready_in_ms: Option<u64>,
    /// The demo institution.
    pub(crate) institution: Option<InstitutionId>,
    pub(crate) failure: Option<Failure>,
}

/// How much of everything there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Size {
    pub(crate) shards: u8,
    pub(crate) nodes_per_shard: u8,
    /// Data need not survive a crash of the machine.
    pub(crate) ephemeral: bool,
}

/// Where a platform is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    #[default]
    Stopped,
    Starting,
    Ready,
    Stopping,
    Failed,
}

/// One step of the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    /// How long it took; none while it runs.
    pub(crate) took_ms: Option<u64>,
}

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Router,
    Node,
    ControlPlane,
    PostgresPrimary,
    PostgresReplica,
    Redis,
}

/// One process of the platform. Its members are those of `lxp local status -o json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) shard: Option<String>,
    /// Of a node: its id at the control plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) node_id: Option<String>,
    pub(crate) pid: Option<u32>,
    pub(crate) url: String,
    /// Of a service: where `/metrics`, `/healthz` and `/readyz` are. Of a Postgres: a DSN as owner.
    pub(crate) admin_url: Option<String>,
    /// Of a Postgres: a DSN as the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) app_url: Option<String>,
    pub(crate) state: UpDown,
    /// Stopped by hand, until `lxp local start`.
    #[serde(default)]
    pub(crate) held: bool,
    /// How often the supervisor started it again.
    pub(crate) restarts: u32,
    /// When the kernel started it, in ticks since boot: with the pid it names one process for good.
    pub(crate) started_ticks: Option<u64>,
}

/// Whether a process serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UpDown {
    Up,
    Down,
}

impl State {
    /// The state as it was last written; empty when it is missing or damaged.
    pub(crate) fn read(layout: &Layout) -> Self {
        let text = fs::read(layout.state()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The same, with `down` said of each process that is gone.
    pub(crate) fn read_now(layout: &Layout) -> Self {
        let mut state = Self::read(layout);
        for process in &mut state.processes {
            if !process.lives() {
                process.state = UpDown::Down;
                process.pid = None;
            }
        }
        state
    }

    /// The base URL of a process that has that name.
    pub(crate) fn url(&self, name: &str) -> Option<&str> {
        self.processes.iter().find(|process| process.name == name).map(|process| &*process.url)
    }
}

impl Process {
    /// Whether this very process is there, and not another one with its id.
    pub(crate) fn lives(&self) -> bool {
        self.pid.is_some_and(|pid| {
            let now = started_ticks(pid);
            now.is_some() && now == self.started_ticks
        })
    }
}

/// When a process was started, in ticks since boot; none when it is gone or a zombie.
pub(crate) fn started_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold blanks: the fields are counted from its end. proc(5): state is field 3,
    // starttime field 22.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    if matches!(fields.next(), Some("Z" | "X")) {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// The state in the supervisor's hands: shared by its tasks, written to disk at each change.
#[derive(Debug, Clone)]
pub(crate) struct Board {
    layout: Layout,
    state: Arc<Mutex<State>>,
}

impl Board {
    pub(crate) fn new(layout: &Layout, state: State) -> Self {
        Self { layout: layout.clone(), state: Arc::new(Mutex::new(state)) }
    }

    /// Changes the state and writes it. A disk that is full must not end the supervisor: it is said, no more.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = change(&mut state);
        let written = serde_json::to_vec_pretty(&*state)
            .map_err(anyhow::Error::from)
            .and_then(|json| write_private(&self.layout.state(), &json));
        if let Err(error) = written {
            say(&format!("the state is not written: {error:#}"));
        }
        answer
    }

    pub(crate) fn snapshot(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is known of one process.
    pub(crate) fn process(&self, name: &str, change: impl FnOnce(&mut Process)) {
        self.change(|state| {
            if let Some(process) = state.processes.iter_mut().find(|process| process.name == name) {
                change(process);
            }
        });
    }

    /// Runs one step of the start and notes how long it took.
    pub(crate) async fn step<T>(
        &self,
        name: &str,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let begun = std::time::Instant::now();
        self.change(|state| state.steps.push(Step { name: name.to_owned(), took_ms: None }));
        let answer = work.await?;
        self.change(|state| {
            if let Some(step) = state.steps.iter_mut().find(|step| step.name == name) {
                step.took_ms = Some(millis(begun.elapsed()));
            }
        });
        Ok(answer)
    }
}

/// Whole milliseconds.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_state_is_an_empty_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let layout = Layout::at(directory.path()).expect("a layout");
        fs::write(layout.state(), "{\"supervisor\": 1, \"pro").expect("a file");
        assert_eq!(State::read(&layout).supervisor, 0);
    }

    #[test]
    fn another_process_with_the_same_id_is_not_the_same() {
        let own = std::process::id();
        let mut process = Process {
            name: "router".to_owned(),
            kind: Kind::Router,
            shard: None,
            pid: Some(own),
            url: String::new(),
            admin_url: None,
            app_url: None,
            state: UpDown::Up,
            node_id: None,
            held: false,
            restarts: 0,
            started_ticks: started_ticks(own),
        };
        assert!(process.lives());
        process.started_ticks = process.started_ticks.map(|ticks| ticks + 1);
        assert!(!process.lives());
    }
}
