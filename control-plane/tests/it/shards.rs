//! Shards: joining until they are migrated and have a ready node; their secrets never leave.

use control_api::{Dsn, ShardChange};
use control_plane::api::access::Role;
use control_plane::shard_db::newest_migration;
use shard_map::ShardState;

use crate::support::{eventually, sandbox, shard_id, token};

#[tokio::test]
async fn a_shard_is_active_once_it_is_migrated_and_has_a_ready_node() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let new = sandbox.new_shard("shard-a").await;
        let added = sandbox.ops().add_shard(&new).await.expect("added");
        assert_eq!(added.state, ShardState::Joining);
        eventually("the migrations", async || {
            let shard = sandbox.ops().shard(&new.id).await.expect("the shard");
            shard.schema_version == Some(newest_migration())
        })
        .await;
        let node = sandbox.register_node("shard-a-1", "shard-a").await;
        sandbox.beat(&node, false).await;
        tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
        let shard = sandbox.ops().shard(&new.id).await.expect("the shard");
        assert_eq!(shard.state, ShardState::Joining, "its node is not ready");
        eventually("the ring to have it", async || {
            sandbox.beat(&node, true).await;
            let map = sandbox.ops().map_snapshot().await.expect("the map");
            map.shards[0].state == ShardState::Active
        })
        .await;
        let map = sandbox.ops().map_snapshot().await.expect("the map");
        let history = sandbox.ops().map_history(map.placement_version, 200).await.expect("history");
        assert!(history.items.iter().all(|change| change.kind != "shard.activated"));
        assert!(map.placement_version.0 > 0);
    })
    .await;
}

#[tokio::test]
async fn the_same_shard_again_is_harmless_and_another_with_its_id_is_refused() {
    sandbox(async |sandbox| {
        let mut new = sandbox.new_shard("shard-a").await;
        let first = sandbox.ops().add_shard(&new).await.expect("added");
        let version = sandbox.ops().map_snapshot().await.expect("the map").version;
        assert_eq!(sandbox.ops().add_shard(&new).await.expect("again"), first);
        assert_eq!(sandbox.ops().map_snapshot().await.expect("the map").version, version);
        new.weight = 2;
        let error = sandbox.ops().add_shard(&new).await.expect_err("another one");
        let refusal = error.refusal().expect("a refusal");
        assert_eq!((refusal.status, &*refusal.code), (409, "shard-exists"));
    })
    .await;
}

#[tokio::test]
async fn an_unreachable_database_is_told_and_tried_again_and_its_password_is_not_shown() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        let mut new = sandbox.new_shard("shard-a").await;
        let right = new.postgres.clone();
        new.postgres.primary = Dsn::new("postgres://lxp_owner:sesame@127.0.0.1:1/lxp");
        sandbox.ops().add_shard(&new).await.expect("added");
        eventually("the error to be told", async || {
            sandbox.ops().shard(&new.id).await.expect("the shard").last_error.is_some()
        })
        .await;
        for path in ["/v1/shards", "/v1/shards/shard-a", "/v1/map", "/v1/events", "/v1/audit"] {
            let asked = reqwest::Client::new().get(format!("{}{path}", sandbox.url));
            let asked = asked.bearer_auth(token(Role::PlatformOps)).send().await.expect("answered");
            let text = asked.text().await.expect("a body");
            assert!(!text.contains("sesame") && !text.contains("postgres://"), "{path}: {text}");
        }
        let change = ShardChange { postgres: Some(right), ..ShardChange::default() };
        sandbox.ops().change_shard(&new.id, &change).await.expect("changed");
        eventually("the migrations", async || {
            let shard = sandbox.ops().shard(&new.id).await.expect("the shard");
            shard.last_error.is_none() && shard.schema_version == Some(newest_migration())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_change_of_weight_raises_the_placement_version_and_keeps_every_institution_where_it_is() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        sandbox.active_shard("shard-b").await;
        let mut homes = vec![];
        for number in 0..20 {
            homes.push(sandbox.institution(&format!("i-{number}")).await);
        }
        let before = sandbox.ops().map_snapshot().await.expect("the map");
        let change = ShardChange { weight: Some(9), ..ShardChange::default() };
        sandbox.ops().change_shard(&shard_id("shard-b"), &change).await.expect("changed");
        // Versions that are no placement's may come at any time: of nodes that are not heard.
        let map = sandbox.ops().map_snapshot().await.expect("the map");
        assert!(map.placement_version > before.version, "{} is not new", map.placement_version);
        assert!(!map.exceptions.is_empty(), "nobody's owner by ring changed");
        let map = shard_map::ShardMap::from_snapshot(map).expect("a map");
        for home in homes {
            assert_eq!(map.route(home.id), Some(&home.shard));
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_without_a_change_is_refused() {
    sandbox(async |sandbox| {
        let new = sandbox.new_shard("shard-a").await;
        sandbox.ops().add_shard(&new).await.expect("added");
        let nothing = ShardChange::default();
        let error = sandbox.ops().change_shard(&new.id, &nothing).await.expect_err("nothing");
        assert_eq!(error.refusal().map(|refusal| refusal.status), Some(422));
    })
    .await;
}
