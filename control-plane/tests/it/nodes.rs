//! Nodes over HTTP and in the database: states, words of people and checkers, silence.

use control_api::NodeRegistration;
use control_plane::api::access::Role;
use shard_map::{NodeId, NodeState};

use crate::support::{Sandbox, eventually, sandbox};

/// A sandbox's shard with one node that is up.
async fn node_up(sandbox: &Sandbox) -> NodeId {
    let new = sandbox.new_shard("shard-a").await;
    sandbox.ops().add_shard(&new).await.expect("added");
    let node = sandbox.register_node("node-1", "shard-a").await;
    sandbox.beat(&node, true).await;
    node
}

async fn state(sandbox: &Sandbox, node: &NodeId) -> NodeState {
    sandbox.ops().node(node).await.expect("the node").state
}

/// Moves the node's heartbeats, and the watch over them, back in time.
async fn silent_for(sandbox: &Sandbox, seconds: f64) {
    sqlx::query(
        "UPDATE nodes SET last_good_at = clock_timestamp() - make_interval(secs => $1),
             last_beat_at = clock_timestamp() - make_interval(secs => $1)",
    )
    .bind(seconds)
    .execute(sandbox.pool())
    .await
    .expect("moved");
    sqlx::query(
        "UPDATE health_watch SET last_tick_at = clock_timestamp(),
             watching_since = clock_timestamp() - interval '1 hour'",
    )
    .execute(sandbox.pool())
    .await
    .expect("watched");
    sandbox.platform.judge_silence().await.expect("judged");
}

#[tokio::test]
async fn a_heartbeat_that_changes_nothing_raises_no_version() {
    sandbox(async |sandbox| {
        let node = node_up(&sandbox).await;
        assert_eq!(state(&sandbox, &node).await, NodeState::Up);
        let version = sandbox.ops().map_snapshot().await.expect("the map").version;
        for _ in 0..5 {
            sandbox.beat(&node, true).await;
        }
        assert_eq!(sandbox.ops().map_snapshot().await.expect("the map").version, version);
        let shown = sandbox.ops().nodes().await.expect("the nodes").items;
        assert_eq!(shown[0].load, Some(0.25));
    })
    .await;
}

#[tokio::test]
async fn silence_makes_suspect_then_down_and_two_good_heartbeats_bring_it_back() {
    sandbox(async |sandbox| {
        let node = node_up(&sandbox).await;
        silent_for(&sandbox, 2.2).await;
        assert_eq!(state(&sandbox, &node).await, NodeState::Suspect);
        silent_for(&sandbox, 3.2).await;
        assert_eq!(state(&sandbox, &node).await, NodeState::Down);
        sandbox.beat(&node, true).await;
        assert_eq!(state(&sandbox, &node).await, NodeState::Down, "after one heartbeat");
        sandbox.beat(&node, true).await;
        assert_eq!(state(&sandbox, &node).await, NodeState::Up, "after two");
        let map = sandbox.ops().map_snapshot().await.expect("the map");
        assert_eq!(map.nodes[0].state, NodeState::Up);
        assert!(map.placement_version < map.version, "health is not placement");
    })
    .await;
}

#[tokio::test]
async fn silence_while_no_control_plane_watched_condemns_nobody() {
    sandbox(async |sandbox| {
        let node = node_up(&sandbox).await;
        sqlx::query("UPDATE nodes SET last_good_at = clock_timestamp() - interval '1 hour'")
            .execute(sandbox.pool())
            .await
            .expect("moved");
        sqlx::query("UPDATE health_watch SET last_tick_at = clock_timestamp() - interval '59 min'")
            .execute(sandbox.pool())
            .await
            .expect("moved");
        assert_eq!(sandbox.platform.judge_silence().await.expect("judged"), 0);
        assert_eq!(state(&sandbox, &node).await, NodeState::Up);
    })
    .await;
}

#[tokio::test]
async fn a_silent_node_is_noticed_within_four_seconds() {
    sandbox(async |sandbox| {
        let node = node_up(&sandbox).await;
        sandbox.reconcile();
        let begun = std::time::Instant::now();
        sandbox.beat(&node, true).await;
        eventually("the node to be down", async || state(&sandbox, &node).await == NodeState::Down)
            .await;
        let took = begun.elapsed().as_secs_f64();
        assert!((2.9..4.5).contains(&took), "{took} s");
    })
    .await;
}

#[tokio::test]
async fn a_person_stands_over_a_checker_and_that_over_heartbeats() {
    sandbox(async |sandbox| {
        let node = node_up(&sandbox).await;
        let checker = sandbox.client(Role::HealthChecker);
        let held = checker.hold_node_down(&node, "no answer on /readyz").await.expect("held");
        assert_eq!(held.state, NodeState::Down);
        assert_eq!(held.held_down.as_deref(), Some("no answer on /readyz"));
        sandbox.beat(&node, true).await;
        assert_eq!(state(&sandbox, &node).await, NodeState::Down);
        sandbox.ops().cordon_node(&node).await.expect("cordoned");
        let freed = checker.let_node_up(&node).await.expect("let go");
        assert_eq!(freed.state, NodeState::Cordoned);
        let back = sandbox.ops().uncordon_node(&node).await.expect("put back");
        assert_eq!(back.state, NodeState::Up);
    })
    .await;
}

#[tokio::test]
async fn registering_again_is_harmless_and_another_address_must_earn_its_place() {
    sandbox(async |sandbox| {
        let node = node_up(&sandbox).await;
        sandbox.register_node("node-1", "shard-a").await;
        assert_eq!(state(&sandbox, &node).await, NodeState::Up);
        let moved = NodeRegistration {
            id: node.clone(),
            shard: "shard-a".parse().expect("an id"),
            url: "http://127.0.0.1:10".to_owned(),
        };
        let shown = sandbox.client(Role::Node).register_node(&moved).await.expect("registered");
        assert_eq!((shown.state, &*shown.url), (NodeState::Down, "http://127.0.0.1:10"));
        sandbox.beat(&node, true).await;
        sandbox.beat(&node, true).await;
        assert_eq!(state(&sandbox, &node).await, NodeState::Up);
    })
    .await;
}

#[tokio::test]
async fn a_node_of_no_shard_or_of_another_shard_is_refused() {
    sandbox(async |sandbox| {
        node_up(&sandbox).await;
        let client = sandbox.client(Role::Node);
        let mut node = NodeRegistration {
            id: "node-2".parse().expect("an id"),
            shard: "shard-x".parse().expect("an id"),
            url: "http://127.0.0.1:9".to_owned(),
        };
        let error = client.register_node(&node).await.expect_err("no such shard");
        assert_eq!(error.refusal().map(|refusal| &*refusal.code), Some("shard-unknown"));
        let other = sandbox.new_shard("shard-x").await;
        sandbox.ops().add_shard(&other).await.expect("added");
        node.id = "node-1".parse().expect("an id");
        let error = client.register_node(&node).await.expect_err("another shard's");
        assert_eq!(error.refusal().map(|refusal| &*refusal.code), Some("node-exists"));
    })
    .await;
}
