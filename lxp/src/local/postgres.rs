//! Postgres servers: made, configured anew at each start, copied to a replica.
//!
//! What must stay true:
//! - A data directory is whole or not there: it is made beside and renamed.
//! - Only 127.0.0.1 is listened on, only by password (scram-sha-256); there is no Unix socket.
//! - Settings lie outside the data directory and are written at each start, so that a changed port or password
//!   needs no other care.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use super::account::Account;
use super::child::Spec;
use super::layout::{make_dir, remove, write_private};
use super::probe::Probe;
use super::state::{Kind, Process, UpDown};
use crate::failure::Failure;

/// The superuser of each server.
const SUPERUSER: &str = "postgres";

/// Making a cluster or copying one may take this long.
const PREPARE_WITHIN: Duration = Duration::from_mins(2);

/// A server left by a killed supervisor gets this long to end.
const LEFTOVER_WITHIN: Duration = Duration::from_secs(20);

/// Where the server's programs are, and whom they run as.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    bin: PathBuf,
    pub(crate) account: Account,
}

/// One server.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) shard: Option<String>,
    /// Holds `data` and the settings.
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    pub(crate) log: PathBuf,
    pub(crate) superuser_password: String,
    pub(crate) app_url: String,
    pub(crate) owner_url: String,
    /// The port of the primary that a replica follows, and its slot there.
    pub(crate) follows: Option<(u16, String)>,
    pub(crate) ephemeral: bool,
}

impl Installation {
    /// Finds the programs: where `pg_config` says, else the newest of Debian's.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let asked = std::process::Command::new("pg_config").arg("--bindir").output();
        let said = asked.ok().and_then(|output| String::from_utf8(output.stdout).ok());
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut debian: Vec<(u32, PathBuf)> = versions
            .filter_map(|version| {
                let number = version.file_name().to_str()?.parse().ok()?;
                Some((number, version.path().join("bin")))
            })
            .collect();
        debian.sort_unstable();
        let mut places = said
            .map(|dir| PathBuf::from(dir.trim()))
            .into_iter()
            .chain(debian.into_iter().rev().map(|(_, bin)| bin));
        let bin = places
            .find(|bin| bin.join("postgres").is_file() && bin.join("initdb").is_file())
            .ok_or_else(|| {
                Failure::refused("Postgres' server programs are not installed: neither `pg_config --bindir` nor /usr/lib/postgresql/*/bin has `postgres` and `initdb`")
                    .next("apt-get install postgresql-15, or `make up`, which does it")
            })?;
        Ok(Self { bin, account: Account::for_postgres()? })
    }

    async fn run(&self, program: &str, args: &[OsString], password: &str) -> anyhow::Result<()> {
        let mut command = self.account.command(self.bin.join(program), Signal::SIGKILL);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8");
        command.env("PGPASSWORD", password).current_dir("/").args(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let cannot = || format!("`{program}` cannot be run through setpriv (util-linux)");
        let child = command.spawn().with_context(cannot)?;
        let mut group = Group::of(&child);
        let output: Output = timeout(PREPARE_WITHIN, child.wait_with_output())
            .await
            .map_err(|_| {
                anyhow::anyhow!("`{program}` takes longer than {} s", PREPARE_WITHIN.as_secs())
            })?
            .with_context(cannot)?;
        group.has_ended();
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::bail!("`{program}` ended ({}): {}", output.status, said.trim())
    }
}

/// A program and what it has started itself (initdb runs servers): dropped before its end, all of them are killed.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }

    fn has_ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Nobody there any more is just as well.
            let _ = killpg(leader, Signal::SIGKILL);
        }
    }
}

impl Server {
    /// Makes the data directory if there is none, and writes the settings.
    pub(crate) async fn prepare(&self, with: &Installation) -> anyhow::Result<()> {
        make_dir(&self.dir, 0o711)?;
        // The user `postgres` makes directories of its own in it.
        with.account.own(&self.dir)?;
        self.end_leftover().await?;
        if !self.data().join("PG_VERSION").is_file() {
            let what =
                if self.follows.is_some() { self.copy(with).await } else { self.init(with).await };
            what.map_err(|error| {
                Failure::unhealthy(format!("{}: {error:#}", self.name))
                    .next("see that the disk has room; then `lxp local up`")
            })?;
        }
        self.write_settings(with.account)
    }

    /// How to run it.
    pub(crate) fn spec(&self, with: &Installation) -> Spec {
        let setting = |name: &str, file: &str| {
            OsString::from(format!("--{name}={}", self.dir.join(file).display()))
        };
        Spec {
            process: Process {
                name: self.name.clone(),
                kind: if self.follows.is_some() {
                    Kind::PostgresReplica
                } else {
                    Kind::PostgresPrimary
                },
                shard: self.shard.clone(),
                pid: None,
                url: format!("postgres://127.0.0.1:{}", self.port),
                admin_url: Some(self.owner_url.clone()),
                // The control database has no application role.
                app_url: self.shard.as_ref().map(|_| self.app_url.clone()),
                state: UpDown::Down,
                node_id: None,
                held: false,
                restarts: 0,
                started_ticks: None,
            },
            program: with.bin.join("postgres"),
            args: vec![
                OsString::from("-D"),
                self.data().into_os_string(),
                setting("config_file", "postgresql.conf"),
                setting("hba_file", "pg_hba.conf"),
            ],
            account: with.account,
            inherit_env: false,
            log: self.log.clone(),
            probe: Probe::Postgres(self.superuser_url("postgres")),
            // Fast: roll back what is open, write a checkpoint, end. Immediate: end; recover at the next start.
            stop: Signal::SIGINT,
            quit: Signal::SIGQUIT,
        }
    }

