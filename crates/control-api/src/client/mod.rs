//! The client of the control plane: a function for each operation, a deadline for each call.

mod call;
mod moves;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shard_map::{InstitutionId, MapSnapshot, MapVersion, NodeId, ShardId};

use crate::{
    AuditEntry, ClientError, DownReason, Event, Heartbeat, Institution, InstitutionDetail, List,
    MAP_WAIT_S, MapAnswer, MapChange, NewInstitution, NewShard, Node, NodeRegistration,
    OwnershipClaims, Page, Pin, Reconciled, Shard, ShardChange, ShardInspection, ShardRemoval,
};

use call::{Answer, Call, reason_of, unencodable};
pub use moves::MoveQuery;

const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// A heartbeat later than the next one is worth nothing.
const HEARTBEAT_DEADLINE: Duration = Duration::from_secs(1);
const CALL_DEADLINE: Duration = Duration::from_secs(5);
/// Calls that make the control plane ask the shards' databases.
const SHARD_CALL_DEADLINE: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes: a map of a million exceptions.
const ANSWER_MAX_BYTES: usize = 128 << 20;

/// A client of one control plane (or of several behind one URL). Cheap to clone.
#[derive(Clone)]
pub struct ControlClient {
    http: reqwest::Client,
    base: Arc<str>,
}

impl fmt::Debug for ControlClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlClient").field("url", &self.base).finish_non_exhaustive()
    }
}

/// Which institutions to list.
#[derive(Debug, Clone, Default)]
pub struct InstitutionQuery {
    /// Only the one with this slug.
    pub slug: Option<String>,
    /// Only these, at most 200; all where it is empty.
    pub ids: Vec<InstitutionId>,
    /// The page, from 1.
    pub page: Option<i64>,
    /// Entries a page, 1 to 200.
    pub limit: Option<i64>,
}

