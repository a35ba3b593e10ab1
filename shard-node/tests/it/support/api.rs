//! A node in this process, on a shard database of its own, and a client that speaks to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::Value;
use service_kit::clock;
use service_kit::metrics::Metrics;
use service_kit::postgres::{BY_INDEX, pool_with};
use service_kit::token::{KeySet, Mint, Role, Roles, SigningKey, TokenVerifier, subject_for};
use shard_map::InstitutionId;
use shard_node::cache::{Cache, news};
use shard_node::domain::api_clients::TokenIssuer;
use shard_node::domain::endpoint_metrics::Meter;
use shard_node::domain::webhooks::{Names, Sender, SystemNames, WebhookSettings};
use shard_node::events::Wakes;
use shard_node::jobs::{self, Handler, JobSettings, Jobs, Mode, Registry};
use shard_node::limits::{LimitSettings, Limits};
use shard_node::mail::{MailSettings, Mailer};
use shard_node::node::Node;
use shard_node::operation::Queues;
use shard_node::redis::Redis;
use shard_node::replica::{self, Replicas};
use shard_node::tenancy::{Directory, Memory, Ownership, Park, Poller, primary_pool, watch};
use shard_node::{events, http, relay};
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Shard;
use super::directory::FakeDirectory;

/// Where no Redis is.
pub(crate) const NO_REDIS: &str = "redis://127.0.0.1:1";

/// Limits that no test reaches.
pub(crate) fn generous() -> LimitSettings {
    LimitSettings {
        user_per_minute: 1_000_000,
        client_per_minute: 1_000_000,
        bulk_per_minute: 1_000_000,
        institution_per_minute: 1_000_000,
        ..LimitSettings::default()
    }
}

/// A node that serves; it stops when it is dropped. Its Redis is away unless a test names one.
pub(crate) struct Served {
    pub(crate) url: String,
    pub(crate) node: Arc<Node>,
    /// Ends its work: no more jobs are leased.
    pub(crate) rest: CancellationToken,
    /// Ends its listener once all have been answered; what keeps its table goes on.
    pub(crate) leave: CancellationToken,
    key: SigningKey,
    /// What it signs tokens of api clients with.
    pub(crate) client_key: SigningKey,
    #[expect(dead_code, reason = "stops the node when it is dropped")]
    stop: DropGuard,
    #[expect(dead_code, reason = "is there as long as the node")]
    state: Arc<TempDir>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The problem's code, or nothing.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The id in the body.
    pub(crate) fn id(&self) -> Uuid {
        self.body["id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .unwrap_or_else(|| panic!("no id in {self:?}"))
    }

    /// Fails unless it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }
}

impl Served {
    /// Serves a shard with so many connections, and with limits that no test reaches; its directory has nothing
    /// against it.
    pub(crate) async fn start(shard: &Shard, connections: u32) -> Self {
        Self::start_with(shard, connections, NO_REDIS, generous()).await
    }

    /// Serves a shard with a Redis and limits.
    pub(crate) async fn start_with(
        shard: &Shard,
        connections: u32,
        redis: &str,
        limits: LimitSettings,
    ) -> Self {
        let mut plan = Plan::new(shard, FakeDirectory::start().await);
        (plan.connections, plan.limits) = (connections, limits);
        redis.clone_into(&mut plan.redis);
        let served = plan.serve().await;
        served.until_leased().await;
        served
    }

    /// Waits until it may serve; on a busy machine that takes a while.
    pub(crate) async fn until_leased(&self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !self.node.ownership.lease.renewed(deadline).await {
            assert!(Instant::now() < deadline, "no lease");
        }
    }

