//! Reads on replicas: only where they cannot be older than what the client has seen, or where it does not mind.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;
use shard_map::{Epoch, InstitutionId};
use shard_node::operation::Session;
use shard_node::store::Position;
use shard_node::tenancy::Verdict;
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{Answer, Client, Plan, Served};
use crate::support::cable::Cable;
use crate::support::directory::FakeDirectory;
use crate::support::replica::replica_of;

const PATIENCE: Duration = Duration::from_secs(30);
const EVENTUAL: (&str, &str) = ("lxp-consistency", "eventual");

struct Pair {
    shard: Shard,
    institution: InstitutionId,
    served: Served,
    admin: Client,
}

impl Pair {
    /// A node on a primary and its replica.
    async fn start() -> Self {
        let shard = Shard::create().await;
        let replica = replica_of(&shard.options("lxp_app"));
        Self::start_with(shard, replica).await
    }

    /// The same, with something else in the replica's place.
    async fn start_with(shard: Shard, replica: PgConnectOptions) -> Self {
        let institution = shard.admit().await;
        let mut plan = Plan::new(&shard, FakeDirectory::start().await);
        plan.replicas = vec![replica];
        let served = plan.serve().await;
        served.until_leased().await;
        let admin = served.admin(institution);
        Self { shard, institution, served, admin }
    }

    fn reads(&self, source: &str) -> u64 {
        let line = format!("lxp_reads_total{{source=\"{source}\"}} ");
        let metrics = self.served.node.metrics.render();
        let value = metrics.lines().find_map(|text| text.strip_prefix(&line));
        value.map_or(0, |value| value.parse().expect("a number"))
    }

    async fn get(&self, path: &str, header: (&str, &str)) -> Answer {
        self.admin.send(Method::GET, path, None, &[header]).await.expect(200)
    }

