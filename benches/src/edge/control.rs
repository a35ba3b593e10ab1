//! A control plane that has a map of a platform's size and nothing else.

use std::collections::HashMap;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use shard_map::{
    InstitutionId, MapNode, MapShard, MapVersion, NodeState, ShardId, ShardMap, ShardState,
};
use tokio::task::JoinHandle;
use uuid::Uuid;

const SHARDS: usize = 8;
const NODES: usize = 16;
/// Institutions off the ring, as many as (e) has.
pub(super) const EXCEPTIONS: u128 = 200_000;

/// The control plane; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Control {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// An institution by a number; spread over the ring as real ids are.
pub(super) fn institution(number: u128) -> InstitutionId {
    let spread = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    InstitutionId::new(Uuid::from_u128(spread))
}

impl Control {
    /// Starts it with nodes at the given addresses, several of them at one address.
    pub(super) async fn start(upstreams: &[SocketAddr]) -> anyhow::Result<Self> {
        let map = Bytes::from(serde_json::to_vec(&map(upstreams)?.to_snapshot())?);
        let app = Router::new().route("/v1/map", get(answer)).with_state(map);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                eprintln!("the control plane of the benchmark has ended: {error}");
            }
        });
        Ok(Self { address, task })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Every fifth of the institutions that the requests name is an exception.
fn map(upstreams: &[SocketAddr]) -> anyhow::Result<ShardMap> {
    let ids = (0..SHARDS).map(|at| format!("shard-{at}").parse());
    let ids: Vec<ShardId> = ids.collect::<Result<_, _>>()?;
    let shards =
        ids.iter().map(|id| MapShard { id: id.clone(), state: ShardState::Active, weight: 1 });
    let nodes = (0..NODES).map(|at| {
        Ok(MapNode {
            id: format!("node-{at}").parse()?,
            shard: ids[at % SHARDS].clone(),
            url: format!("http://{}", upstreams[at % upstreams.len()]),
            state: NodeState::Up,
        })
    });
    let nodes: Vec<MapNode> = nodes.collect::<anyhow::Result<_>>()?;
    let exceptions = (0..EXCEPTIONS).map(|number| {
        let shard = usize::try_from(number).unwrap_or_default() % SHARDS;
        (institution(number * 5), ids[shard].clone())
    });
    Ok(ShardMap::new(MapVersion(1), MapVersion(1), shards, nodes, exceptions)?)
}

/// The map at once to whoever has none, and no news ever to whoever has it.
async fn answer(State(map): State<Bytes>, Query(query): Query<HashMap<String, i64>>) -> Response {
    if query.contains_key("after") {
        return std::future::pending().await;
    }
    ([(CONTENT_TYPE, "application/json")], map).into_response()
}
