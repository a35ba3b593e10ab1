//! A change of the ring that makes exceptions of more institutions than a version lists.

use control_api::MapAnswer;
use control_plane::feed::Feed;
use shard_map::{MapVersion, ShardMap};
use tokio_util::sync::CancellationToken;

use crate::plans::{active, sql};
use crate::support::{sandbox, shard_id};

/// Half of them belong to a second shard: more than the 50,000 that are listed.
const INSTITUTIONS: usize = 120_000;
/// A statement has little time.
const AT_ONCE: usize = 10_000;

#[tokio::test]
async fn a_change_that_is_too_large_to_be_listed_is_right_for_who_follows_who_starts_and_who_watches()
 {
    sandbox(async |sandbox| {
        active(&sandbox, "shard-a").await;
        for first in (1..=INSTITUTIONS).step_by(AT_ONCE) {
            let fill = format!(
                "INSERT INTO institutions (id, slug, name, timezone, status, settled, shard_id, epoch, map_version, retry_at)
                 SELECT md5(n::text)::uuid, 'school-' || n, 'A school', 'UTC', 'active', true, 'shard-a', 1, 1, now()
                 FROM generate_series({first}, {first} + {AT_ONCE} - 1) n"
            );
            sql(&sandbox, fill).await;
        }
        active(&sandbox, "shard-b").await;
        let ops = sandbox.ops();
        let history = ops.map_history(MapVersion(0), 100).await.expect("the history").items;
        let large = history.into_iter().find(|change| change.exceptions_left_out > 0);
        let large = large.expect("a version that does not list them");
        assert!(large.set.exceptions.is_empty());

        let news = ops.map_after(MapVersion(large.version.0 - 1)).await.expect("news");
        let Some(MapAnswer::Snapshot(snapshot)) = news else { panic!("the whole map: {news:?}") };
        let off_ring = i64::try_from(snapshot.exceptions.len()).expect("a number");
        assert!(off_ring > 50_000 && off_ring == large.exceptions_left_out, "{off_ring}");
        assert!(snapshot.exceptions.iter().all(|(_, home)| *home == shard_id("shard-a")));
        let map = ShardMap::from_snapshot(snapshot).expect("a map");

        let stop = CancellationToken::new();
        let started = Feed::start(sandbox.pool().clone(), stop.clone()).await.expect("a feed");
        assert_eq!(started.latest().map().checksum(), map.checksum());
        stop.cancel();
    })
    .await;
}