    /// Waits until it believes its Redis, or does not.
    pub(crate) async fn trusts_redis(&self, wanted: bool) {
        let began = Instant::now();
        while self.node.cache.redis().is_trusted() != wanted {
            assert!(began.elapsed() < Duration::from_mins(1), "trusted: {}", !wanted);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A token of an institution.
    pub(crate) fn token(
        &self,
        institution: InstitutionId,
        role: Role,
        subject: Option<Uuid>,
    ) -> String {
        let subject = subject.unwrap_or_else(|| subject_for(institution, role));
        self.mint(institution, Roles::from(role), subject)
    }

    fn mint(&self, institution: InstitutionId, roles: Roles, subject: Uuid) -> String {
        self.key.mint(&Mint {
            issuer: "lxp-test",
            audience: "lxp",
            subject,
            institution,
            roles,
            issued_at: clock::now(),
            ttl: TimeDelta::hours(1),
            token_id: Uuid::now_v7(),
        })
    }

    /// A client with a token of several roles.
    pub(crate) fn client_with(
        &self,
        institution: InstitutionId,
        roles: Roles,
        subject: Uuid,
    ) -> Client {
        let token = self.mint(institution, roles, subject);
        Client { http: reqwest::Client::new(), url: self.url.clone(), token }
    }

    /// A client with an admin's token.
    pub(crate) fn admin(&self, institution: InstitutionId) -> Client {
        self.client(institution, Role::Admin, None)
    }

    /// A client with a token.
    pub(crate) fn client(
        &self,
        institution: InstitutionId,
        role: Role,
        subject: Option<Uuid>,
    ) -> Client {
        Client {
            http: reqwest::Client::new(),
            url: self.url.clone(),
            token: self.token(institution, role, subject),
        }
    }
}

/// How a node is to be started.
#[expect(clippy::struct_excessive_bools, reason = "parts that a test leaves out")]
pub(crate) struct Plan {
    pub(crate) primary: PgConnectOptions,
    pub(crate) connections: u32,
    pub(crate) directory: FakeDirectory,
    /// Where the node remembers its primary; the same for a node that is restarted.
    pub(crate) state: Arc<TempDir>,
    pub(crate) failover: bool,
    pub(crate) replicas: Vec<PgConnectOptions>,
    pub(crate) redis: String,
    pub(crate) limits: LimitSettings,
    /// How mail leaves; none where it does not.
    pub(crate) mail: Option<MailSettings>,
    pub(crate) jobs: JobSettings,
    /// What it does with jobs; the product's own handlers unless a test has others.
    pub(crate) handlers: Box<dyn Fn() -> Vec<Handler> + Send + Sync>,
    /// Whether it numbers events by itself.
    pub(crate) numbers: bool,
    /// Whether it relays by itself.
    pub(crate) relays: bool,
    /// Whether it gives tokens to api clients.
    pub(crate) gives_tokens: bool,
    pub(crate) webhooks: WebhookSettings,
    /// What the names of webhooks lead to.
    pub(crate) names: Arc<dyn Names>,
}

impl Plan {
    /// A node that starts for the first time.
    pub(crate) fn new(shard: &Shard, directory: FakeDirectory) -> Self {
        let state = Arc::new(tempfile::tempdir().expect("a directory"));
        std::fs::write(state.path().join("token"), "test").expect("a token");
        let primary = shard.options("lxp_app");
        Self {
            primary,
            connections: 6,
            directory,
            state,
            failover: false,
            replicas: Vec::new(),
            redis: NO_REDIS.to_owned(),
            limits: generous(),
            mail: None,
            // What a test does is not to be followed by what it did not ask for.
            jobs: JobSettings { mode: Mode::Serve, ..JobSettings::default() },
            handlers: Box::new(jobs::handlers),
            numbers: true,
            relays: true,
            gives_tokens: true,
            webhooks: WebhookSettings::default(),
            names: Arc::new(SystemNames),
        }
    }

    /// Starts it; whether it may serve is another thing.
    pub(crate) async fn serve(&self) -> Served {
        service_kit::tls::install_provider();
        let stop = CancellationToken::new();
        let key = SigningKey::generate().expect("a key");
        let client_key = SigningKey::generate().expect("a key");
        let keys = KeySet::from_jwks(key.jwks().as_bytes(), "test").expect("keys");
        let keys = keys.with_client_keys(client_key.jwks().as_bytes(), "test").expect("keys");
        let ownership = Arc::new(Ownership::default());
        let memory = Arc::new(Memory::open(self.state.path()).expect("a memory"));
        let (primary, connections) = (self.primary.clone(), self.connections);
        let pool = primary_pool(primary, connections, memory.clone(), ownership.clone());
        let metrics = Metrics::new().expect("metrics");
        let pools = self.replicas.iter().map(|replica| pool_with(replica.clone(), 4)).collect();
        let max_lag = Duration::from_secs(5);
        let replicas = Replicas::new(pools, max_lag, memory.clone(), &metrics.registry);
        let replicas = Arc::new(replicas.expect("replicas"));
        replica::watch(&replicas, &stop);
        let poller = Poller {
            ownership: ownership.clone(),
            replicas: replicas.clone(),
            pool: pool_with(self.primary.clone(), 2),
            connection: Mutex::default(),
            memory,
            directory: Directory {
                url: self.directory.url.clone(),
                token_file: self.state.path().join("token"),
                shard: "shard-t".parse().expect("an id"),
            },
            failover: self.failover,
            synchronous_standby: false,
        };
        tokio::spawn(watch(poller, stop.clone()));
        let redis = Redis::connect_in_background(vec![self.redis.clone()], stop.clone());
        let redis = Arc::new(redis);
        let registry = Registry::new((self.handlers)(), &[]).expect("handlers");
        let jobs = Jobs::new(registry, self.jobs.clone(), &metrics.registry);
        let jobs = Arc::new(jobs.expect("jobs"));
        let node = Arc::new(Node {
            pool,
            ownership,
            park: Arc::new(Park::new(&metrics.registry).expect("a park")),
            cache: Cache::new(redis.clone(), self.limits.fills()),
            limits: Limits::new(self.limits.clone(), redis),
            mail: self.mail.as_ref().map(|mail| Mailer::new(mail).expect("a mailer")),
            tokens: TokenVerifier::with_keys("lxp-test", "lxp", keys),
            issuer: self.gives_tokens.then(|| {
                TokenIssuer::new(client_key.clone(), "lxp-test", "lxp", TimeDelta::minutes(10))
            }),
            meter: Meter::new(&metrics.registry).expect("a meter"),
            metrics,
            replicas,
            queues: Queues::new(self.connections),
            jobs,
            wakes: Wakes::default(),
            webhooks: Sender::new(&self.webhooks, self.names.clone()).expect("a client"),
            tasks: TaskTracker::new(),
        });
        let rest = stop.child_token();
        self.begin_background(&node, &rest, &stop);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = http::app(node.clone());
        let leave = stop.child_token();
        let left = leave.clone();
        tokio::spawn(async move {
            axum::serve(listener, app).with_graceful_shutdown(left.cancelled_owned()).await
        });
        let (stop, state) = (stop.drop_guard(), self.state.clone());
        Served { url, node, rest, leave, key, client_key, stop, state }
    }

    /// All that a node does beside answering.
    fn begin_background(
        &self,
        node: &Arc<Node>,
        rest: &CancellationToken,
        stop: &CancellationToken,
    ) {
        if self.numbers {
            let pool = pool_with(self.primary.clone(), 2);
            tokio::spawn(events::run(node.clone(), pool, stop.clone()));
        }
        if self.jobs.works() {
            let pool = pool_with(self.primary.clone().options(BY_INDEX), self.jobs.at_once + 1);
            tokio::spawn(jobs::work(node.clone(), pool, rest.clone()));
        }
        let own_pool = pool_with(self.primary.clone(), 3);
        tokio::spawn(news::listen(node.clone(), own_pool.clone(), stop.clone()));
        if self.relays {
            tokio::spawn(relay::run(node.clone(), own_pool, stop.clone()));
        }
    }
}

/// Speaks to the node as one caller.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body), &[]).await
    }

    /// Comes again when the node says that it is overloaded and nothing was applied, as clients do: a busy
    /// machine is no failure of what a test is about.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        for _ in 0..20 {
            let answer = self.send_once(method.clone(), path, body.clone(), headers).await;
            if !matches!(answer.code(), "overloaded" | "shard-unavailable") {
                return answer;
            }
        }
        panic!("{method} {path}: overloaded 20 times");
    }

    /// One request, whatever comes of it.
    pub(crate) async fn send_once(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request =
            self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.expect("a body");
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }
}
