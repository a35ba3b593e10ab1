//! The replica of a shard lags, is killed, comes back. What was written through one node is read through the other:
//! in its session never older, without one at most 1 s older.

use std::time::{Duration, Instant};

use futures::future::join_all;
use lxp_tests::{Client, Institution, Own, Size};
use reqwest::Method;
use serde_json::json;
use service_kit::token::Role;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

const REPLICA: &str = "postgres-shard-a-replica-1";
const NODES: [&str; 2] = ["node-shard-a-1", "node-shard-a-2"];
const LANES: usize = 4;

/// A user may ask 1,000 times a minute: so many pairs, then another one.
const PAIRS_A_USER: usize = 300;

const STALE_MAX: Duration = Duration::from_secs(1);

/// One writer of one course, and what it has acknowledged.
struct Lane<'a> {
    platform: &'a Own,
    institution: &'a Institution,
    course: Uuid,
    /// The nodes that it writes and reads through; never the other way round, so that a cache of the reader's own
    /// is not refreshed by its own writes.
    nodes: [usize; 2],
    acknowledged: Vec<(Instant, usize)>,
}

#[derive(Debug, Default)]
struct Told {
    pairs: usize,
    without_session: usize,
    stale: Vec<String>,
}

fn nodes_of(platform: &Own, institution: &Institution) -> [Client; 2] {
    let token = platform.token_of(institution.id, Role::Admin, Uuid::now_v7());
    NODES.map(|node| Client::new(platform.process(node)["url"].as_str().expect("a URL"), &token))
}

async fn lanes<'a>(platform: &'a Own, institution: &'a Institution) -> Vec<Lane<'a>> {
    let admin = platform.admin(institution.id);
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        let body = json!({"code": format!("L{lane}"), "title": "0"});
        let course = admin.post("/v1/courses", body).await.expect(201).id();
        lanes.push(Lane {
            platform,
            institution,
            course,
            nodes: [lane % 2, (lane + 1) % 2],
            acknowledged: Vec::new(),
        });
    }
    lanes
}

impl Lane<'_> {
    /// Writes through one node, reads at once through the other.
    async fn pairs(&mut self, count: usize, in_session: bool) -> Told {
        let mut told = Told::default();
        let path = format!("/v1/courses/{}", self.course);
        let mut nodes = nodes_of(self.platform, self.institution);
        for pair in 0..count {
            if pair % PAIRS_A_USER == PAIRS_A_USER - 1 {
                nodes = nodes_of(self.platform, self.institution);
            }
            let [writer, reader] = self.nodes.map(|node| &nodes[node]);
            let change = self.acknowledged.last().map_or(1, |(_, last)| last + 1);
            let body = Some(json!({"title": change.to_string()}));
            let written = writer.send(Method::PATCH, &path, body, &[]).await.expect(200);
            self.acknowledged.push((Instant::now(), change));
            let session = written.headers.get("lxp-session").and_then(|value| value.to_str().ok());
            told.without_session += usize::from(session.is_none());
            let headers: Vec<_> =
                session.filter(|_| in_session).map(|s| ("lxp-session", s)).into_iter().collect();
            let began = Instant::now();
            let read = reader.send(Method::GET, &path, None, &headers).await.expect(200);
            let value: usize =
                read.body["title"].as_str().and_then(|t| t.parse().ok()).expect("a change");
            let lowest = if in_session {
                change
            } else {
                began.checked_sub(STALE_MAX).map_or(0, |then| self.acknowledged_by(then))
            };
            if value < lowest {
                told.stale
                    .push(format!("read {value}, not {lowest} or newer ({change} was the last)"));
            }
            told.pairs += 1;
        }
        told
    }

    fn acknowledged_by(&self, moment: Instant) -> usize {
        let before = self.acknowledged.iter().rev().find(|(at, _)| *at <= moment);
        before.map_or(0, |(_, change)| *change)
    }
}

/// Where both nodes read: primary, replica, cache.
async fn reads(platform: &Own) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for (sum, source) in sums.iter_mut().zip(["primary", "replica", "cache"]) {
        for node in NODES {
            let label = format!("source=\"{source}\"");
            *sum +=
                platform.metric(node, "lxp_reads_total", |labels| labels.contains(&label)).await;
        }
    }
    sums
}

async fn run(lanes: &mut [Lane<'_>], name: &str, pairs: usize, in_session: bool) {
    let platform = lanes[0].platform;
    let before = reads(platform).await;
    let each = pairs / LANES;
    let told = join_all(lanes.iter_mut().map(|lane| lane.pairs(each, in_session))).await;
    let after = reads(platform).await;
    let by = [0, 1, 2].map(|source| after[source] - before[source]);
    let all: f64 = by.iter().sum();
    let stale: Vec<_> = told.iter().flat_map(|told| &told.stale).collect();
    let how = if in_session { "in a session" } else { "without a session" };
    eprintln!(
        "replica {name}, {how}: {} pairs, {} stale; reads: {:.0} primary, {:.0} replica, {:.0} cache: \
         {:.0}% left the primary",
        told.iter().map(|told| told.pairs).sum::<usize>(),
        stale.len(),
        by[0],
        by[1],
        by[2],
        100.0 * (by[1] + by[2]) / all.max(1.0),
    );
    assert!(stale.is_empty(), "{name}, {how}: {} stale, such as {}", stale.len(), stale[0]);
    assert!(all > 0.0, "lxp_reads_total says nothing");
    let unknown: usize = told.iter().map(|told| told.without_session).sum();
    assert_eq!(unknown, 0, "writes that were answered without Lxp-Session");
}

async fn delay(platform: &Own, delay: &str) {
    let mut replica =
        PgConnection::connect(&platform.superuser(REPLICA)).await.expect("a connection");
    let set = format!("ALTER SYSTEM SET recovery_min_apply_delay = '{delay}'");
    replica.execute(AssertSqlSafe(set)).await.expect("set");
    replica.execute("SELECT pg_reload_conf()").await.expect("read again");
}

#[tokio::test]
async fn whatever_the_replica_does_reads_in_a_session_are_never_stale() {
    let size = Size::of_this_run();
    let platform = Own::start(1, 2).await;
    let institution = platform.institution(None).await;
    let mut lanes = lanes(&platform, &institution).await;
    let pairs = size.pick(160, 2_000);

    run(&mut lanes, "healthy", pairs, true).await;
    run(&mut lanes, "healthy", pairs, false).await;

    delay(&platform, "500ms").await;
    run(&mut lanes, "500 ms behind", pairs, true).await;
    run(&mut lanes, "500 ms behind", pairs, false).await;
    delay(&platform, "0").await;

    platform.stop(&[REPLICA]).await;
    run(&mut lanes, "down", pairs, true).await;
    run(&mut lanes, "down", pairs, false).await;
    platform.begin(&[REPLICA]).await;

    let before = platform.kill(REPLICA);
    run(&mut lanes, "killed and coming back", pairs, true).await;
    platform.is_up_again(REPLICA, before).await;
}
