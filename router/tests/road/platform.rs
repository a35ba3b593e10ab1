//! A router process with its settings, its control plane and a key to mint tokens.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::TimeDelta;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use service_kit::token::{Mint, Role, Roles, SigningKey};
use shard_map::{InstitutionId, ShardId};
use uuid::Uuid;

use crate::control::Control;
use crate::node::Node;

/// Longest wait for anything that should happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) struct Platform {
    pub(crate) control: Control,
    pub(crate) client: Client,
    key: SigningKey,
    directory: tempfile::TempDir,
    router: Option<Running>,
}

pub(crate) struct Running {
    process: Child,
    listen: SocketAddr,
    admin: SocketAddr,
}

impl Running {
    /// Waits until it has ended; its exit code.
    pub(crate) async fn ended(mut self) -> Option<i32> {
        let waited = tokio::time::timeout(SOON, async {
            loop {
                if let Some(status) = self.process.try_wait().expect("a status") {
                    return status.code();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        waited.await.expect("the router ends")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already is just as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An institution by a small number.
pub(crate) fn institution(number: u128) -> InstitutionId {
    InstitutionId::new(Uuid::from_u128(number))
}

/// A shard's id.
pub(crate) fn shard(name: &str) -> ShardId {
    name.parse().expect("a shard id")
}

fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

impl Platform {
    /// A router over these nodes, ready. Institution 1 lives on `shard-a`, 2 on `shard-b`.
    pub(crate) async fn start(nodes: &[&Node]) -> Self {
        let mut platform = Self::without_router(nodes).await;
        platform.start_router().await;
        platform
    }

    /// The same without a router yet.
    pub(crate) async fn without_router(nodes: &[&Node]) -> Self {
        service_kit::tls::install_provider();
        let control = Control::start(nodes).await;
        let key = SigningKey::generate().expect("a key");
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("jwks.json"), key.jwks()).expect("a file");
        std::fs::write(directory.path().join("control.token"), "secret\n").expect("a file");
        let client = Client::builder().no_proxy().timeout(SOON).build().expect("a client");
        Self { control, client, key, directory, router: None }
    }

    /// Starts a router and waits until it is ready.
    pub(crate) async fn start_router(&mut self) {
        self.router = Some(self.spawn_router(free_address(), free_address()));
        self.until_ready().await;
    }

    /// Starts a second router in the place of the first, which this gives back.
    pub(crate) fn start_successor(&mut self) -> Running {
        let (listen, admin) = (self.running().listen, self.running().admin);
        let successor = self.spawn_router(listen, admin);
        self.router.replace(successor).expect("a router")
    }

    /// Waits until the router is ready.
    pub(crate) async fn until_ready(&self) {
        let url = format!("http://{}/readyz", self.running().admin);
        self.until("the router is ready", async || {
            self.client.get(&url).send().await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
    }

    fn spawn_router(&self, listen: SocketAddr, admin: SocketAddr) -> Running {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let settings = format!(
            "listen = '{listen}'\nadmin_listen = '{admin}'\ncontrol_url = '{}'\n\
             control_token_file = '{}'\nmap_file = '{}'\nhandover_socket = '{}'\n\
             threads = 2\nlog = 'info'\n\
             [tokens]\nissuer = 'lxp-test'\naudience = 'lxp'\nkeys_file = '{}'\n",
            self.control.url(),
            path("control.token"),
            path("map.json"),
            path("router.sock"),
            path("jwks.json"),
        );
        std::fs::write(path("router.toml"), settings).expect("a file");
        let process = Command::new(env!("CARGO_BIN_EXE_lxp-router"))
            .args(["--config", &path("router.toml")])
            .stdout(Stdio::null())
            .spawn()
            .expect("the router");
        Running { process, listen, admin }
    }

    /// Waits for a condition.
    pub(crate) async fn until(&self, what: &str, condition: impl AsyncFn() -> bool) {
        let waited = tokio::time::timeout(SOON, async {
            while !condition().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(waited.await.is_ok(), "waited in vain until {what}");
    }

    fn running(&self) -> &Running {
        self.router.as_ref().expect("a router")
    }

    /// Where the router serves.
    pub(crate) fn address(&self) -> SocketAddr {
        self.running().listen
    }

    /// The text of `/metrics`.
    pub(crate) async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.running().admin);
        self.client.get(url).send().await.expect("metrics").text().await.expect("text")
    }

    /// How often a request was sent again for this reason.
    pub(crate) async fn again(&self, why: &str) -> u64 {
        let name = format!("lxp_router_again_total{{why=\"{why}\"}} ");
        let metrics = self.metrics().await;
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
        line.map_or(0, |count| count.parse().expect("a number"))
    }

    /// A URL of the router.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// The file of the last good map.
    pub(crate) fn map_file(&self) -> PathBuf {
        self.directory.path().join("map.json")
    }

    /// The socket at which the router can be taken over from.
    pub(crate) fn handover_socket(&self) -> PathBuf {
        self.directory.path().join("router.sock")
    }

    /// Makes this the platform's router again.
    pub(crate) fn put_back(&mut self, router: Running) {
        self.router = Some(router);
    }

    /// A good token for an institution.
    pub(crate) fn token(&self, institution: InstitutionId) -> String {
        self.token_as(institution, Role::Admin)
    }

    /// The same of a role, whose subject is its own.
    pub(crate) fn token_as(&self, institution: InstitutionId, role: Role) -> String {
        self.key.mint(&Mint {
            issuer: "lxp-test",
            audience: "lxp",
            subject: Uuid::from_u128(9 + role as u128),
            institution,
            roles: Roles::from(role),
            issued_at: service_kit::clock::now(),
            ttl: TimeDelta::hours(1),
            token_id: Uuid::from_u128(8),
        })
    }

    /// A request with a good token.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        institution: InstitutionId,
    ) -> RequestBuilder {
        self.client.request(method, self.url(path)).bearer_auth(self.token(institution))
    }

    /// A GET with a good token, answered.
    pub(crate) async fn get(&self, path: &str, institution: InstitutionId) -> Response {
        self.request(Method::GET, path, institution).send().await.expect("an answer")
    }

    /// A POST with a good token and a body of this size, answered.
    pub(crate) async fn post(
        &self,
        institution: InstitutionId,
        key: Option<&str>,
        body_bytes: usize,
    ) -> Response {
        let mut request =
            self.request(Method::POST, "/v1/programs", institution).body(vec![b'x'; body_bytes]);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request.send().await.expect("an answer")
    }

    /// The most memory that the router has held at once, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        let file = format!("/proc/{}/status", self.running().process.id());
        let status = std::fs::read_to_string(file).expect("the router's own figures");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = i32::try_from(self.running().process.id()).expect("a pid");
        kill(Pid::from_raw(pid), Signal::SIGTERM).expect("a signal");
    }

    /// Waits until the router has ended; its exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        self.router.take().expect("a router").ended().await
    }

    /// Kills the router.
    pub(crate) fn kill_router(&mut self) {
        self.router = None;
    }
}

/// Checks an answer of the router's own, and gives its problem.
pub(crate) async fn problem(answer: Response, status: u16, code: &str) -> Value {
    let request_id = answer.headers().get("x-request-id").cloned().expect("a request id");
    let media = answer.headers().get("content-type").cloned().expect("a media type");
    let found = answer.status();
    let problem: Value = answer.json().await.expect("a problem");
    assert_eq!((found.as_u16(), problem["code"].as_str()), (status, Some(code)), "{problem}");
    assert_eq!(media, "application/problem+json");
    assert_eq!(problem["requestId"].as_str(), request_id.to_str().ok());
    problem
}
