//! (c) What a transaction of the node costs Postgres, beside the same statements sent by pgbench; (d) what guard and
//! row-level security cost, beside the same query without them. Both on one institution, in turns.

mod guard;
mod script;
mod stage;

use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::load::{self, Requests};
use crate::noise;
use crate::platform::{PARTS, Platform};
use crate::postgres::{self, Logged, Pace, Script, Until};
use crate::report::{Bar, Section};
use crate::settings::Settings;
use crate::table::{Table, median, short, us_each};

use stage::Stage;

const CONNECTIONS: u32 = 4;
const ROUNDS: usize = 5;
/// With fewer transactions /proc's ticks of 10 ms say nothing of one.
const ENOUGH: u32 = 50;
const GOAL: f64 = 1.15;
const BAR: f64 = 1.3;
const NODE: &str = "lxp-node";

/// A transaction: how a client causes it, and how pgbench says the same.
struct Compared {
    name: &'static str,
    statements: usize,
    rounds: Vec<Requests>,
    script: Script,
    measured: Vec<Round>,
}

/// Microseconds of Postgres a transaction.
struct Round {
    by_node: f64,
    /// pgbench's at the node's transactions a second. A server that works without a pause costs less: its caches stay
    /// warm, and nobody is woken.
    by_pgbench: f64,
    /// pgbench's with no pause.
    at_full_speed: f64,
}

/// Runs (c) and (d).
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Vec<Section>> {
    // Nobody works meanwhile: what is measured are the transactions of requests.
    let platform = Platform::start_in(settings, 1, &[("LXP_NODE__JOBS__MODE", "serve")]).await?;
    let stage = Stage::set(&platform).await?;
    let read = capture(&platform, &stage.read_once()).await?;
    let write = capture(&platform, &stage.enrol_once()).await?;
    let guard = guard::run(&platform, &stage, &read, settings.seconds).await?;
    let mut compared = [
        Compared {
            name: "GET student, uncached",
            statements: read.len(),
            rounds: (0..=ROUNDS).map(|round| stage.reads(round)).collect(),
            script: script::read(&read, &stage),
            measured: Vec::new(),
        },
        Compared {
            name: "enrol",
            statements: write.len(),
            rounds: (0..=ROUNDS).map(|round| stage.enrolments(round)).collect(),
            script: script::enrol(&write, &stage)?,
            measured: Vec::new(),
        },
    ];
    let noise = noise::Watch::begin()?;
    for one in &mut compared {
        eprintln!("  {} ...", one.name);
        measure(&platform, one, settings.seconds).await?;
    }
    let transactions = section(&compared, &noise.end()?);
    Ok(vec![transactions, guard])
}

/// The statements that the node sends for one request, from BEGIN to COMMIT.
pub(crate) async fn capture(
    platform: &Platform,
    requests: &Requests,
) -> anyhow::Result<Vec<Logged>> {
    let from = std::fs::metadata(platform.primary_log())?.len();
    postgres::set_logging(&platform.superuser, true).await?;
    let pace = load::Pace { connections: 1, seconds: 1, repeat: false };
    let sent = load::send(platform.router()?, requests, pace).await;
    postgres::set_logging(&platform.superuser, false).await?;
    anyhow::ensure!(sent?.failed == 0, "the request whose statements are wanted fails");
    let log = std::fs::read(platform.primary_log())?;
    let log = log.get(usize::try_from(from)?..).context("the server's log has shrunk")?;
    let all = postgres::statements(&String::from_utf8_lossy(log), NODE);
    script::longest_transaction(&all)
        .context("the server's log has no whole transaction of the node")
}

async fn measure(platform: &Platform, compared: &mut Compared, seconds: u32) -> anyhow::Result<()> {
    let at_rest = Usage::at_rest(platform, seconds).await?;
    for (round, requests) in compared.rounds.iter().enumerate() {
        // The first round is to get warm.
        let seconds = if round == 0 { 1 } else { seconds };
        let used = Usage::begin(platform)?;
        let pace = load::Pace { connections: CONNECTIONS, seconds, repeat: false };
        let load = load::send(platform.router()?, requests, pace).await?;
        anyhow::ensure!(load.failed == 0, "{} of {} requests failed", load.failed, load.requests);
        let by_node = us_each(used.end(platform)?.beyond(at_rest), load.requests);
        let rate = f64::from(load.requests) / load.took.as_secs_f64();
        let mut cost = [0.0; 2];
        for (turn, (rate, cost)) in [Some(rate), None].into_iter().zip(&mut cost).enumerate() {
            // Numbers of its own.
            let script = &mut compared.script;
            script.variables.insert("round".to_owned(), (2 * round + turn).to_string());
            let dsn = platform.app_dsn()?;
            (_, *cost) = by_pgbench(platform, dsn, script, (seconds, rate), at_rest).await?;
        }
        let [by_pgbench, at_full_speed] = cost;
        if round > 0 {
            compared.measured.push(Round { by_node, by_pgbench, at_full_speed });
        } else {
            // Autovacuum's work on a shard that is not as new: plans of empty tables are no figure, of neither.
            postgres::sql(&platform.superuser, "ANALYZE").await?;
        }
    }
    Ok(())
}

