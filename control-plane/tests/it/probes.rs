//! Probes of nodes, against a listener that answers as the test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use control_api::{Node, NodeRegistration};
use control_plane::api::access::Role;
use control_plane::reconcile::nodes::{probe_due, prober};
use shard_map::{NodeId, NodeState};

use crate::support::{Sandbox, sandbox};

/// A node's admin listener, and whether it says ready.
async fn listener() -> (String, Arc<AtomicBool>) {
    let ready = Arc::new(AtomicBool::new(true));
    let told = ready.clone();
    let answer = move || {
        let ready = told.load(Ordering::SeqCst);
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        std::future::ready(status)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/readyz", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, ready)
}

async fn register(sandbox: &Sandbox, id: &str, admin_url: Option<String>) -> NodeId {
    let node = NodeRegistration {
        id: id.parse().expect("an id"),
        shard: "shard-a".parse().expect("an id"),
        url: "http://127.0.0.1:9".to_owned(),
        admin_url,
    };
    sandbox.client(Role::Node).register_node(&node).await.expect("registered");
    sandbox.beat(&node.id, true).await;
    node.id
}

/// One second as the reconcilers make it: heartbeats, a probe of everybody, a judgement.
async fn second(sandbox: &Sandbox, nodes: &[&NodeId]) {
    for node in nodes {
        sandbox.beat(node, true).await;
    }
    sqlx::query("UPDATE nodes SET probe_due_at = 'epoch'")
        .execute(sandbox.pool())
        .await
        .expect("due");
    probe_due(&sandbox.platform, &prober().expect("a client")).await.expect("probed");
    sqlx::query(
        "UPDATE health_watch SET last_tick_at = clock_timestamp(), watching_since = 'epoch'",
    )
    .execute(sandbox.pool())
    .await
    .expect("watched");
    sandbox.platform.judge_nodes().await.expect("judged");
}

async fn shown(sandbox: &Sandbox, node: &NodeId) -> Node {
    sandbox.ops().node(node).await.expect("the node")
}

#[tokio::test]
async fn a_node_that_no_longer_answers_probes_is_down_though_its_heartbeats_come() {
    sandbox(async |sandbox| {
        sandbox.ops().add_shard(&sandbox.new_shard("shard-a").await).await.expect("added");
        let (url, ready) = listener().await;
        let node = register(&sandbox, "node-1", Some(url)).await;
        let other = register(&sandbox, "node-2", None).await;
        let nodes = [&node, &other];
        second(&sandbox, &nodes).await;
        let version = sandbox.ops().map_snapshot().await.expect("the map").version;
        ready.store(false, Ordering::SeqCst);
        let mut states = vec![];
        for _ in 0..3 {
            second(&sandbox, &nodes).await;
            states.push(shown(&sandbox, &node).await.state);
        }
        assert_eq!(states, [NodeState::Up, NodeState::Suspect, NodeState::Down]);
        let is = shown(&sandbox, &node).await;
        assert_eq!(is.why, "probes of its /readyz failed: it answers 503");
        assert_eq!(shown(&sandbox, &other).await.state, NodeState::Up);
        let later = sandbox.ops().map_snapshot().await.expect("the map").version;
        assert_eq!(later.0 - version.0, 2, "a version for each change of state, none for a probe");
        ready.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            second(&sandbox, &nodes).await;
        }
        assert_eq!(shown(&sandbox, &node).await.state, NodeState::Up);
        assert_eq!(shown(&sandbox, &node).await.last_probe_error, None);
    })
    .await;
}

#[tokio::test]
async fn a_node_is_probed_by_one_control_plane_at_a_time() {
    sandbox(async |sandbox| {
        sandbox.ops().add_shard(&sandbox.new_shard("shard-a").await).await.expect("added");
        register(&sandbox, "node-1", Some("http://127.0.0.1:9".to_owned())).await;
        let mut taken = 0;
        for _ in 0..2 {
            let mut connection = sandbox.pool().acquire().await.expect("a connection");
            let due = control_plane::store::nodes::take_due_probes(&mut connection, 60.0, 10).await;
            taken += due.expect("the due ones").len();
        }
        assert_eq!(taken, 1);
    })
    .await;
}
