//! A node in this process, on a shard database of its own, and a client that speaks to it.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::Value;
use service_kit::clock;
use service_kit::metrics::Metrics;
use service_kit::token::{KeySet, Mint, Role, Roles, SigningKey, TokenVerifier, subject_for};
use shard_map::InstitutionId;
use shard_node::cache::Cache;
use shard_node::http;
use shard_node::node::Node;
use shard_node::tenancy::{Ownership, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Shard;

/// A node that serves; it stops when it is dropped. Its Redis is away unless a test names one.
pub(crate) struct Served {
    pub(crate) url: String,
    pub(crate) node: Arc<Node>,
    key: SigningKey,
    _stop: DropGuard,
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
    /// Serves a shard with so many connections.
    pub(crate) async fn start(shard: &Shard, connections: u32) -> Self {
        service_kit::tls::install_provider();
        let stop = CancellationToken::new();
        let key = SigningKey::generate().expect("a key");
        let keys = KeySet::from_jwks(key.jwks().as_bytes(), "test").expect("keys");
        let pool = service_kit::postgres::pool_with(shard.options("lxp_app"), connections);
        let ownership = Arc::new(Ownership::default());
        ownership.poll(&pool).await.expect("ownership");
        let own_pool = shard.pool("lxp_app", 2);
        tokio::spawn(watch(ownership.clone(), own_pool, stop.clone()));
        let node = Arc::new(Node {
            pool,
            ownership,
            cache: Cache::new(vec!["redis://127.0.0.1:1".to_owned()], stop.clone()),
            tokens: TokenVerifier::with_keys("lxp-test", "lxp", keys),
            metrics: Metrics::new().expect("metrics"),
            tasks: TaskTracker::new(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = http::app(node.clone());
        let stopped = stop.clone();
        tokio::spawn(async move {
            axum::serve(listener, app).with_graceful_shutdown(stopped.cancelled_owned()).await
        });
        Self { url, node, key, _stop: stop.drop_guard() }
    }

    /// A token of an institution.
    pub(crate) fn token(
        &self,
        institution: InstitutionId,
        role: Role,
        subject: Option<Uuid>,
    ) -> String {
        self.key.mint(&Mint {
            issuer: "lxp-test",
            audience: "lxp",
            subject: subject.unwrap_or_else(|| subject_for(institution, role)),
            institution,
            roles: Roles::from(role),
            issued_at: clock::now(),
            ttl: TimeDelta::hours(1),
            token_id: Uuid::now_v7(),
        })
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
            if answer.code() != "overloaded" {
                return answer;
            }
        }
        panic!("{method} {path}: overloaded 20 times");
    }

    async fn send_once(
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
