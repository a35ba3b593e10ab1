//! The feed: news reaches those who wait, on every control plane, and nobody waits past the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use control_api::{MapAnswer, follow};
use control_plane::api::access::Role;
use control_plane::feed::Feed;
use futures::future::join_all;
use shard_map::{MapVersion, ShardMap};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, Sandbox, sandbox};

async fn add_shard(sandbox: &Sandbox, id: &str) -> MapVersion {
    let new = sandbox.new_shard(id).await;
    sandbox.ops().add_shard(&new).await.expect("added");
    sandbox.ops().map_snapshot().await.expect("the map").version
}

#[tokio::test]
async fn a_delta_reaches_a_watcher() {
    sandbox(async |sandbox| {
        let version = add_shard(&sandbox, "shard-a").await;
        let here = sandbox.ops().map_snapshot().await.expect("the map");
        let here = ShardMap::from_snapshot(here).expect("a map");
        let router = sandbox.client(Role::Router);
        let (news, newer) = tokio::join!(router.map_after(version), add_shard(&sandbox, "shard-b"));
        let Some(MapAnswer::Delta(delta)) = news.expect("an answer") else { panic!("a delta") };
        let map = delta.apply(&here).expect("it fits");
        assert_eq!(map.version(), newer);
        assert_eq!(map.shards().count(), 2);
    })
    .await;
}

#[tokio::test]
async fn two_hundred_followers_have_a_change_within_a_moment() {
    sandbox(async |sandbox| {
        add_shard(&sandbox, "shard-a").await;
        let node = sandbox.register_node("node-1", "shard-a").await;
        let stop = CancellationToken::new();
        let router = sandbox.client(Role::Router);
        let mut followers: Vec<_> =
            (0..200).map(|_| follow(router.clone(), None, stop.clone())).collect();
        let version = sandbox.ops().map_snapshot().await.expect("the map").version;
        let at = |version| {
            move |map: &Option<Arc<ShardMap>>| map.as_ref().is_some_and(|m| m.version() >= version)
        };
        for follower in &mut followers {
            let wait = tokio::time::timeout(PATIENCE, follower.wait_for(at(version)));
            wait.await.expect("in time").expect("followed");
        }
        // All of them must be waiting before the change.
        tokio::time::sleep(Duration::from_millis(300)).await;
        sandbox.ops().cordon_node(&node).await.expect("cordoned");
        let begun = Instant::now();
        let waits = followers.iter_mut().map(|follower| async {
            follower.wait_for(at(version.next())).await.expect("followed");
            begun.elapsed()
        });
        let slowest = tokio::time::timeout(PATIENCE, join_all(waits)).await.expect("in time");
        let slowest = slowest.into_iter().max().expect("followers");
        println!("the slowest of 200 followers had the change after {slowest:?}");
        assert!(slowest < Duration::from_secs(2), "{slowest:?}");
        stop.cancel();
    })
    .await;
}

#[tokio::test]
async fn another_control_plane_hears_of_it_and_reads_are_never_behind_the_database() {
    sandbox(async |sandbox| {
        let stop = CancellationToken::new();
        let other = Feed::start(sandbox.pool().clone(), stop.clone()).await.expect("a feed");
        let version = add_shard(&sandbox, "shard-a").await;
        assert_eq!(other.fresh().await.version(), version);
        let newer = add_shard(&sandbox, "shard-b").await;
        let news = other.news(version, PATIENCE, &stop).await;
        assert!(news.is_some());
        assert_eq!(other.latest().version(), newer);
        let own = sandbox.ops().map_snapshot().await.expect("the map");
        assert_eq!(own.checksum, other.latest().map().checksum());
        stop.cancel();
    })
    .await;
}

#[tokio::test]
async fn a_version_that_never_was_gets_the_whole_map() {
    sandbox(async |sandbox| {
        let version = add_shard(&sandbox, "shard-a").await;
        let answer = sandbox.ops().map_after(MapVersion(version.0 + 100)).await;
        assert!(matches!(answer, Ok(Some(MapAnswer::Snapshot(_)))), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn a_restored_database_takes_the_map_back() {
    sandbox(async |sandbox| {
        let version = add_shard(&sandbox, "shard-a").await;
        add_shard(&sandbox, "shard-b").await;
        for undo in [
            "DELETE FROM shards WHERE id = 'shard-b'",
            "DELETE FROM map_history WHERE version = 2",
            "UPDATE map_head SET version = 1",
        ] {
            sqlx::query(undo).execute(sandbox.pool()).await.expect("undone");
        }
        let map = sandbox.ops().map_snapshot().await.expect("the map");
        assert_eq!((map.version, map.shards.len()), (version, 1));
    })
    .await;
}

#[tokio::test]
async fn watchers_are_sent_home_at_the_end() {
    sandbox(async |sandbox| {
        let version = add_shard(&sandbox, "shard-a").await;
        let begun = Instant::now();
        let router = sandbox.client(Role::Router);
        let (answer, ()) = tokio::join!(router.map_after(version), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            sandbox.stop.cancel();
        });
        assert_eq!(answer.expect("an answer"), None);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    })
    .await;
}
