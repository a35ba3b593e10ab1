//! Large moves under writes, each beside a pipe of COPY with the same rows between the same servers.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use shard_map::InstitutionId;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::mover;
use super::pauses::{Moves, Numbers};
use super::writers::{self, Seen};
use super::{STATEMENT_TIMEOUT, fill};
use crate::platform::Platform;
use crate::postgres;
use crate::settings::MoveSizes;

const SHARDS: [&str; 2] = ["shard-a", "shard-b"];
/// Waits, for a minute at most, until replicas are no more than 1 MiB behind.
const REPLAYED: &str = "DO $$ BEGIN
    FOR i IN 1..600 LOOP
        PERFORM pg_stat_clear_snapshot();
        IF NOT EXISTS (SELECT FROM pg_stat_replication
                       WHERE pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > 1048576) THEN
            RETURN;
        END IF;
        PERFORM pg_sleep(0.1);
    END LOOP;
    RAISE 'a replica does not come near';
END $$";

/// What large moves say.
#[derive(Debug, Default)]
pub(super) struct Copies {
    pub(super) moves: Moves,
    /// The pipe's time of each copy's.
    pub(super) ratios: Numbers,
}

/// Moves one large institution to and fro.
pub(super) async fn run(platform: &Platform, sizes: MoveSizes) -> anyhow::Result<Copies> {
    let institution = platform.institution_on("large", SHARDS[0]).await?;
    fill(&platform.superuser_of(SHARDS[0])?, &institution, sizes.large_rows).await?;
    let mut copies = Copies::default();
    for number in 0..sizes.large_moves {
        let at = (number % 2) as usize;
        let (from, to) = (SHARDS[at], SHARDS[1 - at]);
        let (source, target) = (platform.superuser_of(from)?, platform.superuser_of(to)?);
        settle(&source, &target).await?;
        // Pipe and move share the machine with the same writes; what the pipe does to them is not the move's.
        let piping = pipe(&source, &target, &institution);
        let (_, piped) = under_writes(platform, institution, sizes, piping).await?;
        unpipe(&target, &institution).await?;
        settle(&source, &target).await?;
        let moving = mover::run(platform, institution, to);
        let (seen, moved) = under_writes(platform, institution, sizes, moving).await?;
        copies.moves.pauses.0.push(moved.pause_ms);
        copies.moves.saw(seen);
        if !moved.copying.is_zero() {
            eprintln!("  piped in {piped:?}, copied in {:?}, {} ms", moved.copying, moved.pause_ms);
            copies.ratios.0.push(piped.as_secs_f64() / moved.copying.as_secs_f64());
        }
    }
    Ok(copies)
}

/// Does it while clients write. Answers what they saw, and what it has come to.
async fn under_writes<T>(
    platform: &Platform,
    institution: InstitutionId,
    sizes: MoveSizes,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<(Seen, T)> {
    let (stop, rate) = (CancellationToken::new(), sizes.writes_per_second);
    let writing = writers::run(platform, institution, sizes.large_rows, rate, &stop);
    let work = async {
        let done = work.await;
        stop.cancel();
        done
    };
    tokio::try_join!(writing, work)
}

/// What earlier rows have left is swept up, written out and replayed: neither of the two pays for the other.
async fn settle(source: &str, target: &str) -> anyhow::Result<()> {
    for dsn in [source, target] {
        postgres::sql(dsn, "VACUUM ANALYZE courses").await?;
        postgres::sql(dsn, "CHECKPOINT").await?;
        postgres::sql(dsn, REPLAYED).await?;
    }
    Ok(())
}

/// Copies the institution's rows by two psql. Answers how long that took.
async fn pipe(from: &str, to: &str, institution: &InstitutionId) -> anyhow::Result<Duration> {
    let out = format!(
        "COPY (SELECT * FROM courses WHERE institution_id = '{institution}') TO STDOUT (FORMAT binary)"
    );
    let psql = |dsn: &str, before: &str, what: &str| {
        let mut command = Command::new("psql");
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-c", before, "-c", what]);
        command.kill_on_drop(true);
        command
    };
    let began = Instant::now();
    let mut source = psql(from, STATEMENT_TIMEOUT, &out).stdout(Stdio::piped()).spawn()?;
    let rows: Stdio = source.stdout.take().context("no pipe")?.try_into()?;
    let quiet = "SET session_replication_role = replica";
    let sink =
        psql(to, quiet, "COPY courses FROM STDIN (FORMAT binary)").stdin(rows).status().await?;
    anyhow::ensure!(source.wait().await?.success() && sink.success(), "the pipe failed");
    Ok(began.elapsed())
}

/// Deletes what was piped.
async fn unpipe(to: &str, institution: &InstitutionId) -> anyhow::Result<()> {
    let undo = format!(
        "{STATEMENT_TIMEOUT}; SET session_replication_role = replica;
         DELETE FROM courses WHERE institution_id = '{institution}'"
    );
    postgres::sql(to, &undo).await.map(|_| ())
}