    /// Reads lists that may lag until one came from the replica: from then on it is known to be good.
    async fn until_the_replica_answers(&self) {
        let began = Instant::now();
        while self.reads("replica") == 0 {
            assert!(began.elapsed() < PATIENCE, "the replica never answers");
            self.get("/v1/courses", EVENTUAL).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn course(&self) -> (Uuid, String) {
        let course = json!({"code": Uuid::new_v4().to_string(), "title": "0"});
        let made = self.admin.post("/v1/courses", course).await.expect(201);
        (made.id(), session(&made))
    }

    async fn close(self) {
        drop(self.served);
        self.shard.drop_database().await;
    }
}

fn session(answer: &Answer) -> String {
    let value = answer.headers.get("lxp-session").expect("an answer with Lxp-Session");
    value.to_str().expect("text").to_owned()
}

fn decoded(text: &str) -> Session {
    Session::decode(text).expect("a session of ours")
}

#[tokio::test]
async fn with_its_session_no_read_is_older_than_ones_own_write() {
    const PAIRS: usize = 100;
    let pair = Pair::start().await;
    pair.until_the_replica_answers().await;
    let other = Plan {
        replicas: vec![replica_of(&pair.shard.options("lxp_app"))],
        ..Plan::new(&pair.shard, FakeDirectory::start().await)
    };
    let other = other.serve().await;
    other.until_leased().await;
    let reader = other.admin(pair.institution);
    let (course, _) = pair.course().await;
    let path = format!("/v1/courses/{course}");
    let mut seen = String::new();
    for number in 1..=PAIRS {
        let body = json!({"title": number.to_string()});
        let written = pair.admin.send(Method::PATCH, &path, Some(body), &[]).await.expect(200);
        seen = session(&written);
        // Warms the other node's cache with whatever it has, which the session must pass by.
        reader.get(&path).await.expect(200);
        let read = reader.send(Method::GET, &path, None, &[("lxp-session", &seen)]).await;
        let read = read.expect(200);
        assert_eq!(read.body["title"], number.to_string(), "older than the write");
        assert!(decoded(&session(&read)) >= decoded(&seen), "the session went back");
    }
    let metrics = other.node.metrics.render();
    let sources = metrics.lines().filter(|line| line.starts_with("lxp_reads_total"));
    println!("{PAIRS} pairs through two nodes: {}", sources.collect::<Vec<_>>().join(", "));
    // On a busy machine the replica may have been behind each time; it comes to where the session is.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !other.node.metrics.render().contains("lxp_reads_total{source=\"replica\"}") {
        assert!(Instant::now() < deadline, "no read left the primary");
        let read = reader.send(Method::GET, &path, None, &[("lxp-session", &seen)]).await;
        assert_eq!(read.expect(200).body["title"], PAIRS.to_string(), "older than the write");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(other);
    pair.close().await;
}

#[tokio::test]
async fn a_replica_that_has_not_seen_as_much_leaves_the_read_to_the_primary() {
    let pair = Pair::start().await;
    pair.until_the_replica_answers().await;
    let (course, seen) = pair.course().await;
    let seen = decoded(&seen);
    let ahead = Position { lsn: seen.position.lsn + (1 << 40), ..seen.position };
    let other_line = Position { timeline: seen.position.timeline + 1, ..seen.position };
    let behind = [
        Session { position: ahead, ..seen },
        Session { position: other_line, ..seen },
        Session { epoch: Epoch(seen.epoch.0 + 1), ..seen },
        Session { epoch: Epoch(0), ..seen },
    ];
    let (from_replica, from_primary) = (pair.reads("replica"), pair.reads("primary"));
    for session in behind {
        let path = format!("/v1/courses/{course}");
        let read = pair.get(&path, ("lxp-session", &session.encode())).await;
        assert_eq!(read.body["title"], "0");
    }
    assert_eq!(pair.reads("replica"), from_replica);
    assert_eq!(pair.reads("primary"), from_primary + behind.len() as u64);
    pair.close().await;
}

#[tokio::test]
async fn what_may_lag_is_a_list_or_statistics() {
    let pair = Pair::start().await;
    pair.until_the_replica_answers().await;
    let (course, _) = pair.course().await;
    let before = pair.reads("replica");
    pair.get("/v1/courses", ("accept", "*/*")).await;
    pair.get(&format!("/v1/courses/{course}"), EVENTUAL).await;
    assert_eq!(pair.reads("replica"), before, "nobody asked for an answer that lags");
    pair.get("/v1/courses", EVENTUAL).await;
    pair.get("/trpc/academic.listCourses", EVENTUAL).await;
    assert_eq!(pair.reads("replica"), before + 2);
    pair.close().await;
}

#[tokio::test]
async fn headers_that_nobody_sent_out_are_refused() {
    let shard = Shard::create().await;
    let institution = shard.admit().await;
    let served = Served::start(&shard, 2).await;
    let admin = served.admin(institution);
    for header in [
        ("lxp-session", "garbage"),
        ("lxp-session", ""),
        ("lxp-session", "AgAAAAAAAAABAAAAAQAAAAAAAAAB"),
        ("lxp-consistency", "strong"),
        ("lxp-consistency", ""),
    ] {
        let answer = admin.send(Method::GET, "/v1/courses", None, &[header]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (400, "header-malformed"),
            "{header:?}"
        );
    }
    drop(served);
    shard.drop_database().await;
}

#[tokio::test]
async fn a_replica_that_is_down_or_was_promoted_costs_no_read() {
    let shard = Shard::create().await;
    let primary = shard.options("lxp_app");
    let down = primary.clone().port(1);
    for replica in [down, primary] {
        let pair = Pair::start_with(Shard::create().await, replica).await;
        let (course, seen) = pair.course().await;
        for _ in 0..10 {
            pair.get("/v1/courses", EVENTUAL).await;
            pair.get(&format!("/v1/courses/{course}"), ("lxp-session", &seen)).await;
        }
        assert_eq!(pair.reads("replica"), 0);
        pair.close().await;
    }
    shard.drop_database().await;
}

#[tokio::test]
async fn a_replica_that_falls_silent_delays_one_read_and_no_more() {
    let shard = Shard::create().await;
    let replica = replica_of(&shard.options("lxp_app"));
    let cable = Cable::to(&replica).await;
    let pair = Pair::start_with(shard, cable.through(replica)).await;
    pair.until_the_replica_answers().await;
    cable.set_swallows(true);
    let began = Instant::now();
    for _ in 0..20 {
        pair.get("/v1/courses", EVENTUAL).await;
    }
    assert!(began.elapsed() < Duration::from_secs(10), "each read waited for the replica");
    pair.close().await;
}

#[tokio::test]
async fn while_a_move_is_closing_every_read_comes_from_the_primary() {
    const READS: u64 = 10;
    let pair = Pair::start().await;
    pair.until_the_replica_answers().await;
    let (course, seen) = pair.course().await;
    let path = format!("/v1/courses/{course}");
    let began = Instant::now();
    while pair.reads("cache") == 0 {
        assert!(began.elapsed() < PATIENCE, "the cache never answers");
        pair.admin.get(&path).await.expect(200);
    }
    let mut mover = pair.shard.connect("lxp_owner").await;
    sqlx::query("UPDATE ownership SET state = 'closing' WHERE institution_id = $1")
        .bind(pair.institution.as_uuid())
        .execute(&mut mover)
        .await
        .expect("closing");
    let closing = Verdict::Serve { epoch: Epoch(1), cached: false };
    while pair.served.node.ownership.verdict(pair.institution) != closing {
        assert!(began.elapsed() < PATIENCE, "the node does not learn of it");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = ["cache", "replica", "primary"].map(|source| pair.reads(source));
    for _ in 0..READS {
        pair.admin.get(&path).await.expect(200);
        pair.get(&path, ("lxp-session", &seen)).await;
        pair.get("/v1/courses", EVENTUAL).await;
    }
    let after = ["cache", "replica", "primary"].map(|source| pair.reads(source));
    assert_eq!(after, [before[0], before[1], before[2] + 3 * READS]);
    pair.close().await;
}
