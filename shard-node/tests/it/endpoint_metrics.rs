//! What an institution's operations cost its callers, as the node counts and writes it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use service_kit::token::Role;
use shard_node::domain::endpoint_metrics::round;
use sqlx::PgPool;

use crate::support::api::{Client, Plan};
use crate::support::directory::FakeDirectory;
use crate::support::school::School;

const ALL: &str =
    "SELECT coalesce(sum(requests), 0)::bigint FROM endpoint_metrics WHERE resolution = 'HOUR'";

/// What the metrics say of an operation; null where it was not called.
async fn of(admin: &Client, operation: &str) -> Value {
    let list = admin.get("/v1/endpoint-metrics").await.expect(200).body;
    let mut items = list["items"].as_array().expect("items").iter();
    items.find(|&item| item["operation"] == operation).cloned().unwrap_or_default()
}

fn pool(school: &School) -> PgPool {
    school.shard.pool("lxp_app", 2)
}

#[tokio::test]
async fn calls_are_counted_by_operation_and_outcome_over_rest_and_trpc() {
    let school = School::open().await;
    let program = |code: &str| json!({"code": code, "name": code});
    for status in [201, 409] {
        school.admin.post("/v1/programs", program("A")).await.expect(status);
    }
    school.admin.post("/v1/programs", json!({})).await.expect(400);
    school
        .served
        .client(school.institution, Role::Student, None)
        .post("/v1/programs", program("B"))
        .await
        .expect(403);
    school
        .admin
        .post(
            "/trpc/academic.createProgram,academic.createProgram?batch=1",
            json!({"0": program("C"), "1": program("C")}),
        )
        .await
        .expect(207);
    school.admin.get("/v1/no-such-thing").await.expect(404);
    round(&school.served.node, &pool(&school)).await;
    let made = of(&school.admin, "academic.createProgram").await;
    assert_eq!(
        (&made["requests"], &made["clientErrors"], &made["serverErrors"]),
        (&json!(6), &json!(4), &json!(0))
    );
    let (mean, p50, p99) = (&made["meanMs"], &made["p50Ms"], &made["p99Ms"]);
    let [mean, p50, p99] = [mean, p50, p99].map(|ms| ms.as_f64().expect("a number"));
    assert!(0.0 < p50 && p50 <= p99 && mean > 0.0, "{made}");
    assert_eq!(of(&school.admin, "academic.listPrograms").await, Value::Null);
    school.close().await;
}

#[tokio::test]
async fn what_several_nodes_count_is_added_up() {
    let school = School::open().await;
    let other = Plan::new(&school.shard, FakeDirectory::start().await).serve().await;
    other.until_leased().await;
    let elsewhere = other.admin(school.institution);
    let pool = pool(&school);
    for turn in 1..=3_i64 {
        school.admin.get("/v1/courses").await.expect(200);
        elsewhere.get("/v1/courses").await.expect(200);
        elsewhere.get("/v1/courses").await.expect(200);
        tokio::join!(round(&school.served.node, &pool), round(&other.node, &pool));
        assert_eq!(school.count(ALL).await, 3 * turn);
    }
    let rows = "SELECT count(*) FROM endpoint_metrics WHERE resolution = 'HOUR'";
    assert!(school.count(rows).await <= 2, "an hour, or two");
    let sum = "SELECT sum((SELECT sum(n) FROM unnest(latency) AS n))::bigint FROM endpoint_metrics WHERE resolution = 'MINUTE'";
    assert_eq!(school.count(sum).await, 9, "each is in one bucket of time");
    round(&school.served.node, &pool).await;
    assert_eq!(school.count(ALL).await, 9, "and is written once");
    drop(other);
    school.close().await;
}

#[tokio::test]
async fn percentiles_come_from_the_buckets_and_intervals_are_kept_apart() {
    let school = School::open().await;
    // 98 requests within 1 ms, one of 5 to 10 s and one longer, in each of two hours; and one hour that is asked for by nobody.
    school
        .run(
            "INSERT INTO endpoint_metrics (institution_id, id, resolution, bucket_at, operation, requests, client_errors,
                 server_errors, total_us, latency)
             SELECT id, gen_random_uuid(), 'HOUR', date_trunc('hour', now()) - hours * interval '1 hour', 'academic.getClass',
                 100, 3, 1, 2000000, '{98,0,0,0,0,0,0,0,0,0,0,0,1,1}' FROM institutions, unnest(ARRAY[1, 2, 50]) AS hours",
        )
        .await;
    let found = of(&school.admin, "academic.getClass").await;
    assert_eq!(
        found,
        json!({"operation": "academic.getClass", "at": null, "requests": 200, "clientErrors": 6,
        "serverErrors": 2, "meanMs": 20.0, "p50Ms": 0.51, "p99Ms": 10_000.0})
    );
    let buckets = school
        .admin
        .get("/v1/endpoint-metrics?by=BUCKET&operation=academic.getClass")
        .await
        .expect(200)
        .body;
    let counts: Vec<_> =
        buckets["items"].as_array().expect("items").iter().map(|item| &item["requests"]).collect();
    assert_eq!(counts, [&json!(100), &json!(100)]);
    assert!(
        buckets["items"][0]["at"].as_str() < buckets["items"][1]["at"].as_str(),
        "in their order"
    );
    let all = school.admin.get("/v1/endpoint-metrics?by=BUCKET").await.expect(200).body;
    assert_eq!(all["items"][0]["operation"], Value::Null, "of all operations");
    let minutes = school.admin.get("/v1/endpoint-metrics?resolution=MINUTE").await.expect(200).body;
    assert_eq!(minutes["items"], json!([]));
    for wrong in [
        "from=2999-01-01T00:00:00Z",
        "resolution=DAY",
        "by=x",
        "from=2020-01-01T00:00:00Z",
        "from=x",
        "shoe=1",
    ] {
        school.admin.get(&format!("/v1/endpoint-metrics?{wrong}")).await.expect(400);
    }
    for role in [Role::Staff, Role::Instructor, Role::Student, Role::ApiClient] {
        school
            .served
            .client(school.institution, role, None)
            .get("/v1/endpoint-metrics")
            .await
            .expect(403);
    }
    school.close().await;
}

