//! The control plane, or its database, goes away and comes back: watchers go on from the version they have, and
//! nobody is put down or moved meanwhile.

use std::time::{Duration, Instant};

use control_api::MapAnswer;
use control_plane::feed::Feed;
use shard_map::{NodeState, ShardMap};
use tokio_util::sync::CancellationToken;

use crate::support::{Sandbox, eventually, sandbox};

async fn versions(sandbox: &Sandbox) -> Vec<i64> {
    let history = sandbox.ops().map_history(shard_map::MapVersion(0), 200).await;
    history.expect("the history").items.iter().map(|change| change.version.0).collect()
}

#[tokio::test]
async fn a_database_that_was_away_leaves_no_gap_and_puts_nobody_down() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        let one = sandbox.register_node("shard-a-1", "shard-a").await;
        let other = sandbox.register_node("shard-a-2", "shard-a").await;
        let home = sandbox.institution("home").await;
        // Heartbeats go on as nodes send them, whether or not somebody hears.
        let beating = CancellationToken::new();
        let beats = tokio::spawn(beating.clone().run_until_cancelled_owned({
            let (sandbox, nodes) = (sandbox.clone(), [one.clone(), other.clone()]);
            async move {
                loop {
                    for node in &nodes {
                        sandbox.try_beat(node).await;
                    }
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
            }
        }));
        eventually("both nodes to be up", async || up(&sandbox).await == 2).await;
        let snapshot = sandbox.ops().map_snapshot().await.expect("the map");
        let before = ShardMap::from_snapshot(snapshot).expect("a map");

        // Longer than any silence that is borne.
        let until = Instant::now() + Duration::from_secs(4);
        sandbox.shut_database(true).await;
        while Instant::now() < until {
            let served = sandbox.ops().map_snapshot().await.expect("the last map is served");
            assert_eq!(served.version, before.version());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        sandbox.shut_database(false).await;

        let watcher = tokio::spawn({
            let (client, version) = (sandbox.ops(), before.version());
            async move { client.map_after(version).await }
        });
        eventually("changes to be possible again", async || {
            sandbox.ops().cordon_node(&other).await.is_ok()
        })
        .await;
        let answer = watcher.await.expect("it ends").expect("an answer");
        let Some(MapAnswer::Delta(delta)) = answer else { panic!("a delta, not {answer:?}") };
        let after = delta.apply(&before).expect("the delta leads from the version that was held");
        assert_eq!(after.version().0, before.version().0 + 1, "the cordon, and nothing else");
        assert_eq!(after.route(home.id), before.route(home.id));
        let seen = versions(&sandbox).await;
        let gapless: Vec<i64> = (1..=after.version().0).collect();
        assert_eq!(seen, gapless);
        beating.cancel();
        let _ = beats.await;
    })
    .await;
}

#[tokio::test]
async fn a_control_plane_that_starts_anew_gives_the_delta_from_the_version_one_has() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        let before = sandbox.platform.feed.latest();
        // Another process on the same database: it has only what is written.
        let node = "shard-a-1".parse().expect("an id");
        sandbox.ops().cordon_node(&node).await.expect("cordoned");
        let stop = CancellationToken::new();
        let anew = Feed::start(sandbox.pool().clone(), stop.clone()).await.expect("the map");
        let news = anew.news(before.version(), Duration::from_secs(5), &stop).await;
        let news = news.expect("news").since(before.version());
        let control_plane::feed::Answer::Delta(delta) = news else { panic!("a delta") };
        let after = delta.apply(before.map()).expect("it leads on");
        assert_eq!(after.checksum(), anew.latest().map().checksum());
        stop.cancel();
    })
    .await;
}

async fn up(sandbox: &Sandbox) -> usize {
    let nodes = sandbox.ops().nodes().await.expect("the nodes").items;
    nodes.iter().filter(|node| node.state == NodeState::Up).count()
}
