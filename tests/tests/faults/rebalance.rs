//! Shards come and go under load: one is added, the plan that it leads to is applied, and while it runs the control
//! plane dies; then the first shard is drained and removed. Exactly those move who were planned to, nobody sees an
//! error, nothing is lost, and nothing is left where they were. Among them a part of OULAD; with `LXP_SOAK=1` and
//! `LXP_OULAD_DIR` naming its directory all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lxp_tests::{Client, Institution, Load, Own, Schools, Size, oulad};
use reqwest::Method;
use serde_json::{Value, json};
use shard_map::{InstitutionId, MapSnapshot, Ring, ShardId, ShardMap};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

/// How often each institution asks.
const PACE: Duration = Duration::from_millis(120);
const WITHIN: Duration = Duration::from_mins(1);

fn ring(shards: &[&str]) -> Ring {
    Ring::new(shards.iter().map(|shard| (shard.parse::<ShardId>().expect("an id"), 1)))
}

/// Ids of six: on each of two shards two that a third one takes over, and one that it does not.
fn ids() -> Vec<InstitutionId> {
    let (before, after) = (ring(&["shard-a", "shard-b"]), ring(&["shard-a", "shard-b", "shard-c"]));
    let mut ids = Vec::new();
    for (from, to, count) in [("a", "c", 2), ("b", "c", 2), ("a", "a", 1), ("b", "b", 1)] {
        let (from, to) = (format!("shard-{from}"), format!("shard-{to}"));
        let owner = |ring: &Ring, id| ring.owner(id).map(ToString::to_string);
        let some = std::iter::repeat_with(|| InstitutionId::new(Uuid::new_v4()));
        let some = some.filter(|id| {
            owner(&before, *id).as_ref() == Some(&from) && owner(&after, *id).as_ref() == Some(&to)
        });
        ids.extend(some.take(count));
    }
    ids
}

async fn school(control: &Client, id: InstitutionId) -> Institution {
    let new =
        json!({"id": id, "slug": format!("t-{id}"), "name": "A test's own", "timezone": "UTC"});
    let made = control.post("/v1/institutions", new).await.expect(201);
    Institution { id, shard: made.body["shard"].as_str().expect("a shard").to_owned() }
}

/// Everybody's shard and epoch.
async fn homes(control: &Client) -> BTreeMap<String, (String, i64)> {
    let page = control.get("/v1/institutions?limit=200").await.expect(200).body;
    let items = page["items"].as_array().expect("items");
    let text = |it: &Value, name: &str| it[name].as_str().expect("a text").to_owned();
    let home = |it: &Value| (text(it, "shard"), it["epoch"].as_i64().expect("an epoch"));
    items.iter().map(|it| (text(it, "id"), home(it))).collect()
}

/// Who should live elsewhere by the map as it is.
async fn misplaced(control: &Client) -> BTreeSet<(String, String)> {
    let map = control.get("/v1/map").await.expect(200).body;
    let map: MapSnapshot = serde_json::from_value(map).expect("a map");
    let map = ShardMap::from_snapshot(map).expect("a map");
    let homes = homes(control).await;
    let wanted = homes.iter().map(|(id, (shard, _))| {
        let owner = map.ring().owner(id.parse().expect("an id")).expect("an owner").to_string();
        (id.clone(), shard.clone(), owner)
    });
    wanted.filter(|(_, shard, owner)| shard != owner).map(|(id, _, owner)| (id, owner)).collect()
}

fn planned(plan: &Value) -> BTreeSet<(String, String)> {
    let text = |it: &Value, name: &str| it[name].as_str().expect("a text").to_owned();
    let moves = plan["moves"].as_array().expect("moves");
    moves.iter().map(|it| (text(it, "institution"), text(it, "to"))).collect()
}

fn json_of(printed: &str) -> Value {
    let last = printed.lines().last().expect("a line");
    serde_json::from_str(last).expect("JSON alone on stdout")
}