    /// A DSN as the superuser.
    pub(crate) fn superuser_url(&self, database: &str) -> String {
        dsn(SUPERUSER, &self.superuser_password, self.port, database)
    }

    /// Throws a replica's data away, so that it is copied anew.
    pub(crate) fn discard(&self) -> anyhow::Result<()> {
        remove(&self.data())
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    async fn init(&self, with: &Installation) -> anyhow::Result<()> {
        let new = self.dir.join("data.new");
        let password = self.dir.join("password.new");
        remove(&new)?;
        write_private(&password, self.superuser_password.as_bytes())?;
        with.account.own(&password)?;
        let mut args: Vec<OsString> = ["--username", SUPERUSER, "--auth", "scram-sha-256"]
            .into_iter()
            .chain(["--encoding", "UTF8", "--locale", "C.UTF-8", "--pgdata"])
            .map(OsString::from)
            .collect();
        args.push(new.clone().into_os_string());
        args.push(OsString::from(format!("--pwfile={}", password.display())));
        if self.ephemeral {
            args.push(OsString::from("--no-sync"));
        }
        let made = with.run("initdb", &args, "").await;
        remove(&password)?;
        made?;
        fs::rename(&new, self.data()).context("the new data directory cannot be renamed")
    }

    async fn copy(&self, with: &Installation) -> anyhow::Result<()> {
        let (primary, slot) = self.follows.as_ref().context("not a replica")?;
        let new = self.dir.join("data.new");
        remove(&new)?;
        let port = primary.to_string();
        let mut args: Vec<OsString> =
            ["--host", "127.0.0.1", "--port", &port, "--username", SUPERUSER, "--no-password"]
                .into_iter()
                .chain([
                    "--checkpoint",
                    "fast",
                    "--wal-method",
                    "stream",
                    "--slot",
                    slot,
                    "--pgdata",
                ])
                .map(OsString::from)
                .collect();
        args.push(new.clone().into_os_string());
        if self.ephemeral {
            args.push(OsString::from("--no-sync"));
        }
        with.run("pg_basebackup", &args, &self.superuser_password).await?;
        fs::rename(&new, self.data()).context("the copied data directory cannot be renamed")
    }

    fn write_settings(&self, account: Account) -> anyhow::Result<()> {
        let owned = |path: PathBuf, content: &str| {
            write_private(&path, content.as_bytes())?;
            account.own(&path)
        };
        owned(self.dir.join("postgresql.conf"), &self.settings())?;
        owned(self.dir.join("pg_hba.conf"), HBA)?;
        if self.follows.is_some() {
            owned(self.data().join("standby.signal"), "")?;
        }
        Ok(())
    }

    fn settings(&self) -> String {
        let mut settings = format!("port = {}\n{SETTINGS}", self.port);
        if self.ephemeral {
            // Commits are still written before they are answered: a server that is killed loses nothing, a machine does.
            settings.push_str("fsync = off\nfull_page_writes = off\n");
        }
        if let Some((port, slot)) = &self.follows {
            let (name, password) = (&self.name, &self.superuser_password);
            // Writing to a String cannot fail.
            let _ = writeln!(
                settings,
                "primary_conninfo = 'host=127.0.0.1 port={port} user={SUPERUSER} password={password} application_name={name}'\n\
                 primary_slot_name = '{slot}'"
            );
        }
        settings
    }

    /// Ends a server that still runs on this data (its supervisor was killed a moment ago), and removes a pid file
    /// whose number has become somebody else's: Postgres would take that for a running server.
    async fn end_leftover(&self) -> anyhow::Result<()> {
        let file = self.data().join("postmaster.pid");
        let Ok(content) = fs::read_to_string(&file) else { return Ok(()) };
        let pid: Option<i32> = content.lines().next().and_then(|line| line.trim().parse().ok());
        let Some(pid) = pid.filter(|pid| self.runs_here(*pid)) else { return remove(&file) };
        // It may have ended since: then there is nothing to signal.
        let _ = kill(Pid::from_raw(pid), Signal::SIGQUIT);
        let gone = async {
            while self.runs_here(pid) {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(LEFTOVER_WITHIN, gone).await.map_err(|_| {
            Failure::unhealthy(format!("{}: an earlier server (pid {pid}) does not end", self.name))
                .log(&self.log)
                .next(format!("kill -9 {pid}; then `lxp local up`"))
        })?;
        Ok(())
    }

    fn runs_here(&self, pid: i32) -> bool {
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == self.data())
    }
}

/// A DSN on loopback. User and password are letters and digits alone.
pub(crate) fn dsn(user: &str, password: &str, port: u16, database: &str) -> String {
    format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}")
}

/// The slot of a replica: a name may hold letters, digits and underscores.
pub(crate) fn slot_of(replica: &str) -> String {
    replica.replace('-', "_")
}

const HBA: &str = "host all all 127.0.0.1/32 scram-sha-256\n\
                   host replication postgres 127.0.0.1/32 scram-sha-256\n";

/// RELIABILITY.md: no statement of a client that is gone, no forgotten transaction. What differs by role
/// (statement and lock timeouts) is set by migrations/bootstrap. A shard that has just begun to fill has plans of empty
/// tables until they are analysed, which is looked at every 10 s instead of every minute.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = '64MB'
dynamic_shared_memory_type = mmap
jit = off
wal_level = replica
hot_standby = on
hot_standby_feedback = on
wal_receiver_status_interval = '1s'
wal_retrieve_retry_interval = '500ms'
max_wal_size = '512MB'
autovacuum_naptime = '10s'
password_encryption = 'scram-sha-256'
client_connection_check_interval = '2s'
idle_in_transaction_session_timeout = '5s'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_checkpoints = off
lc_messages = 'C.UTF-8'
";
