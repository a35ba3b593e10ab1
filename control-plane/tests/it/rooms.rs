//! Capacity, when institutions are created.

use control_api::{NewInstitution, ShardChange};

use crate::placement::check_every_version;
use crate::plans::{refused, two_shards};
use crate::rebalance::{REBALANCE, propose};
use crate::support::{new_institution, sandbox, shard_id};

#[tokio::test]
async fn nobody_is_created_on_a_full_shard_and_where_there_is_room_nobody_is_refused() {
    sandbox(async |sandbox| {
        two_shards(&sandbox).await;
        let (a, b, ops) = (shard_id("shard-a"), shard_id("shard-b"), sandbox.ops());
        for shard in [&a, &b] {
            let change = ShardChange { capacity: Some(4), ..ShardChange::default() };
            ops.change_shard(shard, &change).await.expect("changed");
        }
        // Of eight by the ring hardly ever four belong on either: the others go where there is room.
        let all: Vec<_> = (0..8).map(|number| new_institution(&format!("i-{number}"))).collect();
        let all = all.iter().map(|new| ops.create_institution(new));
        for made in futures::future::join_all(all).await {
            made.expect("created");
        }
        for shard in [&a, &b] {
            assert_eq!(ops.shard(shard).await.expect("the shard").institutions, 4, "{shard}");
        }
        let (status, code, detail) = refused(ops.create_institution(&new_institution("i-8")).await);
        assert_eq!((status, &*code), (409, "shards-full"));
        assert!(detail.contains("lxp shard capacity"), "{detail}");
        let there = NewInstitution { shard: Some(b.clone()), ..new_institution("i-9") };
        let (status, code, detail) = refused(ops.create_institution(&there).await);
        assert_eq!((status, &*code), (409, "shard-full"));
        assert!(
            detail.contains("`shard-b` is full: 4") && detail.contains("capacity shard-b N"),
            "{detail}"
        );
        // Who has a place off the ring keeps it while the ring's owner is full.
        assert_eq!(propose(&sandbox, &REBALANCE).await.moves, vec![]);
        let open = ShardChange { capacity: Some(5), ..ShardChange::default() };
        ops.change_shard(&b, &open).await.expect("changed");
        assert_eq!(ops.create_institution(&there).await.expect("created").shard, b);
        check_every_version(&sandbox).await;
    })
    .await;
}