/// Latency and Postgres' CPU of a transaction, in microseconds. What connecting costs, and the first transactions of a
/// connection, is measured by itself and taken off: the node's connections are there already. With a rate, in
/// transactions a second, latency counts from when each was to begin.
pub(crate) async fn by_pgbench(
    platform: &Platform,
    dsn: &str,
    script: &Script,
    (seconds, rate): (u32, Option<f64>),
    at_rest: Usage,
) -> anyhow::Result<(f64, f64)> {
    let mut first = script.clone();
    first.variables.insert("at".to_owned(), stage::FIRST_AT.to_owned());
    let pace = |until, rate| Pace { clients: CONNECTIONS, until, rate };
    let used = Usage::begin(platform)?;
    let few = postgres::bench(dsn, &first, pace(Until::Transactions(2), None)).await?;
    let connecting = used.end(platform)?.beyond(at_rest);
    let used = Usage::begin(platform)?;
    let many = postgres::bench(dsn, script, pace(Until::Seconds(seconds), rate)).await?;
    let used = used.end(platform)?.beyond(at_rest);
    let counted = many.transactions.saturating_sub(few.transactions);
    anyhow::ensure!(
        counted >= ENOUGH,
        "pgbench made {counted} transactions, too few to say what one costs: --seconds or a quieter machine"
    );
    Ok((many.latency_us, us_each(used.saturating_sub(connecting), counted)))
}

/// CPU of the shard's primary in a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    cpu: Duration,
    time: Duration,
}

/// The same while it is going on.
pub(crate) struct Using {
    before: Duration,
    began: Instant,
}

impl Usage {
    pub(crate) fn begin(platform: &Platform) -> anyhow::Result<Using> {
        Ok(Using { before: postgres_cpu(platform)?, began: Instant::now() })
    }

    /// Polls, statistics, the replica: nobody's transaction.
    pub(crate) async fn at_rest(platform: &Platform, seconds: u32) -> anyhow::Result<Self> {
        let used = Self::begin(platform)?;
        tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
        used.end(platform)
    }

    /// What it is more than rest would have been.
    pub(crate) fn beyond(self, rest: Self) -> Duration {
        let share = self.time.div_duration_f64(rest.time);
        self.cpu.saturating_sub(rest.cpu.mul_f64(share))
    }
}

impl Using {
    pub(crate) fn end(self, platform: &Platform) -> anyhow::Result<Usage> {
        let cpu = postgres_cpu(platform)?.saturating_sub(self.before);
        Ok(Usage { cpu, time: self.began.elapsed() })
    }
}

/// What the shard's primary has used so far.
fn postgres_cpu(platform: &Platform) -> anyhow::Result<Duration> {
    let at = PARTS.iter().position(|(name, _)| *name == "Postgres").context("no such part")?;
    Ok(platform.cpu()?[at])
}

fn section(compared: &[Compared], noise: &str) -> Section {
    let mut table = Table::new(&[
        "transaction",
        "statements",
        "by the node, CPU us",
        "by pgbench, CPU us",
        "ratio",
        "lowest and highest round",
        "by pgbench at full speed, CPU us",
    ]);
    let mut bars = Vec::new();
    for one in compared {
        let ratios: Vec<f64> =
            one.measured.iter().map(|round| round.by_node / round.by_pgbench).collect();
        let ends = [f64::min, f64::max].map(|end| ratios.iter().copied().reduce(end));
        let ratio = median(ratios);
        table.row([
            one.name.to_owned(),
            one.statements.to_string(),
            short(median(one.measured.iter().map(|round| round.by_node))),
            short(median(one.measured.iter().map(|round| round.by_pgbench))),
            short(ratio),
            format!("{} to {}", short(ends[0].unwrap_or(0.0)), short(ends[1].unwrap_or(0.0))),
            short(median(one.measured.iter().map(|round| round.at_full_speed))),
        ]);
        let what = format!("Postgres' CPU for {}, of pgbench's", one.name);
        bars.push(Bar::at_most(&what, ratio, GOAL, BAR));
    }
    let text = format!(
        "CPU of the shard's primary, all its processes, a transaction, beyond what it uses at rest: caused by requests \
         through the router, and by pgbench (`-M prepared`) sending the statements that the server logged for one such request, with ids of its \
         own, as many a second; {CONNECTIONS} connections each, medians of {ROUNDS} rounds in turns. Beside it, in no \
         ratio, pgbench at full speed: a server without a pause has warm caches and wakes nobody."
    );
    Section::new("c. Postgres, beside pgbench", &text, &table, bars, noise)
}
