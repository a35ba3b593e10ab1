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

/// Two nodes of one shard that are up.
async fn two_up(sandbox: &Sandbox) -> (NodeId, NodeId) {
    let one = node_up(sandbox).await;
    let other = sandbox.register_node("node-2", "shard-a").await;
    sandbox.beat(&other, true).await;
    (one, other)
}

/// Moves heartbeats of nodes back in time, with the watch over them, and judges.
async fn silent_for(sandbox: &Sandbox, nodes: &[&NodeId], seconds: f64) {
    sqlx::query(
        "UPDATE nodes SET last_good_at = clock_timestamp() - make_interval(secs => $1),
             last_beat_at = clock_timestamp() - make_interval(secs => $1)
         WHERE id = ANY($2)",
    )
    .bind(seconds)
    .bind(nodes.iter().map(ToString::to_string).collect::<Vec<_>>())
    .execute(sandbox.pool())
    .await
    .expect("moved");
    watched(sandbox).await;
    sandbox.platform.judge_nodes().await.expect("judged");
}

/// Somebody has been watching for an hour.
async fn watched(sandbox: &Sandbox) {
    sqlx::query(
        "UPDATE health_watch SET last_tick_at = clock_timestamp(),
             watching_since = clock_timestamp() - interval '1 hour'",
    )
    .execute(sandbox.pool())
    .await
    .expect("watched");
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
        let (node, other) = two_up(&sandbox).await;
        silent_for(&sandbox, &[&node], 2.2).await;
        assert_eq!(state(&sandbox, &node).await, NodeState::Suspect);
        sandbox.beat(&other, true).await;
        silent_for(&sandbox, &[&node], 3.2).await;
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
async fn nobody_is_put_down_where_all_fall_silent_at_once() {
    sandbox(async |sandbox| {
        let (node, other) = two_up(&sandbox).await;
        silent_for(&sandbox, &[&node, &other], 60.0).await;
        for node in [&node, &other] {
            assert_eq!(state(&sandbox, node).await, NodeState::Suspect);
        }
    })
    .await;
}

#[tokio::test]
async fn a_state_is_shown_with_since_when_and_why_and_who_said_so() {
    sandbox(async |sandbox| {
        let (node, _) = two_up(&sandbox).await;
        silent_for(&sandbox, &[&node], 3.2).await;
        let shown = sandbox.ops().node(&node).await.expect("the node");
        assert_eq!((shown.state, &*shown.by), (NodeState::Down, "control-plane"));
        assert!(shown.why.starts_with("no heartbeat for 3."), "{}", shown.why);
        assert!(shown.since > shown.last_heartbeat_at, "{shown:?}");
        let shown = sandbox.ops().cordon_node(&node).await.expect("cordoned");
        assert_eq!((&*shown.by, &*shown.why), ("test-platform-ops", "cordoned by hand"));
        let events = sandbox.ops().events(0, 200).await.expect("the events").items;
        let last = events.last().expect("an event");
        assert_eq!(
            (&*last.kind, &last.detail["by"]),
            ("node.cordoned", &"test-platform-ops".into())
        );
    })
    .await;
}

#[tokio::test]
async fn a_control_plane_that_has_just_come_condemns_nobody_for_what_it_did_not_hear() {
    sandbox(async |sandbox| {
        let (node, other) = two_up(&sandbox).await;
        // Its predecessor judged until a moment ago and did not hear one of them for a while.
        sqlx::query("UPDATE nodes SET last_good_at = clock_timestamp() - interval '9 s' WHERE id = $1")
            .bind(node.to_string())
            .execute(sandbox.pool())
            .await
            .expect("moved");
        watched(&sandbox).await;
        sandbox.reconcile();
        let begun = "SELECT watching_since > clock_timestamp() - interval '1 min' FROM health_watch";
        eventually("the watch to begin anew", async || {
            sqlx::query_scalar::<_, bool>(begun).fetch_one(sandbox.pool()).await.expect("an answer")
        })
        .await;
        let hasty = "SELECT count(*) FROM events, health_watch
                     WHERE kind IN ('node.suspect', 'node.down') AND at < watching_since + interval '2 s'";
        eventually("who stays silent to be noticed", async || {
            sandbox.beat(&other, true).await;
            state(&sandbox, &node).await == NodeState::Down
        })
        .await;
        let hasty: i64 =
            sqlx::query_scalar(hasty).fetch_one(sandbox.pool()).await.expect("an answer");
        assert_eq!(hasty, 0);
    })
    .await;
}

#[tokio::test]
async fn a_pause_of_the_watch_condemns_nobody() {
    sandbox(async |sandbox| {
        let (node, _) = two_up(&sandbox).await;
        sqlx::query("UPDATE nodes SET last_good_at = clock_timestamp() - interval '1 hour'")
            .execute(sandbox.pool())
            .await
            .expect("moved");
        sqlx::query("UPDATE health_watch SET last_tick_at = clock_timestamp() - interval '59 min'")
            .execute(sandbox.pool())
            .await
            .expect("moved");
        assert_eq!(sandbox.platform.judge_nodes().await.expect("judged"), 0);
        assert_eq!(state(&sandbox, &node).await, NodeState::Up);
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
            admin_url: None,
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
            admin_url: None,
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

#[tokio::test]
async fn what_a_person_said_no_checker_takes_back() {
    sandbox(async |sandbox| {
        let (node, _) = two_up(&sandbox).await;
        let checker = sandbox.client(Role::HealthChecker);
        sandbox.ops().hold_node_down(&node, "its disk is being changed").await.expect("held");
        let error = checker.let_node_up(&node).await.expect_err("a person's word");
        assert_eq!(error.refusal().map(|refusal| &*refusal.code), Some("held-by-person"));
        let freed = sandbox.ops().let_node_up(&node).await.expect("let go");
        assert_eq!(freed.state, NodeState::Up);
    })
    .await;
}
