//! A platform of the same build, with one node a shard, for the parts that need all of it: `lxp local up` as
//! a child in a directory of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use service_kit::token::{Mint, Role, Roles, SigningKey};
use shard_map::InstitutionId;
use uuid::Uuid;

use crate::cpu;
use crate::running::Running;
use crate::settings::Settings;

const READY_WITHIN: Duration = Duration::from_mins(3);

/// A part of the platform, as tables name it, and the kinds of process that belong to it.
pub(crate) const PARTS: [(&str, &[&str]); 6] = [
    ("router", &["router"]),
    ("node", &["node"]),
    ("Postgres", &["postgres-primary"]),
    ("replica", &["postgres-replica"]),
    ("Redis", &["redis"]),
    ("control plane", &["control-plane"]),
];

/// The running platform; it is stopped and its data deleted when it is dropped.
#[derive(Debug)]
pub(crate) struct Platform {
    lxp: String,
    data: PathBuf,
    processes: Vec<Value>,
    key: SigningKey,
    control: (String, String),
    /// As a superuser of the shard's database.
    pub(crate) superuser: String,
    supervisor: Option<Running>,
    _directory: tempfile::TempDir,
}

impl Platform {
    /// One with one shard.
    pub(crate) async fn start(settings: &Settings) -> anyhow::Result<Self> {
        Self::start_with(settings, 1).await
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start_with(settings: &Settings, shards: u32) -> anyhow::Result<Self> {
        Self::start_in(settings, shards, &[]).await
    }

    /// The same, with variables that its services find in their environment.
    pub(crate) async fn start_in(
        settings: &Settings,
        shards: u32,
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let lxp = settings.program("lxp")?;
        let directory = tempfile::Builder::new().prefix("lxp-bench.").tempdir()?;
        let data = directory.path().to_owned();
        let place = data.display().to_string();
        let shards = shards.to_string();
        let up = ["local", "up", "--ephemeral", "--shards", &shards, "--nodes-per-shard", "1"];
        let ports = ["--port", "0", "--control-port", "0", "--data-dir", place.as_str()];
        let supervisor =
            Running::start_orderly(&lxp, &[&up[..], &ports[..]].concat(), environment)?;
        let mut platform = Self {
            lxp,
            data,
            processes: Vec::new(),
            key: SigningKey::generate()?,
            control: (String::new(), String::new()),
            superuser: String::new(),
            supervisor: Some(supervisor),
            _directory: directory,
        };
        platform.until_ready().await?;
        platform.read()?;
        Ok(platform)
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while self.lxp(&["local", "status", "-o", "json"]).is_err() {
            if let Some(supervisor) = &mut self.supervisor {
                supervisor.expect_alive("lxp local up")?;
            }
            anyhow::ensure!(Instant::now() < deadline, "the platform does not become ready");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    }

    fn read(&mut self) -> anyhow::Result<()> {
        let status: Value = serde_json::from_str(&self.lxp(&["local", "status", "-o", "json"])?)?;
        let processes = status["processes"].as_array().context("no processes")?;
        self.processes.clone_from(processes);
        let environment = self.lxp(&["local", "env"])?;
        let tests = self.lxp(&["local", "env", "--test"])?;
        self.control =
            (value(&environment, "LXP_CONTROL_URL")?, value(&environment, "LXP_CONTROL_TOKEN")?);
        let superuser = value(&tests, "LXP_TEST_POSTGRES")?;
        let (server, _) = superuser.rsplit_once('/').context("no database in the DSN")?;
        self.superuser = format!("{server}/lxp");
        self.key =
            SigningKey::from_pem(&std::fs::read_to_string(self.data.join("keys/signing.pem"))?)?;
        Ok(())
    }

    /// Runs `lxp ... --data-dir`.
    fn lxp(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(&self.lxp)
            .args(arguments)
            .arg("--data-dir")
            .arg(&self.data)
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "lxp {}: {said}", arguments.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn first(&self, kind: &str) -> anyhow::Result<&Value> {
        let found = self.processes.iter().find(|process| process["kind"] == kind);
        found.with_context(|| format!("the platform has no {kind}"))
    }

    /// The router's URL.
    pub(crate) fn router(&self) -> anyhow::Result<&str> {
        self.first("router")?["url"].as_str().context("no URL")
    }

    /// The DSN of the shard's primary as the node has it.
    pub(crate) fn app_dsn(&self) -> anyhow::Result<&str> {
        let primaries = self.processes.iter().filter(|one| one["kind"] == "postgres-primary");
        let shards = primaries.filter(|one| one["shard"].is_string());
        shards.into_iter().find_map(|one| one["appUrl"].as_str()).context("no primary of a shard")
    }

    /// The log of the shard's primary.
    pub(crate) fn primary_log(&self) -> PathBuf {
        self.data.join("logs/postgres-shard-a-primary.log")
    }

    /// The CPU time that each of [`PARTS`] has used so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Vec<Duration>> {
        let of = |kinds: &[&str]| {
            let mut sum = Duration::ZERO;
            for process in &self.processes {
                let kind = process["kind"].as_str().unwrap_or_default();
                // The control plane's own database counts with the control plane.
                let kind = if process["shard"].is_null() && kind.starts_with("postgres") {
                    "control-plane"
                } else {
                    kind
                };
                if kinds.contains(&kind) {
                    let pid = process["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
                    sum += cpu::of_tree(pid.context("a process without a pid")?)?;
                }
            }
            Ok(sum)
        };
        PARTS.iter().map(|(_, kinds)| of(kinds)).collect()
    }

    /// Sends a signal to every process of a kind.
    pub(crate) fn signal(&self, kind: &str, signal: Signal) -> anyhow::Result<()> {
        for process in self.processes.iter().filter(|process| process["kind"] == kind) {
            let pid = process["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
            kill(Pid::from_raw(pid.context("a process without a pid")?), signal)?;
        }
        Ok(())
    }

    /// The pid of the first process of a kind.
    pub(crate) fn pid(&self, kind: &str) -> anyhow::Result<u32> {
        let pid = self.first(kind)?["pid"].as_u64().context("no pid")?;
        Ok(u32::try_from(pid)?)
    }

    /// The DSN of the control database, as its owner.
    pub(crate) fn control_database(&self) -> anyhow::Result<&str> {
        let primaries = self.processes.iter().filter(|one| one["kind"] == "postgres-primary");
        let control = primaries.into_iter().find(|one| one["shard"].is_null());
        control.and_then(|one| one["adminUrl"].as_str()).context("no control database")
    }

    /// The control plane's URL, and a token for it.
    pub(crate) fn control_plane(&self) -> (&str, &str) {
        (&self.control.0, &self.control.1)
    }

    /// Makes an institution.
    pub(crate) async fn institution(&self, slug: &str) -> anyhow::Result<InstitutionId> {
        let body = json!({"slug": slug, "name": slug, "timezone": "Europe/London"});
        self.make_institution(&body).await
    }

    /// Makes one on a shard.
    pub(crate) async fn institution_on(
        &self,
        slug: &str,
        shard: &str,
    ) -> anyhow::Result<InstitutionId> {
        let zone = "Europe/London";
        self.make_institution(
            &json!({"slug": slug, "name": slug, "timezone": zone, "shard": shard}),
        )
        .await
    }

    async fn make_institution(&self, body: &Value) -> anyhow::Result<InstitutionId> {
        let made = self.control_post("/v1/institutions", body).await?;
        Ok(made["id"].as_str().context("no id")?.parse()?)
    }

    /// Posts to the control plane.
    pub(crate) async fn control_post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.control(|http, url| http.post(format!("{url}{path}")).json(body)).await
    }

    /// Changes something at the control plane.
    pub(crate) async fn control_patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.control(|http, url| http.patch(format!("{url}{path}")).json(body)).await
    }

    /// Asks the control plane.
    pub(crate) async fn control_get(&self, path: &str) -> anyhow::Result<Value> {
        self.control(|http, url| http.get(format!("{url}{path}"))).await
    }

    async fn control(
        &self,
        request: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder,
    ) -> anyhow::Result<Value> {
        let (url, token) = &self.control;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let answer = request(&client, url).bearer_auth(token).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "the control plane: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// A DSN of a shard's database as its superuser.
    pub(crate) fn superuser_of(&self, shard: &str) -> anyhow::Result<String> {
        let name = format!("postgres-{shard}-primary");
        let found = self.processes.iter().find(|process| process["name"] == name.as_str());
        let url = found.and_then(|process| process["url"].as_str()).context("no such shard")?;
        let who = self.superuser.rsplit_once('@').context("no user in the DSN")?.0;
        Ok(format!("{who}@{}/lxp", url.trim_start_matches("postgres://")))
    }

    /// A token of an administrator, valid for hours.
    pub(crate) fn token(&self, institution: InstitutionId, subject: Uuid) -> String {
        self.token_as(institution, Role::Admin, subject)
    }

    /// A token of a user with a role.
    pub(crate) fn token_as(&self, institution: InstitutionId, role: Role, subject: Uuid) -> String {
        self.key.mint(&Mint {
            issuer: "lxp-local",
            audience: "lxp",
            subject,
            institution,
            roles: Roles::from(role),
            issued_at: service_kit::clock::now(),
            ttl: chrono::TimeDelta::hours(12),
            token_id: subject,
        })
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // Its own end stops everything below it.
        self.supervisor = None;
        if let Err(error) = self.lxp(&["local", "down", "--purge"]) {
            eprintln!("lxp-bench: {} may be left behind: {error:#}", self.data.display());
        }
    }
}

/// The value of a line `export NAME=value`.
fn value(lines: &str, name: &str) -> anyhow::Result<String> {
    let prefix = format!("export {name}=");
    let found = lines.lines().find_map(|line| line.strip_prefix(&prefix));
    Ok(found.with_context(|| format!("no {name}"))?.trim_matches('\'').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_be_quoted() {
        let lines = "export A=b\nexport C='d e'\n";
        assert_eq!(value(lines, "A").expect("a value"), "b");
        assert_eq!(value(lines, "C").expect("a value"), "d e");
        assert!(value(lines, "D").is_err());
    }
}
