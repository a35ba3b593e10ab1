//! The writer: takes what the node has counted to the database, institution by institution.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt as _};
use service_kit::clock;
use shard_map::InstitutionId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::meter::{Tallies, Tally};
use super::{Resolution, store};
use crate::error::Error;
use crate::node::Node;
use crate::store::TenantTx;
use crate::tenancy::Verdict;

/// How often it writes: no more than that is lost with a node.
pub const EVERY: Duration = Duration::from_secs(15);

/// Institutions at once.
const AT_ONCE: usize = 2;

/// How long one institution may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Rows of one statement at most.
const ROWS_AT_ONCE: usize = 1_000;

/// A row of the table.
pub(super) type Row = ((Resolution, DateTime<Utc>, &'static str), Tally);

/// Runs rounds until `stop`, and one more then.
pub async fn run(node: Arc<Node>, pool: PgPool, stop: CancellationToken) {
    let mut stopped = false;
    while !stopped {
        tokio::select! {
            () = stop.cancelled() => stopped = true,
            () = tokio::time::sleep(EVERY) => {}
        }
        round(&node, &pool).await;
    }
}

/// Writes what was counted so far. Without a lease it stays where it is: the database may be one that was deposed.
pub async fn round(node: &Node, pool: &PgPool) {
    if !node.ownership.lease.holds() {
        return;
    }
    stream::iter(node.meter.take())
        .for_each_concurrent(AT_ONCE, |(institution, tallies)| async move {
            match node.ownership.verdict(institution) {
                Verdict::Serve { .. } | Verdict::Suspended => {
                    write(node, pool, institution, tallies).await;
                }
                // Whose it will be is not decided.
                Verdict::Fenced | Verdict::Withheld => node.meter.give_back(institution, tallies),
                Verdict::NotOwner(_) => node.meter.lose(&tallies),
            }
        })
        .await;
}

async fn write(node: &Node, pool: &PgPool, institution: InstitutionId, tallies: Tallies) {
    let deadline = Instant::now() + PATIENCE;
    let rows = rows(&tallies);
    let tx = match prepare(pool, institution, &rows, deadline).await {
        Ok(tx) => tx,
        Err(Error::NotOwner(known)) if known.state.as_deref() != Some("fenced") => {
            return node.meter.lose(&tallies);
        }
        Err(error) => {
            // Nothing was committed.
            tracing::debug!(institution = %institution, error = %error, "Its metrics are written later");
            return node.meter.give_back(institution, tallies);
        }
    };
    if let Err(error) = tx.commit().await {
        // It may have been: written twice would be worse than not at all.
        tracing::warn!(institution = %institution, error = %error, "Whether its metrics were written is not known");
        node.meter.lose(&tallies);
    }
}

async fn prepare(
    pool: &PgPool,
    institution: InstitutionId,
    rows: &[Row],
    deadline: Instant,
) -> Result<TenantTx, Error> {
    let mut tx = TenantTx::begin_within(pool, institution, deadline).await?;
    for rows in rows.chunks(ROWS_AT_ONCE) {
        store::add(&mut tx, rows).await?;
    }
    store::delete_old(&mut tx, clock::now()).await?;
    Ok(tx)
}

/// The rows of minutes and of hours, in an order that all writers keep: so none waits for the other in a circle.
fn rows(tallies: &Tallies) -> Vec<Row> {
    let mut rows: BTreeMap<_, Tally> = BTreeMap::new();
    for ((minute, operation), tally) in tallies {
        for resolution in [Resolution::Minute, Resolution::Hour] {
            let key = (resolution, resolution.bucket(*minute), *operation);
            rows.entry(key).or_default().add(tally);
        }
    }
    rows.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_in_its_minute_and_in_its_hour() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant");
        let tally = |requests| Tally { requests, ..Tally::default() };
        let tallies = Tallies::from([
            ((at("2026-11-29T12:58:00Z"), "a"), tally(1)),
            ((at("2026-11-29T12:59:00Z"), "a"), tally(2)),
            ((at("2026-11-29T13:00:00Z"), "a"), tally(4)),
            ((at("2026-11-29T12:59:00Z"), "b"), tally(8)),
        ]);
        let found: Vec<_> = rows(&tallies)
            .into_iter()
            .map(|((resolution, at, operation), tally)| {
                (resolution.as_str(), at.format("%H:%M").to_string(), operation, tally.requests)
            })
            .collect();
        let row = |resolution, at: &str, operation, requests| {
            (resolution, at.to_owned(), operation, requests)
        };
        let expected = [
            row("MINUTE", "12:58", "a", 1),
            row("MINUTE", "12:59", "a", 2),
            row("MINUTE", "12:59", "b", 8),
            row("MINUTE", "13:00", "a", 4),
            row("HOUR", "12:00", "a", 3),
            row("HOUR", "12:00", "b", 8),
            row("HOUR", "13:00", "a", 4),
        ];
        assert_eq!(found, expected);
    }
}
