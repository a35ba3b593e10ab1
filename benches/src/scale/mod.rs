//! (h) The control plane at full size: how long the map's head is locked while the ring changes, and how soon
//! everybody who watches has the news. The institutions are rows of a real control database, and the shards but one are
//! rows, too: nobody lives there.

mod fill;
mod lock;
mod watchers;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::moves::Numbers;
use crate::platform::Platform;
use crate::report::{Bar, Section};
use crate::settings::Settings;
use crate::table::{Table, short};
use crate::{cpu, noise};

const WATCHERS: usize = 200;
/// Changes of one kind.
const ROUNDS: u32 = 5;
/// Changes of a node: cheap, so more of them.
const NODE_ROUNDS: u32 = 20;
const MS_BAR_LOCK: f64 = 1_000.0;
const MS_BAR_NEWS: f64 = 100.0;
const PATIENCE: Duration = Duration::from_mins(3);

/// What changes the map.
#[derive(Debug, Clone, Copy)]
enum Change {
    Node,
    Add,
    Reweight,
    Drain,
}

/// What a number of changes of one kind took.
#[derive(Debug, Default)]
struct Seen {
    whole_ms: Numbers,
    locked_ms: Numbers,
    waited_ms: Numbers,
    /// Of each watcher and change, from the version's row being written, which is shortly before its COMMIT.
    news_ms: Numbers,
    news_bytes: usize,
}

/// Measures it.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Section> {
    let platform = Platform::start_with(settings, 1).await?;
    let sizes = settings.scale;
    eprintln!("  filling the directory ...");
    let filled = fill::fill(&platform, sizes, ROUNDS).await?;
    let noise = noise::Watch::begin()?;
    let (map, text) = whole_map(&platform, filled).await?;
    let mut bench = Bench {
        platform: &platform,
        database: PgConnection::connect(platform.control_database()?).await?,
        lock: lock::Watch::begin(platform.control_database()?),
        watchers: None,
        shards: sizes.shards,
    };
    let (url, token) = platform.control_plane();
    let mut table = Table::new(&[
        "change",
        "of",
        "whole ms, median",
        "head locked ms, most",
        "another's wait ms, most",
        "news ms, median",
        "p99",
        "bytes",
    ]);
    let mut bars = Vec::new();
    let lone = watchers::Watchers::start(url, token, 1, map)?;
    bench.watchers = Some(lone);
    let seen = bench.changes(Change::Node, NODE_ROUNDS).await?;
    table.row(seen.cells("a node, one watcher", NODE_ROUNDS));
    let latest = bench.version().await?;
    bench.watchers = Some(watchers::Watchers::start(url, token, WATCHERS, latest)?);
    let kinds = [
        (Change::Node, "a node", NODE_ROUNDS),
        (Change::Add, "a shard enters the ring", ROUNDS),
        (Change::Reweight, "a shard's weight 1 to 2", ROUNDS),
        (Change::Drain, "a shard leaves the ring", ROUNDS),
    ];
    for (change, what, rounds) in kinds {
        eprintln!("  {what} ...");
        let seen = bench.changes(change, rounds).await?;
        table.row(seen.cells(what, rounds));
        let bar =
            |of: &str, found, limit| Bar::at_most(&format!("{what}: {of}"), found, limit, limit);
        bars.push(bar("head locked, ms", seen.locked_ms.at(1.0), MS_BAR_LOCK));
        bars.push(bar("another's wait for it, ms", seen.waited_ms.at(1.0), MS_BAR_LOCK));
        bars.push(bar("news at 200 watchers, p99 ms", seen.news_ms.at(0.99), MS_BAR_NEWS));
    }
    let planned = plan(&platform).await?;
    let text = format!(
        "{} institutions on {} shards, all but one of them rows alone. {WATCHERS} watchers, on this machine. A change \
         in whole is from its request to its answer; the head's lock is looked at each millisecond by one who never \
         waits, and by one who waits in line. News are counted from the version's row being written, shortly before \
         its COMMIT, to a watcher's having its answer whole.\n\n{text} {planned}",
        sizes.institutions, sizes.shards
    );
    Ok(Section::new("h. The control plane at full size", &text, &table, bars, &noise.end()?))
}

struct Bench<'p> {
    platform: &'p Platform,
    /// Kept: a psql each time would take the CPU that is measured.
    database: PgConnection,
    lock: lock::Watch,
    watchers: Option<watchers::Watchers>,
    /// The next to enter the ring is of this number.
    shards: u32,
}

