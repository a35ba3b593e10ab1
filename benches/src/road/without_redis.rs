//! What reads take while all of Redis is asleep, beside the same reads with it, in turns (R8: p99 at most 3 times).
//!
//! Asleep is worse than killed: nobody refuses a connection. What is measured begins with the moment it falls asleep.

use nix::sys::signal::Signal;

use crate::load::{self, Load, Pace, Requests};
use crate::platform::{PARTS, Platform};
use crate::report::Bar;
use crate::table::{Table, median, short};

use super::school::Schools;

/// Few enough that no part is saturated: what is asked for is what one request takes.
const CONNECTIONS: u32 = 4;
pub(super) const ROUNDS: usize = 5;
/// Until what Redis missed is settled it is not read; then it is warm again.
const BACK_SECONDS: u32 = 5;
const LIMIT: f64 = 3.0;

/// Adds a row a kind with and without, and answers a bar of each.
pub(super) async fn compare(
    platform: &Platform,
    schools: &Schools,
    seconds: u32,
    table: &mut Table,
) -> anyhow::Result<Vec<Bar>> {
    let mut bars = Vec::new();
    let rounds = 2 * ROUNDS;
    let students = (0..rounds).map(|round| schools.students(round, rounds)).collect();
    let kinds: [(&str, bool, Vec<Requests>); 2] = [
        ("GET program", true, vec![schools.programs(); rounds]),
        ("GET student, each id once", false, students),
    ];
    for (name, repeat, requests) in kinds {
        eprintln!("  {name}, with Redis and without ...");
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for pair in requests.chunks(2) {
            let warm = Pace { connections: CONNECTIONS, seconds: BACK_SECONDS, repeat: true };
            load::send(platform.router()?, &schools.programs(), warm).await?;
            let pace = Pace { connections: CONNECTIONS, seconds, repeat };
            with.push(answered(load::send(platform.router()?, &pair[0], pace).await?)?);
            platform.signal("redis", Signal::SIGSTOP)?;
            let load = load::send(platform.router()?, &pair[1], pace).await;
            platform.signal("redis", Signal::SIGCONT)?;
            without.push(answered(load?)?);
        }
        let p99 = |loads: &[Load]| median(loads.iter().map(|load| load.p99_ms));
        for (what, loads) in [("", &with), (", Redis asleep", &without)] {
            table.row(row(&format!("{name}{what}"), loads, p99(loads)));
        }
        let what = format!("p99 of {name} while Redis is asleep, of that with it");
        bars.push(Bar::at_most(&what, p99(&without) / p99(&with), LIMIT, LIMIT));
    }
    Ok(bars)
}

fn answered(load: Load) -> anyhow::Result<Load> {
    anyhow::ensure!(load.failed == 0, "{} of {} failed", load.failed, load.requests);
    Ok(load)
}

fn row(name: &str, loads: &[Load], p99_ms: f64) -> Vec<String> {
    let of = |figure: fn(&Load) -> f64| short(median(loads.iter().map(figure)));
    let figures = [
        name.to_owned(),
        of(|load| f64::from(load.requests) / load.took.as_secs_f64()),
        of(|load| load.median_ms),
        short(p99_ms),
    ];
    figures.into_iter().chain(vec![String::new(); PARTS.len() + 1]).collect()
}
