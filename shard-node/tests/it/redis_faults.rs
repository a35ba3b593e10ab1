//! R8 in the small: Redis killed, frozen, flushed, or away for one node of two. Answers stay right: what was
//! acknowledged more than 1 s ago is seen through every node.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{Client, NO_REDIS, Served, generous};
use crate::support::redis::TestRedis;

/// How far behind a node may be.
const BEHIND_MAX: Duration = Duration::from_secs(1);

/// Two nodes of a shard that share a Redis, and a program that both have cached.
struct Pair {
    shard: Shard,
    redis: TestRedis,
    nodes: [Served; 2],
    admins: [Client; 2],
    program: String,
}

impl Pair {
    async fn start() -> Self {
        let redis = TestRedis::start().await;
        let url = redis.url();
        Self::with(redis, &[&url, &url]).await
    }

    async fn with(redis: TestRedis, urls: &[&str; 2]) -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let nodes = [
            Served::start_with(&shard, 6, urls[0], generous()).await,
            Served::start_with(&shard, 6, urls[1], generous()).await,
        ];
        let admins = nodes.each_ref().map(|node| node.admin(institution));
        for (node, url) in nodes.iter().zip(urls) {
            if *url != NO_REDIS {
                node.trusts_redis(true).await;
            }
        }
        let program = json!({"code": "P", "name": "old"});
        let id = admins[0].post("/v1/programs", program).await.expect(201).id();
        let program = format!("/v1/programs/{id}");
        let pair = Self { shard, redis, nodes, admins, program };
        // Past what the relay does for the creation, so that nothing but the change raises a generation.
        pair.relayed().await;
        assert_eq!(pair.names().await, ["old", "old"]);
        pair
    }

    /// Waits until no event waits for the relay.
    async fn relayed(&self) {
        let began = Instant::now();
        let mut watcher = self.shard.connect("postgres").await;
        loop {
            let left: i64 =
                sqlx::query_scalar("SELECT count(*) FROM outbox_events WHERE relayed_at IS NULL")
                    .fetch_one(&mut watcher)
                    .await
                    .expect("a count");
            if left == 0 {
                return;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "{left} events are left");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The program's name as each node gives it.
    async fn names(&self) -> [String; 2] {
        let [one, other] = &self.admins;
        let (one, other) = tokio::join!(one.get(&self.program), other.get(&self.program));
        [one, other]
            .map(|answer| answer.expect(200).body["name"].as_str().expect("a name").to_owned())
    }

    /// Changes the name through the first node; from 1 s after the acknowledgement on, no node gives the old one.
    async fn rename_and_watch(&self, after_change: impl FnOnce()) {
        let body = Some(json!({"name": "new"}));
        self.admins[0].send(Method::PATCH, &self.program, body, &[]).await.expect(200);
        let acknowledged = Instant::now();
        after_change();
        while acknowledged.elapsed() < Duration::from_secs(4) {
            let asked = acknowledged.elapsed();
            let names = self.names().await;
            if asked > BEHIND_MAX {
                assert_eq!(names, ["new", "new"], "{asked:?} after the acknowledgement");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self) {
        drop(self.nodes);
        self.shard.drop_database().await;
    }
}

#[tokio::test]
async fn a_redis_that_was_frozen_gives_nothing_old() {
    let pair = Pair::start().await;
    pair.redis.signal("STOP");
    pair.rename_and_watch(|| pair.redis.signal("CONT")).await;
    pair.nodes[0].trusts_redis(true).await;
    pair.nodes[1].trusts_redis(true).await;
    assert_eq!(pair.names().await, ["new", "new"]);
    pair.stop().await;
}

#[tokio::test]
async fn a_redis_that_was_frozen_for_long_is_believed_again_only_after_the_relay() {
    let pair = Pair::start().await;
    pair.redis.signal("STOP");
    // Nobody can bring this to Redis, which keeps the old generation and the old program.
    let body = Some(json!({"name": "new"}));
    pair.admins[0].send(Method::PATCH, &pair.program, body, &[]).await.expect(200);
    tokio::time::sleep(BEHIND_MAX).await;
    pair.redis.signal("CONT");
    for node in &pair.nodes {
        node.trusts_redis(true).await;
        assert_eq!(pair.names().await, ["new", "new"]);
    }
    pair.stop().await;
}

/// It comes back with the same keys: what they hold must not be older than what it did before.
#[tokio::test]
async fn what_a_suspended_institution_did_is_relayed() {
    let pair = Pair::start().await;
    let mut superuser = pair.shard.connect("postgres").await;
    // The second makes news of the first.
    for step in
        ["UPDATE institutions SET status = 'SUSPENDED'", "UPDATE ownership SET state = state"]
    {
        sqlx::query(step).execute(&mut superuser).await.expect("suspended");
    }
    let began = Instant::now();
    while pair.admins[0].get(&pair.program).await.status == StatusCode::OK {
        assert!(began.elapsed() < Duration::from_mins(1), "it is served");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sqlx::query("UPDATE outbox_events SET relayed_at = NULL")
        .execute(&mut superuser)
        .await
        .expect("due");
    pair.relayed().await;
    pair.stop().await;
}

#[tokio::test]
async fn a_node_that_is_cut_off_from_redis_leaves_the_others_no_more_than_1_s_behind() {
    let redis = TestRedis::start().await;
    let url = redis.url();
    let pair = Pair::with(redis, &[NO_REDIS, &url]).await;
    pair.rename_and_watch(|| ()).await;
    pair.stop().await;
}

#[tokio::test]
async fn without_redis_answers_are_right_and_it_is_used_again_by_itself() {
    let mut pair = Pair::start().await;
    pair.redis.kill();
    pair.rename_and_watch(|| ()).await;
    assert!(!pair.nodes[0].node.cache.redis().is_reachable());
    pair.redis.spawn();
    pair.nodes[0].trusts_redis(true).await;
    pair.nodes[1].trusts_redis(true).await;
    let body = Some(json!({"name": "newer"}));
    pair.admins[1].send(Method::PATCH, &pair.program, body, &[]).await.expect(200);
    tokio::time::sleep(BEHIND_MAX).await;
    assert_eq!(pair.names().await, ["newer", "newer"]);
    pair.stop().await;
}

#[tokio::test]
async fn a_flushed_redis_changes_no_answer() {
    let pair = Pair::start().await;
    let mut connection = pair.redis.connection().await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.expect("flushed");
    assert_eq!(pair.names().await, ["old", "old"]);
    pair.rename_and_watch(|| ()).await;
    pair.nodes[0].trusts_redis(true).await;
    pair.stop().await;
}

/// A replica that is promoted, or a snapshot that is loaded, has generations that were replaced long ago.
#[tokio::test]
async fn what_another_redis_process_kept_is_not_read() {
    let pair = Pair::start().await;
    let mut connection = pair.redis.connection().await;
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("*:programs:*").query_async(&mut connection).await.expect("keys");
    let generation = keys.iter().find(|key| key.ends_with(":gen")).expect("a generation");
    let token: String =
        redis::cmd("GET").arg(generation).query_async(&mut connection).await.expect("a token");
    let value = keys.iter().find(|key| key.contains(&token)).expect("a value").clone();
    let body: String =
        redis::cmd("GET").arg(&value).query_async(&mut connection).await.expect("a program");
    let run = &token[..12];
    let stale = body.replace("\"old\"", "\"stale\"");
    assert_ne!(stale, body);
    for (key, value) in [
        (generation.clone(), token.replace(run, "000000000000")),
        (value.replace(run, "000000000000"), stale),
    ] {
        redis::cmd("SET")
            .arg(key)
            .arg(value)
            .query_async::<()>(&mut connection)
            .await
            .expect("set");
    }
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        assert_eq!(pair.names().await, ["old", "old"]);
    }
    pair.stop().await;
}

/// The generation that Redis keeps is what both nodes go by, so the values there are shared.
#[tokio::test]
async fn a_value_that_one_node_filled_is_read_by_the_other() {
    let pair = Pair::start().await;
    let mut connection = pair.redis.connection().await;
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("*:programs:*").query_async(&mut connection).await.expect("keys");
    let value = keys.iter().find(|key| !key.ends_with(":gen")).expect("a value");
    let body: String =
        redis::cmd("GET").arg(value).query_async(&mut connection).await.expect("a program");
    let marked = body.replace("\"old\"", "\"from Redis\"");
    redis::cmd("SET").arg(value).arg(marked).query_async::<()>(&mut connection).await.expect("set");
    let began = Instant::now();
    while pair.names().await != ["from Redis", "from Redis"] {
        assert!(began.elapsed() < Duration::from_secs(20), "Redis was not read");
    }
    pair.stop().await;
}

#[tokio::test]
async fn fills_of_the_cache_do_not_take_the_database() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let mut limits = generous();
    (limits.fills, limits.waiting_fills) = (2, 3);
    let served = Served::start_with(&shard, 8, NO_REDIS, limits).await;
    let admin = served.admin(institution);
    // Connections that are there already: making one may take longer than waiting for the lock.
    join_all((0..8).map(|_| admin.get("/v1/terms"))).await;
    let mut owner = shard.connect("lxp_owner").await;
    let mut lock = sqlx::Connection::begin(&mut owner).await.expect("begun");
    sqlx::query("LOCK TABLE programs IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .expect("locked");
    let paths: Vec<_> = (0..20).map(|_| format!("/v1/programs/{}", Uuid::now_v7())).collect();
    let gets = join_all(paths.iter().map(|path| admin.send_once(Method::GET, path, None, &[])));
    let mut watcher = shard.connect("postgres").await;
    let watch = async {
        loop {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'programs'::regclass",
            )
            .fetch_one(&mut watcher)
            .await
            .expect("a count");
            assert!(waiting <= 2, "{waiting} fills asked at once");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let answers = tokio::select! {
        answers = gets => answers,
        _ = watch => panic!("the watch ended"),
    };
    assert_eq!(answers.len(), 20);
    for answer in &answers {
        assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "overloaded"));
        assert_eq!(answer.headers["retry-after"], "1");
    }
    lock.rollback().await.expect("unlocked");
    let found = admin.get(&paths[0]).await.expect(404);
    assert_ne!(found.body, Value::Null);
    drop(served);
    shard.drop_database().await;
}