#[tokio::test]
async fn old_buckets_go_with_the_next_write() {
    let school = School::open().await;
    school
        .run(
            "INSERT INTO endpoint_metrics (institution_id, id, resolution, bucket_at, operation, requests, client_errors,
                 server_errors, total_us, latency)
             SELECT id, gen_random_uuid(), resolution, now() - days * interval '1 day', 'a', 1, 0, 0, 1,
                 '{1,0,0,0,0,0,0,0,0,0,0,0,0,0}'
             FROM institutions, (VALUES ('MINUTE', 1), ('MINUTE', 3), ('HOUR', 3), ('HOUR', 89), ('HOUR', 91)) AS v (resolution, days)",
        )
        .await;
    school.admin.get("/v1/courses").await.expect(200);
    round(&school.served.node, &pool(&school)).await;
    let left = "SELECT count(*) FROM endpoint_metrics WHERE operation = 'a'";
    assert_eq!(school.count(left).await, 3);
    assert_eq!(school.count("SELECT count(*) FROM endpoint_metrics WHERE operation = 'a' AND resolution = 'MINUTE'").await, 1);
    school.close().await;
}

#[tokio::test]
async fn what_cannot_be_written_now_is_kept_and_what_is_not_ours_is_not_written() {
    let school = School::open().await;
    let (pool, node) = (pool(&school), school.served.node.clone());
    school.admin.get("/v1/courses").await.expect(200);
    // The guard meets the fence; the table in memory may know of it, or not yet.
    school.run("UPDATE ownership SET state = 'fenced', epoch = epoch + 1").await;
    round(&node, &pool).await;
    assert_eq!(school.count(ALL).await, 0, "nothing is written behind a fence");
    school.run("UPDATE ownership SET state = 'active', epoch = epoch + 1").await;
    let began = Instant::now();
    while school.count(ALL).await != 1 {
        round(&node, &pool).await;
        assert!(began.elapsed() < Duration::from_secs(20), "it was lost");
    }
    // A table that cannot be written: nothing was committed.
    school.admin.get("/v1/courses").await.expect(200);
    school.run("ALTER TABLE endpoint_metrics RENAME TO elsewhere").await;
    round(&node, &pool).await;
    school.run("ALTER TABLE elsewhere RENAME TO endpoint_metrics").await;
    round(&node, &pool).await;
    assert_eq!(school.count(ALL).await, 2);
    assert_eq!(lost(&node), 0);
    school.admin.get("/v1/courses").await.expect(200);
    school.run("UPDATE ownership SET state = 'moved', owner = 'shard-u', epoch = epoch + 1").await;
    let began = Instant::now();
    while lost(&node) == 0 {
        round(&node, &pool).await;
        assert!(began.elapsed() < Duration::from_secs(20), "it is kept for nobody");
    }
    assert_eq!(
        school.count(ALL).await,
        2,
        "of an institution that is another's nothing is written"
    );
    school.close().await;
}

fn lost(node: &shard_node::node::Node) -> u64 {
    let text = node.metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix("lxp_endpoint_metrics_lost_total "));
    line.and_then(|count| count.parse().ok()).expect("a counter")
}

/// The connection ends in the middle of the COMMIT: the node cannot know what became of it.
#[tokio::test]
async fn a_write_of_which_nobody_knows_is_not_written_again() {
    let school = School::open().await;
    let (pool, node) = (pool(&school), school.served.node.clone());
    school
        .run(
            "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
             BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
        )
        .await;
    school
        .run(
            "CREATE CONSTRAINT TRIGGER cut AFTER INSERT OR UPDATE ON endpoint_metrics
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()",
        )
        .await;
    school.admin.get("/v1/courses").await.expect(200);
    round(&node, &pool).await;
    assert_eq!(lost(&node), 1);
    school.run("DROP TRIGGER cut ON endpoint_metrics").await;
    round(&node, &pool).await;
    assert_eq!(school.count(ALL).await, 0, "it would count twice where it had been written");
    school.admin.get("/v1/courses").await.expect(200);
    round(&node, &pool).await;
    assert_eq!((school.count(ALL).await, lost(&node)), (1, 1));
    school.close().await;
}
