//! What the planner knows of the rows that a move reads and brings.
//!
//! What must stay true: by the time that an institution is served from its new shard, or that a round looks for changed
//! rows there, the shard's statistics know of its rows. Until then a planner believes that it has none, and that one
//! index is as good as another: a row that is asked for by its id is then looked for among all of the institution's, by
//! every request. Autovacuum comes to it within minutes; a move is done in seconds.
//!
//! An institution of few rows is left to autovacuum.

use std::ops::RangeInclusive;

use sqlx::{AssertSqlSafe, Executor as _};

use super::catalogue::Catalogue;
use super::round::{CHUNK_ROWS, Checkpoint, Copied};
use super::side::{AS_MOVER, AS_OWNER, Side, Stop};
use super::{Both, TenantMove};

/// From so many rows on it matters which index is taken.
const ROWS_MIN: i64 = 5_000;
/// A copy that has grown so many times is looked at again.
const GROWTH: i64 = 8;
/// A look samples some tens of thousands of pages of a large table, and waits for another one's end.
const BOUNDS: &str = "SET lock_timeout = '20s'";

/// How far the target's statistics know of the copy.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Analyzed {
    /// The first table that has had no look since rows came into it.
    table: usize,
    rows: i64,
}

impl TenantMove {
    /// The source is about to be read in order of its keys.
    pub(super) async fn analyze_source(&mut self) -> Result<(), Stop> {
        if self.row.shown.rows < CHUNK_ROWS {
            return Ok(());
        }
        let catalogue = self.catalogue().await?;
        let Both { source, .. } = self.both().await?;
        let names: Vec<_> = catalogue.0.iter().map(|table| table.name.clone()).collect();
        // Those that autovacuum would look at next, by its own measure.
        let stale: Vec<String> = sqlx::query_scalar(
            "SELECT relname::text FROM pg_stat_user_tables
             WHERE relname = ANY($1) AND n_mod_since_analyze > 50 + 0.1 * n_live_tup",
        )
        .bind(&names)
        .fetch_all(&mut source.connection)
        .await?;
        analyze(source, &stale).await
    }

    /// A round has brought rows to the target.
    pub(super) async fn analyze_target(&mut self, at: Checkpoint) -> Result<(), Stop> {
        let Some(tables) = due(self.analyzed, at) else { return Ok(()) };
        let catalogue = self.catalogue().await?;
        let last = match at.copied {
            Copied::UpTo(table, _) => table,
            Copied::All => catalogue.0.len().saturating_sub(1),
        };
        let names = names(&catalogue, tables..=last);
        let Both { target, .. } = self.both().await?;
        analyze(target, &names).await?;
        self.analyzed = Analyzed { table: last, rows: at.rows };
        Ok(())
    }
}

/// From which table on they are looked at; none where it is not worth it.
fn due(before: Analyzed, at: Checkpoint) -> Option<usize> {
    let has_grown = at.rows >= before.rows.saturating_mul(GROWTH);
    let is_last = at.copied == Copied::All;
    (at.rows >= ROWS_MIN && at.rows > before.rows && (has_grown || is_last)).then_some(before.table)
}

fn names(catalogue: &Catalogue, tables: RangeInclusive<usize>) -> Vec<String> {
    let tables = catalogue.0.get(tables).unwrap_or_default();
    tables.iter().map(|table| table.name.clone()).collect()
}

/// Tables are looked at by who owns them.
async fn analyze(side: &mut Side, tables: &[String]) -> Result<(), Stop> {
    if tables.is_empty() {
        return Ok(());
    }
    side.connection.execute(AS_OWNER).await?;
    side.connection.execute(BOUNDS).await?;
    let all = format!("ANALYZE {}", tables.join(", "));
    side.connection.execute(AssertSqlSafe(all)).await?;
    side.connection.execute("RESET lock_timeout").await?;
    side.connection.execute(AS_MOVER).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(rows: i64, copied: Copied) -> Checkpoint {
        Checkpoint { round: 1, copied, rows }
    }

    #[test]
    fn a_copy_is_looked_at_when_it_has_grown_and_at_its_end_once() {
        let (some, all) = (Copied::UpTo(3, None), Copied::All);
        let before = Analyzed { table: 2, rows: 20_000 };
        assert_eq!(due(before, at(100_000, some)), None);
        assert_eq!(due(before, at(160_000, some)), Some(2));
        assert_eq!(due(before, at(20_001, all)), Some(2));
        assert_eq!(due(before, at(20_000, all)), None);
    }

    #[test]
    fn of_few_rows_nothing_is_made() {
        assert_eq!(due(Analyzed::default(), at(ROWS_MIN - 1, Copied::All)), None);
        assert_eq!(due(Analyzed::default(), at(ROWS_MIN, Copied::All)), Some(0));
    }
}