impl ControlClient {
    /// A client for the control plane at `url` (`http://host:port`), with the bearer token of a role.
    ///
    /// The process must have installed its TLS provider before (`service_kit::tls::install_provider`).
    ///
    /// # Errors
    /// When the URL or the token cannot stand in a request.
    pub fn new(url: &str, token: &str) -> Result<Self, ClientError> {
        let setup = |reason: String| ClientError::Setup { url: url.to_owned(), reason };
        let parsed = reqwest::Url::parse(url).map_err(|error| setup(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(setup("http://host:port or https://host:port is expected".to_owned()));
        }
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| setup("the token has characters that no header can carry".to_owned()))?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, bearer),
            (ACCEPT, HeaderValue::from_static("application/json, application/problem+json")),
        ]);
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT_DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .no_proxy()
            .build()
            .map_err(|error| setup(reason_of(&error)))?;
        Ok(Self { http, base: url.trim_end_matches('/').into() })
    }

    /// Where the control plane is.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Adds a shard; it is `joining` until it is migrated and has a ready node.
    pub async fn add_shard(&self, shard: &NewShard) -> Result<Shard, ClientError> {
        self.post("/v1/shards", shard).await
    }

    /// Changes a shard's weight or addresses.
    pub async fn change_shard(
        &self,
        shard: &ShardId,
        change: &ShardChange,
    ) -> Result<Shard, ClientError> {
        let path = format!("/v1/shards/{shard}");
        self.call(Call::new(Method::PATCH, &path).body(change)?).await
    }

    /// Asks for the newest migrations on a shard's database; the reconciler applies them.
    pub async fn migrate_shard(&self, shard: &ShardId) -> Result<Shard, ClientError> {
        self.call(Call::new(Method::POST, &format!("/v1/shards/{shard}:migrate"))).await
    }

    /// Takes a shard out of the ring: it gets no new institution. What it has stays until a plan moves it.
    pub async fn drain_shard(&self, shard: &ShardId) -> Result<Shard, ClientError> {
        self.call(Call::new(Method::POST, &format!("/v1/shards/{shard}:drain"))).await
    }

    /// Puts a draining shard into the ring again.
    pub async fn undrain_shard(&self, shard: &ShardId) -> Result<Shard, ClientError> {
        self.call(Call::new(Method::POST, &format!("/v1/shards/{shard}:undrain"))).await
    }

    /// Removes a drained shard that is empty; answers what it was.
    pub async fn remove_shard(
        &self,
        shard: &ShardId,
        asked: ShardRemoval,
    ) -> Result<Shard, ClientError> {
        let path = format!("/v1/shards/{shard}:remove");
        let call = Call::new(Method::POST, &path).body(&asked)?;
        self.call(call.deadline(SHARD_CALL_DEADLINE)).await
    }

    /// All shards.
    pub async fn shards(&self) -> Result<List<Shard>, ClientError> {
        self.get("/v1/shards").await
    }

    /// One shard.
    pub async fn shard(&self, shard: &ShardId) -> Result<Shard, ClientError> {
        self.get(&format!("/v1/shards/{shard}")).await
    }

    /// What a shard's databases say of themselves, asked anew.
    pub async fn shard_databases(&self, shard: &ShardId) -> Result<ShardInspection, ClientError> {
        let path = format!("/v1/shards/{shard}/databases");
        self.call(Call::new(Method::GET, &path).deadline(SHARD_CALL_DEADLINE)).await
    }

    /// Holds what a shard's database says it owns against the directory.
    pub async fn reconcile_shard(
        &self,
        shard: &ShardId,
        claims: &OwnershipClaims,
    ) -> Result<Reconciled, ClientError> {
        self.post(&format!("/v1/shards/{shard}:reconcile"), claims).await
    }

    /// Registers a node, or says again where it is.
    pub async fn register_node(&self, node: &NodeRegistration) -> Result<Node, ClientError> {
        self.post("/v1/nodes", node).await
    }

    /// Says that a node lives; to be repeated each second.
    pub async fn heartbeat(&self, node: &NodeId, beat: &Heartbeat) -> Result<(), ClientError> {
        let path = format!("/v1/nodes/{node}:heartbeat");
        let call = Call::new(Method::POST, &path).body(beat)?.deadline(HEARTBEAT_DEADLINE);
        self.answer(call).await.map(|_| ())
    }

    /// All nodes.
    pub async fn nodes(&self) -> Result<List<Node>, ClientError> {
        self.get("/v1/nodes").await
    }

    /// One node.
    pub async fn node(&self, node: &NodeId) -> Result<Node, ClientError> {
        self.get(&format!("/v1/nodes/{node}")).await
    }

    /// A health checker holds a node down.
    pub async fn hold_node_down(&self, node: &NodeId, reason: &str) -> Result<Node, ClientError> {
        self.post(&format!("/v1/nodes/{node}:down"), &DownReason { reason: reason.to_owned() })
            .await
    }

    /// A health checker lets go of a node: its heartbeats decide again.
    pub async fn let_node_up(&self, node: &NodeId) -> Result<Node, ClientError> {
        self.call(Call::new(Method::POST, &format!("/v1/nodes/{node}:up"))).await
    }

    /// A person takes a node out.
    pub async fn cordon_node(&self, node: &NodeId) -> Result<Node, ClientError> {
        self.call(Call::new(Method::POST, &format!("/v1/nodes/{node}:cordon"))).await
    }

    /// A person puts a node back.
    pub async fn uncordon_node(&self, node: &NodeId) -> Result<Node, ClientError> {
        self.call(Call::new(Method::POST, &format!("/v1/nodes/{node}:uncordon"))).await
    }

    /// Creates an institution. Its status is `creating` when its shard did not answer: that is finished later.
    pub async fn create_institution(
        &self,
        institution: &NewInstitution,
    ) -> Result<Institution, ClientError> {
        let call = Call::new(Method::POST, "/v1/institutions").body(institution)?;
        self.call(call.deadline(SHARD_CALL_DEADLINE)).await
    }

    /// Lists institutions, by slug.
    pub async fn institutions(
        &self,
        query: &InstitutionQuery,
    ) -> Result<Page<Institution>, ClientError> {
        let ids: Vec<String> = query.ids.iter().map(ToString::to_string).collect();
        let call = Call::new(Method::GET, "/v1/institutions")
            .query("slug", query.slug.as_ref())
            .query("ids", (!ids.is_empty()).then(|| ids.join(",")))
            .query("page", query.page)
            .query("limit", query.limit);
        self.call(call).await
    }

    /// One institution, with what each shard's database says of it.
    pub async fn institution(&self, id: InstitutionId) -> Result<InstitutionDetail, ClientError> {
        let path = format!("/v1/institutions/{id}");
        self.call(Call::new(Method::GET, &path).deadline(SHARD_CALL_DEADLINE)).await
    }

    /// Wants an institution on a shard, whatever the ring says.
    pub async fn pin_institution(
        &self,
        id: InstitutionId,
        pin: &Pin,
    ) -> Result<Institution, ClientError> {
        self.post(&format!("/v1/institutions/{id}:pin"), pin).await
    }

    /// Lets the ring decide again where an institution belongs.
    pub async fn unpin_institution(&self, id: InstitutionId) -> Result<Institution, ClientError> {
        self.call(Call::new(Method::POST, &format!("/v1/institutions/{id}:unpin"))).await
    }

    /// Stops serving an institution.
    pub async fn suspend_institution(&self, id: InstitutionId) -> Result<Institution, ClientError> {
        let path = format!("/v1/institutions/{id}:suspend");
        self.call(Call::new(Method::POST, &path).deadline(SHARD_CALL_DEADLINE)).await
    }

    /// Serves an institution again.
    pub async fn resume_institution(&self, id: InstitutionId) -> Result<Institution, ClientError> {
        let path = format!("/v1/institutions/{id}:resume");
        self.call(Call::new(Method::POST, &path).deadline(SHARD_CALL_DEADLINE)).await
    }

    /// The whole map, now. Its checksum is not yet compared: `ShardMap::from_snapshot` does.
    pub async fn map_snapshot(&self) -> Result<MapSnapshot, ClientError> {
        self.get("/v1/map").await
    }

    /// What is new since version `after`; none when nothing was for [`MAP_WAIT_S`] seconds.
    pub async fn map_after(&self, after: MapVersion) -> Result<Option<MapAnswer>, ClientError> {
        let call = Call::new(Method::GET, "/v1/map")
            .query("after", Some(after))
            .deadline(Duration::from_secs(MAP_WAIT_S) + CALL_DEADLINE);
        let answer = self.answer(call).await?;
        if answer.status == StatusCode::NO_CONTENT { Ok(None) } else { answer.json().map(Some) }
    }

    /// Changes of the map after version `after`, the oldest first.
    pub async fn map_history(
        &self,
        after: MapVersion,
        limit: u32,
    ) -> Result<List<MapChange>, ClientError> {
        self.list_after("/v1/map/history", after.0, limit).await
    }

    /// Events after number `after`, the oldest first.
    pub async fn events(&self, after: i64, limit: u32) -> Result<List<Event>, ClientError> {
        self.list_after("/v1/events", after, limit).await
    }

    /// Audit entries after number `after`, the oldest first.
    pub async fn audit(&self, after: i64, limit: u32) -> Result<List<AuditEntry>, ClientError> {
        self.list_after("/v1/audit", after, limit).await
    }

    async fn list_after<T: DeserializeOwned>(
        &self,
        path: &str,
        after: i64,
        limit: u32,
    ) -> Result<List<T>, ClientError> {
        let call =
            Call::new(Method::GET, path).query("after", Some(after)).query("limit", Some(limit));
        self.call(call).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Call::new(Method::GET, path)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.call(Call::new(Method::POST, path).body(body)?).await
    }

    async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        self.answer(call).await?.json()
    }

    async fn answer(&self, call: Call) -> Result<Answer, ClientError> {
        let Call { method, path, query, body, deadline } = call;
        let url = format!("{}{path}", self.base);
        let url = if query.is_empty() {
            url
        } else {
            reqwest::Url::parse_with_params(&url, &query)
                .map_err(|error| unencodable(&url, &error.to_string()))?
                .into()
        };
        let mut request = self.http.request(method.clone(), &url).timeout(deadline);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let unreachable = |error: &reqwest::Error| ClientError::Unreachable {
            method: method.to_string(),
            url: url.clone(),
            reason: if error.is_timeout() {
                format!("no answer within {} s", deadline.as_secs())
            } else {
                reason_of(error)
            },
        };
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_MAX_BYTES {
                let reason = format!("it is longer than {ANSWER_MAX_BYTES} bytes");
                return Err(Answer { method, url, status, body: Vec::new() }.garbled(reason));
            }
        }
        let answer = Answer { method, url, status, body };
        if status.is_success() { Ok(answer) } else { Err(answer.refused()) }
    }
}
