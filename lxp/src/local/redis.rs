//! A shard's Redis Cluster: three masters without replicas. Nothing in it must survive, so it is made anew at
//! each start; a master that is started again in between finds its place by its `nodes.conf`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::time::{sleep, timeout};

use super::account::Account;
use super::child::Spec;
use super::layout::{make_dir, remove, write_private};
use super::probe::Probe;
use super::state::{Kind, Process, UpDown};
use crate::failure::Failure;

/// How many slots a cluster has; the masters share them evenly.
const SLOTS: usize = 16_384;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const FORMED_WITHIN: Duration = Duration::from_secs(30);

/// One master.
#[derive(Debug, Clone)]
pub(crate) struct Master {
    pub(crate) name: String,
    pub(crate) shard: String,
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    /// Where the masters speak to each other.
    pub(crate) bus_port: u16,
    pub(crate) log: PathBuf,
}

/// The server program: `redis-server` in PATH or where Debian has it.
pub(crate) fn find_program() -> anyhow::Result<PathBuf> {
    let there = std::process::Command::new("redis-server").arg("--version").output().is_ok();
    if there {
        return Ok(PathBuf::from("redis-server"));
    }
    Err(Failure::refused("`redis-server` is not installed")
        .next("apt-get install redis-server, or `make up`, which does it")
        .into())
}

impl Master {
    /// An empty directory and the settings.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        remove(&self.dir)?;
        make_dir(&self.dir, 0o700)?;
        write_private(&self.settings_file(), self.settings().as_bytes())
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// How to run it.
    pub(crate) fn spec(&self, program: &Path) -> Spec {
        Spec {
            process: Process {
                name: self.name.clone(),
                kind: Kind::Redis,
                shard: Some(self.shard.clone()),
                pid: None,
                url: self.url(),
                admin_url: None,
                app_url: None,
                state: UpDown::Down,
                node_id: None,
                held: false,
                restarts: 0,
                started_ticks: None,
            },
            program: program.to_owned(),
            args: vec![OsString::from(self.settings_file())],
            account: Account::Own,
            inherit_env: false,
            log: self.log.clone(),
            probe: Probe::Redis(self.url()),
            stop: Signal::SIGTERM,
            quit: Signal::SIGKILL,
        }
    }

    fn settings_file(&self) -> PathBuf {
        self.dir.join("redis.conf")
    }

    fn settings(&self) -> String {
        let Self { port, bus_port, dir, .. } = self;
        format!(
            "bind 127.0.0.1\nport {port}\ndir \"{dir}\"\ndaemonize no\nappendonly no\nsave \"\"\n\
             maxmemory 128mb\nmaxmemory-policy allkeys-lru\n\
             cluster-enabled yes\ncluster-port {bus_port}\ncluster-config-file nodes.conf\n\
             cluster-announce-ip 127.0.0.1\ncluster-node-timeout 2000\ncluster-require-full-coverage no\n",
            dir = dir.display()
        )
    }

    async fn connect(&self) -> redis::RedisResult<MultiplexedConnection> {
        // The driver's own 0.5 s are too short for a machine that is busy with a start.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        redis::Client::open(self.url())?.get_multiplexed_async_connection_with_config(&config).await
    }
}

/// Makes a cluster of masters that run and know nothing of each other.
pub(crate) async fn form(shard: &str, masters: &[Master]) -> anyhow::Result<()> {
    let formed = timeout(FORMED_WITHIN, try_form(masters)).await;
    let why = match formed {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("not whole after {} s", FORMED_WITHIN.as_secs()),
    };
    let log = &masters.first().context("a cluster has masters")?.log;
    Err(Failure::unhealthy(format!("the Redis Cluster of {shard} is not formed: {why}"))
        .log(log)
        .next("`lxp local up` again")
        .into())
}

async fn try_form(masters: &[Master]) -> redis::RedisResult<()> {
    let mut connections = Vec::new();
    for (index, master) in masters.iter().enumerate() {
        let mut connection = master.connect().await?;
        let (from, to) = (SLOTS * index / masters.len(), SLOTS * (index + 1) / masters.len() - 1);
        // Epochs that differ from the start need no election to settle them.
        let epoch = redis::cmd("CLUSTER").arg("SET-CONFIG-EPOCH").arg(index + 1).to_owned();
        epoch.query_async::<()>(&mut connection).await?;
        let slots = redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(from).arg(to).to_owned();
        slots.query_async::<()>(&mut connection).await?;
        connections.push(connection);
    }
    // Each meets each: waiting for gossip to carry it further takes seconds.
    for (index, connection) in connections.iter_mut().enumerate() {
        for other in masters.iter().skip(index + 1) {
            let meet = redis::cmd("CLUSTER")
                .arg("MEET")
                .arg("127.0.0.1")
                .arg(other.port)
                .arg(other.bus_port)
                .to_owned();
            meet.query_async::<()>(connection).await?;
        }
    }
    for connection in &mut connections {
        while !is_whole(connection, masters.len()).await? {
            sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

async fn is_whole(
    connection: &mut MultiplexedConnection,
    masters: usize,
) -> redis::RedisResult<bool> {
    let info: String = redis::cmd("CLUSTER").arg("INFO").query_async(connection).await?;
    let has = |wanted: String| info.lines().any(|line| line.trim() == wanted);
    Ok(has("cluster_state:ok".to_owned())
        && has(format!("cluster_slots_ok:{SLOTS}"))
        && has(format!("cluster_size:{masters}")))
}
