//! The relay, driven by hand: what a round leaves, what it marks, and that it rests without a lease.

use std::time::{Duration, Instant};

use shard_map::InstitutionId;
use shard_node::relay;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor as _};
use tokio_util::sync::CancellationToken;

use crate::support::Shard;
use crate::support::api::{Plan, Served};
use crate::support::cable::Cable;
use crate::support::directory::FakeDirectory;
use crate::support::redis::TestRedis;

/// Events of an hour ago that no relay has been at.
async fn unrelayed(shard: &Shard, institution: InstitutionId, count: i32, touches: &str) {
    let events = format!(
        "INSERT INTO outbox_events (institution_id, id, type, aggregate, aggregate_id, aggregate_version, payload,
             touches, created_at)
         SELECT '{institution}', gen_random_uuid(), 'X', 'things', gen_random_uuid(), 1, '{{}}', '{{{touches}}}',
             now() - interval '1 hour' FROM generate_series(1, {count})"
    );
    shard.connect("postgres").await.execute(AssertSqlSafe(events)).await.expect("written");
}

async fn left(shard: &Shard) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM outbox_events WHERE relayed_at IS NULL")
        .fetch_one(&mut shard.connect("postgres").await)
        .await
        .expect("a count")
}

/// Rounds until nothing is left.
async fn until_relayed(served: &Served, pool: &PgPool, shard: &Shard) {
    let began = Instant::now();
    while left(shard).await > 0 {
        assert!(began.elapsed() < Duration::from_mins(1), "it is not relayed");
        relay::round(&served.node, pool).await.expect("a round");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A node whose relay is the test's own, once a round could make Redis believed.
async fn relayed_by_hand(shard: &Shard, redis: &TestRedis) -> Served {
    let mut plan = Plan::new(shard, FakeDirectory::start().await);
    (plan.redis, plan.relays) = (redis.url(), false);
    let served = plan.serve().await;
    served.until_leased().await;
    let began = Instant::now();
    while served.node.cache.redis().ticket().is_none() {
        assert!(began.elapsed() < Duration::from_mins(1), "Redis is not reached");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    served
}

/// Others come to their turn, and Redis is not believed before nothing is left.
#[tokio::test]
async fn a_round_of_the_relay_has_an_end_and_settles_nothing_while_something_is_left() {
    let (redis, shard) = (TestRedis::start().await, Shard::create().await);
    let institution = shard.admit().await;
    let served = relayed_by_hand(&shard, &redis).await;
    unrelayed(&shard, institution, 20_500, "").await;
    let pool = shard.pool("lxp_app", 2);
    relay::round(&served.node, &pool).await.expect("a round");
    assert_eq!(left(&shard).await, 500, "twenty batches of a thousand");
    assert!(!served.node.cache.redis().is_trusted(), "believed, with events left");
    // What the sequencer is numbering meanwhile is left for another.
    until_relayed(&served, &pool, &shard).await;
    served.trusts_redis(true).await;
    drop(served);
    pool.close().await;
    shard.drop_database().await;
}

/// Another relay may have taken it, and fail; the sequencer raises no generation at all.
#[tokio::test]
async fn redis_is_not_believed_while_others_hold_what_is_due() {
    let (redis, shard) = (TestRedis::start().await, Shard::create().await);
    let institution = shard.admit().await;
    let served = relayed_by_hand(&shard, &redis).await;
    unrelayed(&shard, institution, 2, "programs").await;
    let pool = shard.pool("lxp_app", 2);
    let mut other = shard.connect("postgres").await;
    other.execute("BEGIN").await.expect("begun");
    // Waits for the sequencer, where it is at them.
    other
        .execute("SELECT id FROM outbox_events ORDER BY id LIMIT 1 FOR UPDATE")
        .await
        .expect("held");
    relay::round(&served.node, &pool).await.expect("a round");
    assert!(!served.node.cache.redis().is_trusted(), "believed, with an event left");
    other.execute("ROLLBACK").await.expect("ended");
    until_relayed(&served, &pool, &shard).await;
    served.trusts_redis(true).await;
    drop(served);
    pool.close().await;
    shard.drop_database().await;
}

/// It is marked after the generations were raised, not before and not without.
#[tokio::test]
async fn what_redis_did_not_take_is_left_for_another_round() {
    let (redis, shard) = (TestRedis::start().await, Shard::create().await);
    let institution = shard.admit().await;
    let served = relayed_by_hand(&shard, &redis).await;
    unrelayed(&shard, institution, 1, "programs").await;
    let pool = shard.pool("lxp_app", 2);
    redis.signal("STOP");
    let round = relay::round(&served.node, &pool).await;
    redis.signal("CONT");
    round.expect("a round");
    assert_eq!(left(&shard).await, 1, "marked, though nothing was raised");
    until_relayed(&served, &pool, &shard).await;
    drop(served);
    pool.close().await;
    shard.drop_database().await;
}

/// The database that is cut off may be one that was deposed.
#[tokio::test]
async fn without_a_lease_nothing_is_relayed() {
    let (redis, shard) = (TestRedis::start().await, Shard::create().await);
    let institution = shard.admit().await;
    let cable = Cable::to(&shard.options("lxp_app")).await;
    let mut plan = Plan::new(&shard, FakeDirectory::start().await);
    plan.primary = cable.through(plan.primary);
    (plan.redis, plan.relays) = (redis.url(), false);
    let served = plan.serve().await;
    served.until_leased().await;
    let began = Instant::now();
    while !served.node.cache.redis().is_reachable() {
        assert!(began.elapsed() < Duration::from_mins(1), "Redis is not reached");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    cable.set_swallows(true);
    while served.node.ownership.lease.holds() {
        assert!(began.elapsed() < Duration::from_mins(2), "the lease does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (stop, pool) = (CancellationToken::new(), shard.pool("lxp_app", 2));
    let running = tokio::spawn(relay::run(served.node.clone(), pool.clone(), stop.clone()));
    unrelayed(&shard, institution, 1, "programs").await;
    let watched = Instant::now();
    while watched.elapsed() < Duration::from_millis(2_500) {
        assert_eq!(left(&shard).await, 1, "relayed without a lease");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    cable.set_swallows(false);
    let back = Instant::now();
    while left(&shard).await > 0 {
        assert!(back.elapsed() < Duration::from_mins(1), "it does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    running.await.expect("ended");
    drop(served);
    pool.close().await;
    shard.drop_database().await;
}
