//! (b) Where the microseconds of a request go: load through the router of a whole platform, and the CPU of each of
//! its parts; and what reads take without Redis.

mod school;
mod without_redis;

use std::time::{Duration, Instant};

use crate::load::{self, Load, Pace, Requests};
use crate::noise;
use crate::platform::{PARTS, Platform};
use crate::postgres;
use crate::report::Section;
use crate::settings::Settings;
use crate::table::{Table, median, short, us_each};

use school::Schools;
use without_redis::ROUNDS as AWAKE_AND_ASLEEP;

const CONNECTIONS: u32 = 16;
const ROUNDS: usize = 3;
const REST: Duration = Duration::from_secs(3);
const IDLE_WITHIN: Duration = Duration::from_mins(5);

/// A kind of request, with the requests of each round.
struct Kind {
    name: &'static str,
    rounds: Vec<Requests>,
    repeat: bool,
}

/// What a round of a kind took.
struct Round {
    load: Load,
    /// Microseconds a request, in the order of [`PARTS`].
    parts: Vec<f64>,
}

/// Runs every kind.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Section> {
    let platform = Platform::start(settings).await?;
    let schools = Schools::open(&platform).await?;
    let noise = noise::Watch::begin()?;
    let mut table = Table::new(&header());
    // What filled the schools has left jobs and events behind.
    until_idle(&platform).await?;
    let rest = at_rest(&platform).await?;
    for kind in kinds(&schools) {
        eprintln!("  {} ...", kind.name);
        let rounds = measure(&platform, &kind, settings.seconds).await?;
        table.row(row(kind.name, &rounds));
    }
    table.row(rest);
    let bars = without_redis::compare(&platform, &schools, settings.seconds, &mut table).await?;
    let text = format!(
        "One router, one shard with one node; {CONNECTIONS} connections, {} users of {} institutions; medians of \
         {ROUNDS} rounds. CPU in microseconds a request; the last row is what the idle platform uses, in \
         microseconds a second, before all else. POSTs carry an Idempotency-Key; their effects are worked meanwhile and \
         counted with them. The load's own CPU is not shown. Below it, with 4 connections: reads with Redis, and from \
         the moment on at which all of it falls asleep; medians of {AWAKE_AND_ASLEEP} rounds in turns.",
        schools.users(),
        schools.count(),
    );
    let noise = noise.end()?;
    Ok(Section::new("b. The whole path, by part", &text, &table, bars, &noise))
}

fn kinds(schools: &Schools) -> Vec<Kind> {
    let rounds = |make: &dyn Fn(usize) -> Requests| (0..=ROUNDS).map(make).collect();
    vec![
        Kind { name: "GET program, cached", rounds: rounds(&|_| schools.programs()), repeat: true },
        Kind {
            name: "GET student, each id once",
            rounds: rounds(&|round| schools.students(round, ROUNDS + 1)),
            repeat: false,
        },
        Kind { name: "list 50 of 60 programs", rounds: rounds(&|_| schools.lists()), repeat: true },
        Kind {
            name: "enrol",
            rounds: rounds(&|round| schools.enrolments(round, ROUNDS + 1)),
            repeat: false,
        },
        Kind {
            name: "createProgram",
            rounds: rounds(&|round| schools.new_programs(round)),
            repeat: false,
        },
    ]
}

async fn measure(platform: &Platform, kind: &Kind, seconds: u32) -> anyhow::Result<Vec<Round>> {
    let mut measured = Vec::new();
    for (at, requests) in kind.rounds.iter().enumerate() {
        // The first round is to get warm.
        let seconds = if at == 0 { 1 } else { seconds };
        let pace = Pace { connections: CONNECTIONS, seconds, repeat: kind.repeat };
        let before = platform.cpu()?;
        let load = load::send(platform.router()?, requests, pace).await?;
        let after = platform.cpu()?;
        let Load { failed, requests, .. } = load;
        anyhow::ensure!(failed == 0, "{}: {failed} of {requests} failed", kind.name);
        let used = after.iter().zip(&before).map(|(after, before)| after.saturating_sub(*before));
        let parts = used.map(|used| us_each(used, requests)).collect();
        if at > 0 {
            measured.push(Round { load, parts });
        } else {
            // Autovacuum's work on a shard that is not as new: plans of empty tables are no figure.
            postgres::sql(&platform.superuser, "ANALYZE").await?;
        }
    }
    Ok(measured)
}

fn header() -> Vec<&'static str> {
    let parts = PARTS.iter().map(|(name, _)| *name);
    ["request", "requests/s", "median ms", "p99 ms"]
        .into_iter()
        .chain(parts)
        .chain(["sum"])
        .collect()
}

fn row(name: &str, rounds: &[Round]) -> Vec<String> {
    let loads =
        |figure: fn(&Load) -> f64| short(median(rounds.iter().map(|round| figure(&round.load))));
    let part = |at: usize| median(rounds.iter().map(|round| round.parts[at]));
    let parts = (0..PARTS.len()).map(|at| short(part(at)));
    let sum = median(rounds.iter().map(|round| round.parts.iter().sum()));
    let figures = [
        name.to_owned(),
        loads(|load| f64::from(load.requests) / load.took.as_secs_f64()),
        loads(|load| load.median_ms),
        loads(|load| load.p99_ms),
    ];
    figures.into_iter().chain(parts).chain([short(sum)]).collect()
}

/// Waits until no event waits for its number and no job for its turn.
async fn until_idle(platform: &Platform) -> anyhow::Result<()> {
    let began = Instant::now();
    let waiting = "SELECT (SELECT count(*) FROM outbox_events WHERE seq IS NULL)
        + (SELECT count(*) FROM jobs WHERE state = 'RUNNING' OR (state = 'QUEUED' AND run_at <= now()))";
    loop {
        let waiting = postgres::sql(&platform.superuser, waiting).await?;
        if waiting == "0" {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < IDLE_WITHIN, "{waiting} events and jobs still wait");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn at_rest(platform: &Platform) -> anyhow::Result<Vec<String>> {
    let before = platform.cpu()?;
    tokio::time::sleep(REST).await;
    let after = platform.cpu()?;
    let used = after.iter().zip(&before).map(|(after, before)| after.saturating_sub(*before));
    let each: Vec<f64> = used.map(|used| used.as_secs_f64() * 1e6 / REST.as_secs_f64()).collect();
    let nothing = ["at rest, us a second", "", "", ""].map(str::to_owned);
    let sum = short(each.iter().sum());
    Ok(nothing.into_iter().chain(each.into_iter().map(short)).chain([sum]).collect())
}
