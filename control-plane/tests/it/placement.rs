//! PLACEMENT's property against the real database: versions are gapless, and at each of them
//! `route(id) == directory(id)`, with an exception exactly where the ring says otherwise.

use std::collections::BTreeMap;

use control_api::{MapChange, ShardChange};
use control_plane::service::ring::RingEdit;
use control_plane::store::journal::Actor;
use futures::future::join_all;
use shard_map::{InstitutionId, MapShard, MapVersion, ShardId, ShardMap};
use sqlx::Row;

use crate::support::{Sandbox, new_institution, sandbox, shard_id};

async fn history(sandbox: &Sandbox) -> Vec<MapChange> {
    let mut changes: Vec<MapChange> = vec![];
    loop {
        let after = changes.last().map_or(MapVersion(0), |last| last.version);
        let page = sandbox.ops().map_history(after, 200).await.expect("history").items;
        if page.is_empty() {
            return changes;
        }
        changes.extend(page);
    }
}

/// Where each institution lives from which version on.
async fn placements(sandbox: &Sandbox) -> Vec<(i64, InstitutionId, ShardId)> {
    sqlx::query(
        "SELECT map_version, institution_id, shard_id FROM placements ORDER BY map_version, epoch",
    )
    .fetch_all(sandbox.pool())
    .await
    .expect("placements")
    .into_iter()
    .map(|row| {
        let shard: String = row.get("shard_id");
        (row.get("map_version"), InstitutionId::new(row.get("institution_id")), shard_id(&shard))
    })
    .collect()
}

/// Replays history and checks the property at every version. Answers the last version.
pub(crate) async fn check_every_version(sandbox: &Sandbox) -> MapVersion {
    let placements = placements(sandbox).await;
    let mut shards: BTreeMap<ShardId, MapShard> = BTreeMap::new();
    let mut exceptions: BTreeMap<InstitutionId, ShardId> = BTreeMap::new();
    let mut last = MapVersion(0);
    for change in history(sandbox).await {
        assert_eq!(change.version, last.next(), "a gap");
        last = change.version;
        shards.extend(change.set.shards.into_iter().map(|shard| (shard.id.clone(), shard)));
        exceptions.extend(change.set.exceptions);
        for shard in &change.remove.shards {
            shards.remove(shard).expect("only a shard that is there is removed");
        }
        for institution in &change.remove.exceptions {
            exceptions.remove(institution).expect("only an exception that is there is removed");
        }
        let map = ShardMap::new(
            change.version,
            change.placement_version,
            shards.values().cloned(),
            [],
            exceptions.clone(),
        )
        .expect("a map");
        let until_then = placements.iter().filter(|(since, ..)| *since <= change.version.0);
        // The last word on each.
        let homes: BTreeMap<_, _> = until_then.map(|(_, id, shard)| (*id, shard)).collect();
        let mut off_ring = 0;
        for (id, shard) in homes {
            assert_eq!(map.route(id), Some(shard), "{id} at {}", change.version);
            off_ring += usize::from(map.ring().owner(id) != Some(shard));
        }
        assert_eq!(map.exception_count(), off_ring, "at {}", change.version);
    }
    let served = sandbox.ops().map_snapshot().await.expect("the map");
    assert_eq!(served.version, last);
    let served: BTreeMap<_, _> = served.exceptions.into_iter().collect();
    assert_eq!(served, exceptions);
    last
}

#[tokio::test]
async fn concurrent_creations_give_gapless_versions() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        let before = sandbox.ops().map_snapshot().await.expect("the map").version;
        let slugs: Vec<_> = (0..40).map(|number| format!("i-{number}")).collect();
        join_all(slugs.iter().map(|slug| sandbox.institution(slug))).await;
        let last = check_every_version(&sandbox).await;
        // Its node may fall silent meanwhile: that is a version too.
        assert!(last.0 >= before.0 + 40, "{before} {last}");
    })
    .await;
}

#[tokio::test]
async fn route_is_the_directory_at_every_version_under_concurrent_operations() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        sandbox.active_shard("shard-b").await;
        let create = async |from: u32| {
            for number in from..from + 20 {
                let mut new = new_institution(&format!("i-{number}"));
                if number % 3 == 0 {
                    new.shard = Some(shard_id("shard-b"));
                }
                sandbox.ops().create_institution(&new).await.expect("created");
            }
        };
        let reweigh = async |shard: &str, weights: [u32; 6]| {
            for weight in weights {
                let change = ShardChange { weight: Some(weight), ..ShardChange::default() };
                // A ring that others keep changing is refused; then nothing was changed.
                let _ = sandbox.ops().change_shard(&shard_id(shard), &change).await;
            }
        };
        let join = async {
            let new = sandbox.new_shard("shard-c").await;
            sandbox.ops().add_shard(&new).await.expect("added");
            let (edit, actor) = (RingEdit::Activate, Actor::reconciler());
            let _ = sandbox.platform.change_ring(&new.id, edit, &actor, &[]).await;
        };
        tokio::join!(
            create(0),
            create(20),
            create(40),
            reweigh("shard-a", [2, 1, 5, 1, 9, 2]),
            reweigh("shard-b", [3, 8, 1, 2, 1, 4]),
            join,
        );
        let last = check_every_version(&sandbox).await;
        assert!(last.0 >= 60, "{last}");
    })
    .await;
}

#[tokio::test]
async fn a_ring_change_that_is_there_already_changes_nothing() {
    sandbox(async |sandbox| {
        sandbox.reconcile();
        sandbox.active_shard("shard-a").await;
        let (shard, actor) = (shard_id("shard-a"), Actor::reconciler());
        let again = sandbox.platform.change_ring(&shard, RingEdit::Activate, &actor, &[]).await;
        assert!(!again.expect("an answer"));
    })
    .await;
}