/// Waits until some of a plan's moves are under way.
async fn under_way(control: &Client, plan: &str) {
    let begun = Instant::now();
    loop {
        let shown = control.get(&format!("/v1/plans/{plan}")).await.expect(200).body;
        if shown["progress"]["moving"].as_i64() > Some(0) {
            assert!(shown["progress"]["waiting"].as_i64() > Some(0), "more at once: {shown}");
            return;
        }
        assert!(begun.elapsed() < WITHIN, "nothing moves: {shown}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Rows of institutions in a shard's database, by table; beside them who it says it still owns.
async fn rows(platform: &Own, shard: &str) -> BTreeMap<String, i64> {
    let mut database =
        PgConnection::connect(platform.dsn(shard, "adminUrl")).await.expect("the database");
    database.execute("SET ROLE lxp_mover").await.expect("the role");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'change_captured'
         UNION ALL SELECT unnest(ARRAY['change_log', 'move_imports'])",
    )
    .fetch_all(&mut database)
    .await
    .expect("tables");
    assert!(tables.len() > 20, "{tables:?}");
    let mut all = BTreeMap::new();
    for table in tables.into_iter().chain(["ownership WHERE state <> 'moved'".to_owned()]) {
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let count: i64 = sqlx::query_scalar(count).fetch_one(&mut database).await.expect("a count");
        all.extend((count > 0).then_some((table, count)));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_is_added_and_filled_another_is_drained_and_removed_and_no_request_fails() {
    let within = Size::of_this_run().pick("2m", "8m");
    let environment = [("LXP_CONTROL__MOVES__AT_ONCE_A_SHARD", "2".to_owned())];
    let platform = Own::start_with(2, 1, &environment).await;
    let control = platform.control();
    let mut institutions = Vec::new();
    for id in ids() {
        institutions.push(school(&control, id).await);
    }
    let learners = oulad::all_or_part(&platform).await;
    let schools = Schools::open(&platform, &learners, 1).await;
    let load = Load::light(&platform, &institutions, PACE);
    load.run_for(PACE * 5).await;
    let first = load.now();
    platform.lxp(&["local", "add-shard"]).await;
    let (before, expected) = (homes(&control).await, misplaced(&control).await);
    let plan = json_of(&platform.lxp(&["rebalance", "plan", "-o", "json"]).await);
    assert_eq!(planned(&plan), expected);
    assert!(expected.len() >= 4 && expected.iter().all(|(_, to)| to == "shard-c"), "{expected:?}");
    assert_eq!(homes(&control).await, before, "nothing moves before it is applied");

    let id = plan["id"].as_str().expect("an id");
    platform.lxp(&["rebalance", "apply", id, "--yes"]).await;
    under_way(&control, id).await;
    let killed = platform.kill("control-plane");
    platform.is_up_again("control-plane", killed).await;
    let done =
        platform.lxp(&["rebalance", "status", id, "-w", "--timeout", within, "-o", "json"]).await;
    assert_eq!(json_of(&done)["state"], "done");
    let mut wanted = before.clone();
    for (id, to) in expected {
        wanted.entry(id).and_modify(|(shard, epoch)| (*shard, *epoch) = (to, *epoch + 2));
    }
    assert_eq!(homes(&control).await, wanted, "exactly those moved that were planned");

    let remove = || control.try_send(Method::POST, "/v1/shards/shard-a:remove", None, &[]);
    assert_eq!(remove().await.status, 409);
    let drain = ["shard", "drain", "shard-a", "--yes", "-w", "--timeout", within, "-o", "json"];
    let done = json_of(&platform.lxp(&drain).await);
    let from =
        |(id, (shard, _)): (&String, &(String, i64))| (shard == "shard-a").then(|| id.clone());
    let left: BTreeSet<String> = wanted.iter().filter_map(from).collect();
    let gone: BTreeSet<String> = planned(&done).into_iter().map(|(id, _)| id).collect();
    assert!(!gone.is_empty() && gone == left, "{gone:?} {left:?}");
    for (id, to) in planned(&done) {
        wanted.entry(id).and_modify(|(shard, epoch)| (*shard, *epoch) = (to, *epoch + 2));
    }
    assert_eq!(homes(&control).await, wanted, "exactly those that lived there");
    assert_eq!(misplaced(&control).await, BTreeSet::new());
    assert_eq!(rows(&platform, "shard-a").await, BTreeMap::new(), "old copies are left");
    platform.lxp(&["shard", "remove", "shard-a", "--yes"]).await;
    let shards = json_of(&platform.lxp(&["shard", "list", "-o", "json"]).await);
    let shards: Vec<_> =
        shards["items"].as_array().expect("items").iter().map(|it| &it["id"]).collect();
    assert_eq!(shards, ["shard-b", "shard-c"]);

    load.run_for(PACE * 8).await;
    let history = load.stop().await;
    eprintln!("{}", history.summary(first));
    history.expect_nothing_lost();
    history.expect_no_error_but("shards come and go, requests do not fail", |_| false);
    let learnt = schools.close().await;
    eprintln!("of OULAD: {}", learnt.summary(first));
    learnt.expect_nothing_lost();
    // What was deleted is asked for, too.
    learnt.expect_no_error_but("shards come and go, learners learn on", |it| it.status == 404);
}
