//! (f) What a move costs: how long nobody is served, how fast rows are copied, what capture costs while none is under
//! way. On a platform with two shards.

mod capture;
mod copy;
mod mover;
mod pauses;
mod writers;

pub(crate) use pauses::Numbers;

use std::fmt::Write as _;

use crate::platform::Platform;
use crate::report::{Bar, Section};
use crate::settings::{MoveSizes, Settings};
use crate::table::{Table, short};
use crate::{noise, postgres};

/// A million rows at a time.
const STATEMENT_TIMEOUT: &str = "SET statement_timeout = 0";

/// Measures all three.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Section> {
    let platform = Platform::start_with(settings, 2).await?;
    let noise = noise::Watch::begin()?;
    let MoveSizes { small_moves, large_moves, large_rows, writes_per_second, capture_rows } =
        settings.moves;
    let mut table = Table::new(&["what", "of", "median", "p95", "most"]);
    let mut bars = Vec::new();
    let mut text = String::new();

    eprintln!("  {small_moves} small moves ...");
    let small = pauses::small(&platform, small_moves).await?;
    small.describe("small", &mut table, &mut text);
    bars.push(Bar::at_most("pause of a small move, median ms", small.pauses.at(0.5), 50.0, 50.0));
    bars.push(Bar::at_most("pause of a small move, p95 ms", small.pauses.at(0.95), 150.0, 150.0));

    eprintln!("  {large_moves} moves of {large_rows} rows ...");
    let large = copy::run(&platform, settings.moves).await?;
    large.moves.describe("large", &mut table, &mut text);
    bars.push(Bar::at_most("pause of a large move, ms", large.moves.pauses.at(1.0), 300.0, 300.0));
    table.row(large.ratios.cells("copy, of a COPY pipe's rate", large_moves));
    bars.push(Bar::at_least("copy, of a COPY pipe's rate", large.ratios.at(0.5), 0.7));
    for (name, moves) in [("small", &small), ("large", &large.moves)] {
        let what = format!("slowest request during {name} moves, ms");
        bars.push(Bar::at_most(&what, moves.requests.at(1.0), 1_000.0, 1_000.0));
        let failed = f64::from(moves.failed);
        let what = format!("requests that failed during {name} moves");
        bars.push(Bar::at_most(&what, failed, 0.0, 0.0));
    }

    eprintln!("  capture ...");
    let capture = capture::run(&platform, capture_rows).await?;
    for (what, us, ratio) in &capture.rows {
        let (us, ratio) = (short(*us), short(*ratio));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "Capture at rest, {what}: {us} us of Postgres' CPU a row more than without its triggers, {ratio} of it."
        );
    }
    bars.push(Bar::at_most("capture at rest, us of CPU a row", capture.worst_us(), 1.5, 1.5));

    let head = format!(
        "{small_moves} moves of institutions with a hundred rows, at most {at_once} at once, each with a client that \
         writes; {large_moves} of one with {large_rows} rows and {writes_per_second} writes a second through the \
         router. Pauses are the journal's: from the first request of the lock to the target's serving. The pipe is \
         `COPY ... TO STDOUT | COPY ... FROM STDIN` (binary, two psql) of the same table between the same servers, \
         before each move and under the same writes; a move's rate is of its phase `copying`. Milliseconds.\n\n{text}",
        at_once = pauses::AT_ONCE
    );
    Ok(Section::new("f. Moves", head.trim_end(), &table, bars, &noise.end()?))
}

/// Fills a table at a shard, as one who passes row-level security.
async fn fill(
    superuser: &str,
    institution: &shard_map::InstitutionId,
    rows: u32,
) -> anyhow::Result<()> {
    let statement = format!(
        "{STATEMENT_TIMEOUT}; INSERT INTO courses (institution_id, id, code, title)
         SELECT '{institution}', lpad(to_hex(n), 32, '0')::uuid, 'filled-' || n, 'A title of usual length'
         FROM generate_series(1, {rows}) n; ANALYZE courses"
    );
    postgres::sql(superuser, &statement).await.map(|_| ())
}