impl Bench<'_> {
    async fn changes(&mut self, change: Change, rounds: u32) -> anyhow::Result<Seen> {
        let mut seen = Seen::default();
        for round in 0..rounds {
            self.one(change, round, &mut seen).await?;
        }
        Ok(seen)
    }

    async fn one(&mut self, change: Change, round: u32, seen: &mut Seen) -> anyhow::Result<()> {
        let platform = self.platform;
        if matches!(change, Change::Add) {
            let ready = format!(
                "UPDATE nodes SET state = 'up', health = 'up', good_beats = 3, last_beat_at = now(), last_good_at = now()
                 WHERE shard_id = '{}'",
                fill::simulated(self.shards)
            );
            self.database.execute(AssertSqlSafe(ready)).await?;
        }
        self.lock.take()?;
        let before = self.version().await?;
        let begun = Instant::now();
        match change {
            Change::Node => {
                let word = if round.is_multiple_of(2) { "cordon" } else { "uncordon" };
                let path = format!("/v1/nodes/shard-a-1:{word}");
                platform.control_post(&path, &json!({})).await?;
            }
            Change::Add => {
                let path = format!("/v1/shards/{}:migrate", fill::simulated(self.shards));
                platform.control_post(&path, &json!({})).await?;
                self.shards += 1;
            }
            Change::Reweight => {
                let path = format!("/v1/shards/{}", fill::simulated(1 + round));
                platform.control_patch(&path, &json!({"weight": 2})).await?;
            }
            Change::Drain => {
                let path = format!("/v1/shards/{}:drain", fill::simulated(1 + ROUNDS + round));
                platform.control_post(&path, &json!({})).await?;
            }
        }
        let made = self.until_made(change, before).await?;
        seen.whole_ms.0.push(begun.elapsed().as_secs_f64() * 1e3);
        let watchers = self.watchers.as_mut().context("watchers")?;
        let (heard, bytes) = watchers.hear(made.version).await?;
        seen.news_ms.0.extend(heard.iter().map(|at| ms(at - made.at)));
        seen.news_bytes = seen.news_bytes.max(bytes);
        let longest = self.lock.take()?;
        seen.locked_ms.0.push(longest.locked_ms);
        seen.waited_ms.0.push(longest.waited_ms);
        Ok(())
    }

    /// The first version of a kind after another one; of adding a shard nobody gets an answer.
    async fn until_made(&mut self, change: Change, after: i64) -> anyhow::Result<Made> {
        let kind = match change {
            Change::Node => "node.%",
            Change::Add => "shard.activated",
            Change::Reweight => "shard.reweighted",
            Change::Drain => "shard.draining",
        };
        let made = "SELECT version, (extract(epoch FROM at) * 1000000)::bigint FROM map_history
                    WHERE version > $1 AND kind LIKE $2 ORDER BY version LIMIT 1";
        let deadline = Instant::now() + PATIENCE;
        loop {
            let query = sqlx::query_as(made).bind(after).bind(kind);
            if let Some((version, at)) = query.fetch_optional(&mut self.database).await? {
                return Ok(Made { version, at });
            }
            anyhow::ensure!(Instant::now() < deadline, "no {kind} comes about");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn version(&mut self) -> anyhow::Result<i64> {
        let version = sqlx::query_scalar("SELECT version FROM map_head");
        Ok(version.fetch_one(&mut self.database).await?)
    }
}

/// A version, and when its row was written, in microseconds since 1970.
struct Made {
    version: i64,
    at: i64,
}

fn ms(us: i64) -> f64 {
    f64::from(i32::try_from(us).unwrap_or(i32::MAX)) / 1e3
}

/// Waits until the control plane has the filled directory, then fetches the map. Answers its version, and in words what
/// it took and weighs.
async fn whole_map(platform: &Platform, filled: i64) -> anyhow::Result<(i64, String)> {
    let begun = Instant::now();
    let (loaded, map) = loop {
        let map = platform.control_get("/v1/map").await?;
        if map["version"].as_i64().is_some_and(|version| version >= filled) {
            break (begun.elapsed(), map);
        }
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "the control plane does not load the directory"
        );
    };
    let begun = Instant::now();
    let again = platform.control_get("/v1/map").await?;
    let fetched = begun.elapsed();
    let bytes = again.to_string().len();
    let exceptions = again["exceptions"].as_array().map_or(0, Vec::len);
    let megabytes = |kind| -> anyhow::Result<String> {
        let bytes = cpu::resident_bytes(platform.pid(kind)?)?;
        Ok(short(f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0))
    };
    let text = format!(
        "The control plane read the whole directory in {} s; the map is fetched whole in {} ms ({bytes} bytes, \
         {exceptions} exceptions). Control plane {} MB, router {} MB.",
        short(loaded.as_secs_f64()),
        short(fetched.as_secs_f64() * 1e3),
        megabytes("control-plane")?,
        megabytes("router")?,
    );
    Ok((map["version"].as_i64().context("a version")?, text))
}

/// A plan over all of it.
async fn plan(platform: &Platform) -> anyhow::Result<String> {
    let begun = Instant::now();
    let plan = platform.control_post("/v1/plans", &json!({"kind": "rebalance"})).await?;
    let moves = plan["moves"].as_array().map_or(0, Vec::len);
    let took = short(begun.elapsed().as_secs_f64());
    Ok(format!(
        "After all these changes a plan of {moves} moves is made in {took} s, from request to answer."
    ))
}

impl Seen {
    fn cells(&self, what: &str, of: u32) -> Vec<String> {
        vec![
            what.to_owned(),
            of.to_string(),
            short(self.whole_ms.at(0.5)),
            short(self.locked_ms.at(1.0)),
            short(self.waited_ms.at(1.0)),
            short(self.news_ms.at(0.5)),
            short(self.news_ms.at(0.99)),
            self.news_bytes.to_string(),
        ]
    }
}
