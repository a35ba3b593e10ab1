//! A site as deploy/README.md makes one, below a directory instead of /: secrets by deploy/make-secrets, the example
//! settings with addresses of this machine, and databases of its own in the Postgres of the platform that tests share.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lxp_tests::{Client, Platform};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::unit::{Unit, below};
use crate::{read, repository};

const READY_WITHIN: Duration = Duration::from_mins(1);

pub(crate) struct Site {
    root: TempDir,
    /// Databases by the server that they are on.
    databases: Vec<(String, String)>,
    /// What the example says, and what stands for it here.
    here: Vec<(String, String)>,
}

impl Site {
    /// Secrets and databases; no settings yet.
    pub(crate) async fn make(platform: &Platform) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(root.path().join("etc")).expect("a directory");
        std::fs::create_dir(root.path().join("etc/lxp")).expect("a directory");
        let secrets = root.path().join("etc/lxp/secrets");
        let made = Command::new(repository("deploy/make-secrets")).arg(&secrets).output();
        let made = made.expect("deploy/make-secrets runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut site = Self { root, databases: Vec::new(), here: Vec::new() };
        for example in ["10.0.0.10:8090", "10.0.0.10:9090", "10.0.1.11:8081", "10.0.1.11:9081"] {
            site.replace(example, &free_address());
        }
        for example in ["10.0.0.11:8080", "10.0.0.11:9080"] {
            site.replace(example, &free_address());
        }
        let control = site.database(platform, "control-postgres", "lxp_control").await;
        site.replace("10.0.0.20:5432/lxp_control", &control);
        let shard = site.database(platform, "postgres-shard-a-primary", "lxp_owner").await;
        site.replace("10.0.1.20:5432/lxp", &shard);
        let replica = address(platform, "postgres-shard-a-replica-1");
        let name = shard.rsplit_once('/').expect("a database").1;
        site.replace("10.0.1.21:5432/lxp", &format!("{replica}/{name}"));
        for (n, example) in
            ["10.0.1.31:6379", "10.0.1.32:6379", "10.0.1.33:6379"].iter().enumerate()
        {
            site.replace(example, &address(platform, &format!("redis-shard-a-{}", n + 1)));
        }
        // The roles were made before with passwords of the shared platform's.
        let shard = platform.dsn("shard-a", "adminUrl");
        let app = platform.dsn("shard-a", "appUrl");
        let control = platform.process("control-postgres")["adminUrl"].as_str().expect("a DSN");
        site.password("control-plane", "lxp_control", control);
        site.password("control-plane", "lxp_owner", shard);
        site.password("node", "lxp_app", app);
        site
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// What stands here for an address of the example.
    pub(crate) fn here(&self, example: &str) -> &str {
        &self.here.iter().find(|(there, _)| there == example).expect("an address").1
    }

    /// Writes an example of deploy/systemd/settings as the settings file that it says it is.
    pub(crate) fn settings(&self, file: &str) {
        let mut text = read(&format!("deploy/systemd/settings/{file}"));
        for (example, here) in &self.here {
            text = text.replace(example, here);
        }
        for directory in ["/etc/lxp/", "/var/lib/", "/run/"] {
            text = text.replace(
                &format!("\"{directory}"),
                &format!("\"{}", below(self.root(), directory)),
            );
        }
        let left = text.lines().find(|line| line.contains("10.0.") && !line.starts_with('#'));
        assert_eq!(left, None, "an address that nothing stands for");
        std::fs::write(self.root().join("etc/lxp").join(file), text).expect("written");
    }

    /// Starts a service as its unit says, and waits until it is ready on the admin page of the example's address.
    pub(crate) async fn start(&self, unit: &Unit, admin: &str) -> Running {
        for directory in unit.directories(self.root()) {
            std::fs::create_dir_all(directory).expect("a directory");
        }
        let log = self.root().join(format!("{}.log", Uuid::new_v4()));
        let file = std::fs::File::create(&log).expect("a log");
        let mut command = unit.command(self.root());
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a file")).stderr(file);
        let mut running = Running { child: command.spawn().expect("it runs"), log };
        running.is_ready(self.here(admin)).await;
        running
    }

    /// A secret's text.
    pub(crate) fn secret(&self, path: &str) -> String {
        let file = self.root().join("etc/lxp/secrets").join(path);
        std::fs::read_to_string(file).expect("a secret").trim_end().to_owned()
    }

    /// Drops the databases.
    pub(crate) async fn drop_databases(&self) {
        for (server, name) in &self.databases {
            let mut server = PgConnection::connect(server).await.expect("a connection");
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            server.execute(AssertSqlSafe(drop)).await.expect("dropped");
        }
    }

    fn replace(&mut self, example: &str, here: &str) {
        self.here.push((example.to_owned(), here.to_owned()));
    }

    async fn database(&mut self, platform: &Platform, server: &str, owner: &str) -> String {
        let name = format!("deploy_{}", Uuid::new_v4().simple());
        let superuser = platform.superuser(server);
        let mut connection = PgConnection::connect(&superuser).await.expect("a connection");
        let create = format!("CREATE DATABASE {name} OWNER {owner}");
        connection.execute(AssertSqlSafe(create)).await.expect("created");
        self.databases.push((superuser, name.clone()));
        format!("{}/{name}", address(platform, server))
    }

    /// Puts the password of a DSN in the place of the one that was made for the role.
    fn password(&self, service: &str, role: &str, dsn: &str) {
        let file = self.root().join(format!("etc/lxp/secrets/{service}/pgpass"));
        let mode = std::fs::metadata(&file).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        let password = dsn.split(['@', ':']).nth(2).expect("a password");
        let text = std::fs::read_to_string(&file).expect("the file");
        let lines = text.lines().map(|line| match line.rsplit_once(':') {
            Some((place, _)) if place.ends_with(role) => format!("{place}:{password}\n"),
            _ => format!("{line}\n"),
        });
        let replaced: String = lines.collect();
        assert_ne!(replaced, text, "{role} has a line");
        std::fs::write(&file, replaced).expect("written");
    }
}

/// A service that runs; it is gone when this is dropped.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    async fn is_ready(&mut self, admin: &str) {
        let pages = Client::new(&format!("http://{admin}"), "");
        let begun = Instant::now();
        loop {
            let answer = pages.try_send(reqwest::Method::GET, "/readyz", None, &[]).await;
            if answer.status == 200 {
                return;
            }
            let ended = self.child.try_wait().expect("a child");
            assert!(ended.is_none(), "it ended: {}", self.said());
            assert!(begun.elapsed() < READY_WITHIN, "not ready: {}", self.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until it has ended, well, as systemd sees it.
    pub(crate) async fn ends_well(mut self, within: Duration) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                assert!(status.success(), "{status}: {}", self.said());
                return;
            }
            assert!(begun.elapsed() < within, "it has not ended: {}", self.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Tells it to stop, as systemd does.
    pub(crate) fn stop(&self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM).expect("it runs");
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

/// Where a part of the shared platform listens, without the scheme.
fn address(platform: &Platform, name: &str) -> String {
    let url = platform.process(name)["url"].as_str().expect("a URL");
    url.split_once("://").expect("a scheme").1.to_owned()
}
