//! A control plane that has a map and nothing else.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use shard_map::{MapNode, MapShard, MapVersion, NodeState, ShardMap, ShardState};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::node::Node;
use crate::platform::{SOON, institution, shard};

pub(crate) struct Control {
    address: SocketAddr,
    map: watch::Sender<Arc<ShardMap>>,
    asked: Arc<Asked>,
    nodes: Vec<MapNode>,
    task: JoinHandle<()>,
}

/// How often the map was asked for.
#[derive(Default)]
struct Asked {
    whole: AtomicUsize,
    /// How often somebody began to wait for news.
    waits: AtomicUsize,
    /// Nobody gets a map.
    refuses: AtomicBool,
}

type Shared = (watch::Sender<Arc<ShardMap>>, Arc<Asked>);

impl Control {
    /// A control plane whose map has these nodes, up. Institution 1 lives on `shard-a`, 2 on `shard-b`.
    pub(crate) async fn start(nodes: &[&Node]) -> Self {
        let nodes: Vec<_> = nodes
            .iter()
            .map(|node| MapNode {
                id: node.id.parse().expect("a node id"),
                shard: shard(node.shard),
                url: format!("http://{}", node.address),
                state: NodeState::Up,
            })
            .collect();
        let (map, _) = watch::channel(Arc::new(make_map(1, &nodes, &[(1, "shard-a")])));
        let asked = Arc::new(Asked::default());
        let app = Router::new()
            .route("/v1/map", get(answer))
            .with_state((map.clone(), Arc::clone(&asked)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("it serves");
        });
        Self { address, map, asked, nodes, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Publishes a map that has institution 1 on this shard.
    pub(crate) fn publish(&self, version: i64, home_of_one: &str) {
        let map = make_map(version, &self.nodes, &[(1, home_of_one)]);
        self.map.send_replace(Arc::new(map));
    }

    /// Has a map that nobody is told of unless they ask for it whole. The router must wait for news already:
    /// else it would ask and see it.
    pub(crate) async fn publish_unseen(&self, version: i64, home_of_one: &str) {
        let waits = tokio::time::timeout(SOON, async {
            while self.asked.waits.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waits.await.expect("the router waits for news");
        let map = Arc::new(make_map(version, &self.nodes, &[(1, home_of_one)]));
        self.map.send_if_modified(|held| {
            *held = map;
            false
        });
    }

    /// From now on nobody gets a map.
    pub(crate) fn refuse(&self) {
        self.asked.refuses.store(true, Ordering::SeqCst);
    }

    /// How often the whole map was asked for.
    pub(crate) fn whole_maps_asked(&self) -> usize {
        self.asked.whole.load(Ordering::SeqCst)
    }

    /// Takes the control plane away; who is connected is cut off.
    pub(crate) async fn die(&mut self) {
        self.task.abort();
        let ended = (&mut self.task).await;
        assert!(ended.is_err_and(|error| error.is_cancelled()));
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn make_map(version: i64, nodes: &[MapNode], homes: &[(u128, &str)]) -> ShardMap {
    let shards = ["shard-a", "shard-b", "shard-c"].map(|id| MapShard {
        id: shard(id),
        state: ShardState::Active,
        weight: 1,
    });
    let exceptions = homes
        .iter()
        .chain(&[(2, "shard-b")])
        .map(|(number, home)| (institution(*number), shard(home)));
    let version = MapVersion(version);
    ShardMap::new(version, version, shards, nodes.to_vec(), exceptions).expect("a map")
}

async fn answer(
    State((map, asked)): State<Shared>,
    Query(query): Query<HashMap<String, i64>>,
    headers: HeaderMap,
) -> Response {
    if headers.get("authorization").is_none_or(|token| token != "Bearer secret") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut news = map.subscribe();
    match query.get("after") {
        None => {
            asked.whole.fetch_add(1, Ordering::SeqCst);
        }
        Some(after) => {
            // As the real one: what is newer at once, else when there is news.
            let is_newer = news.borrow_and_update().version().0 > *after;
            if !is_newer {
                asked.waits.fetch_add(1, Ordering::SeqCst);
                if news.changed().await.is_err() {
                    return StatusCode::NO_CONTENT.into_response();
                }
            }
        }
    }
    if asked.refuses.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let snapshot = news.borrow().to_snapshot();
    Json(snapshot).into_response()
}
