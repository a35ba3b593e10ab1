//! One round of a copy: what changed among the rows that are copied, and the next rows, from one snapshot.
//!
//! What must stay true:
//! - After a round the copied range at the target equals the source at the round's snapshot: so unique indexes hold,
//!   and a repeated round is harmless.
//! - A round is written only where its predecessor was the last one.
//! - Exactly the log rows that the snapshot showed are deleted, after the target has committed.

use std::collections::BTreeMap;

use bytes::BytesMut;
use futures::TryStreamExt as _;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _};
use uuid::Uuid;

use super::catalogue::{Catalogue, Table};
use super::failpoint::Step;
use super::planted::{Fault, is_planted};
use super::side::{Act, Side, Stop};

/// Rows that a round copies beside what changed.
pub(super) const CHUNK_ROWS: i64 = 20_000;
/// Keys that one statement names.
const KEYS_AT_ONCE: usize = 5_000;
/// So many rows go as text, beyond that by COPY.
const CARRIED_ROWS: i64 = 1_000;
/// What is gathered before it is sent on: the source sends a message a row.
const PIECE_BYTES: usize = 128 << 10;

/// How far the copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copied {
    /// Tables before this one, and of it the rows up to this one.
    UpTo(usize, Option<Uuid>),
    /// Everything.
    All,
}

impl Copied {
    /// Whether a row is in the copied range.
    fn holds(self, table: usize, row: Uuid) -> bool {
        match self {
            Self::All => true,
            Self::UpTo(at, last) => {
                table < at || table == at && last.is_some_and(|last| row <= last)
            }
        }
    }
}

/// What the target says of its copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checkpoint {
    /// The last round.
    pub(super) round: i64,
    /// How far it is.
    pub(super) copied: Copied,
    /// Rows so far.
    pub(super) rows: i64,
}

/// A row of `move_imports`.
#[derive(sqlx::FromRow)]
struct Import {
    round: i64,
    table_name: Option<String>,
    row_id: Option<Uuid>,
    complete: bool,
    rows_copied: i64,
}

/// Reads the target's checkpoint; none where no import has begun.
pub(super) async fn checkpoint(
    target: &mut PgConnection,
    act: &Act,
    catalogue: &Catalogue,
) -> Result<Option<Checkpoint>, Stop> {
    let found: Option<Import> = sqlx::query_as(
        "SELECT round, table_name, row_id, complete, rows_copied FROM move_imports WHERE move_id = $1",
    )
    .bind(act.move_id)
    .fetch_optional(target)
    .await?;
    let Some(Import { round, table_name, row_id, complete, rows_copied: rows }) = found else {
        return Ok(None);
    };
    let copied = match table_name {
        _ if complete => Copied::All,
        None => Copied::UpTo(0, None),
        Some(name) => {
            let at = catalogue.position(&name);
            let at = at.ok_or_else(|| Stop::GiveUp(format!("table {name} is gone")))?;
            Copied::UpTo(at, row_id)
        }
    };
    Ok(Some(Checkpoint { round, copied, rows }))
}

/// A snapshot of the source, until it is ended.
pub(super) async fn open_snapshot(source: &mut PgConnection, act: &Act) -> Result<(), Stop> {
    source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // The first statement makes the snapshot; what it shows must be captured from then on.
    let ours: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM ownership WHERE institution_id = $1 AND move_id = $2 AND capture)",
    )
    .bind(act.institution.as_uuid())
    .bind(act.move_id)
    .fetch_one(source)
    .await?;
    if ours {
        Ok(())
    } else {
        Err(Stop::Retry("the source does not capture for this move".to_owned()))
    }
}

/// Ends it.
pub(super) async fn end_snapshot(source: &mut PgConnection) -> Result<(), Stop> {
    source.execute("ROLLBACK").await?;
    Ok(())
}

/// What a round has done.
#[derive(Debug)]
pub(super) struct Round {
    /// The checkpoint after it.
    pub(super) checkpoint: Checkpoint,
    /// Keys that had changed.
    pub(super) keys: usize,
    /// The log rows that it has taken in.
    pub(super) taken: Vec<i64>,
}

/// What is to be copied from the snapshot.
struct Work<'c> {
    catalogue: &'c Catalogue,
    /// Changed keys of the copied range, by table.
    changed: BTreeMap<usize, Vec<Uuid>>,
    /// The next ranges.
    ranges: Vec<Range>,
    copied: Copied,
}

/// Rows of a table after a row, up to another; none is without a bound.
struct Range {
    table: usize,
    after: Option<Uuid>,
    last: Option<Uuid>,
    rows: i64,
}

/// Copies one round from the source's open snapshot.
pub(super) async fn run(
    source: &mut PgConnection,
    target: &mut Side,
    act: &Act,
    catalogue: &Catalogue,
    from: Checkpoint,
    step: Step,
) -> Result<Round, Stop> {
    let log: Vec<(i64, String, Uuid)> = sqlx::query_as(
        "SELECT id, table_name, row_id FROM change_log WHERE institution_id = $1 ORDER BY id",
    )
    .bind(act.institution.as_uuid())
    .fetch_all(&mut *source)
    .await?;
    let mut changed: BTreeMap<usize, Vec<Uuid>> = BTreeMap::new();
    for (_, table, row) in &log {
        let at = catalogue.position(table);
        let at =
            at.ok_or_else(|| Stop::GiveUp(format!("table {table} changed and is not known")))?;
        if from.copied.holds(at, *row) && !is_planted(Fault::CaptureOff) {
            changed.entry(at).or_default().push(*row);
        }
    }
    for keys in changed.values_mut() {
        keys.sort_unstable();
        keys.dedup();
    }
    let keys = changed.values().map(Vec::len).sum();
    let (ranges, copied) = next_ranges(source, act, catalogue, from.copied).await?;
    let work = Work { catalogue, changed, ranges, copied };
    let round = from.round + 1;
    let added = write(source, target, act, &work, round, step).await?;
    let taken = log.into_iter().map(|(id, _, _)| id).collect();
    let checkpoint = Checkpoint { round, copied, rows: from.rows + added };
    Ok(Round { checkpoint, keys, taken })
}

/// The next rows in the catalogue's order, about [`CHUNK_ROWS`] of them.
async fn next_ranges(
    source: &mut PgConnection,
    act: &Act,
    catalogue: &Catalogue,
    copied: Copied,
) -> Result<(Vec<Range>, Copied), Stop> {
    let Copied::UpTo(mut at, mut after) = copied else { return Ok((Vec::new(), Copied::All)) };
    let mut ranges = Vec::new();
    let mut left = CHUNK_ROWS;
    while let Some(table) = catalogue.0.get(at) {
        let beyond = after.map_or("true".to_owned(), |after| format!("id > '{after}'"));
        let of = format!("FROM {} WHERE institution_id = $1 AND {beyond}", table.name);
        let last: Option<Uuid> = sqlx::query_scalar(AssertSqlSafe(format!(
            "SELECT id {of} ORDER BY id OFFSET $2 LIMIT 1"
        )))
        .bind(act.institution.as_uuid())
        .bind(left - 1)
        .persistent(false)
        .fetch_optional(&mut *source)
        .await?;
        if last.is_some() {
            ranges.push(Range { table: at, after, last, rows: left });
            return Ok((ranges, Copied::UpTo(at, last)));
        }
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) {of}")))
            .bind(act.institution.as_uuid())
            .persistent(false)
            .fetch_one(&mut *source)
            .await?;
        if rows > 0 {
            ranges.push(Range { table: at, after, last: None, rows });
            left -= rows;
        }
        (at, after) = (at + 1, None);
    }
    Ok((ranges, Copied::All))
}

/// Writes a round in one transaction of the target. Answers how many rows came.
async fn write(
    source: &mut PgConnection,
    target: &mut Side,
    act: &Act,
    work: &Work<'_>,
    round: i64,
    step: Step,
) -> Result<i64, Stop> {
    target.enter(act, "{importing}").await?;
    target.connection.execute("SET LOCAL session_replication_role = replica").await?;
    let tables = &work.catalogue.0;
    // What changed goes first, from all tables: a row that comes may have the unique key of one that is gone.
    for (at, keys) in &work.changed {
        for keys in keys.chunks(KEYS_AT_ONCE) {
            sqlx::query(AssertSqlSafe(format!(
                "DELETE FROM {} WHERE institution_id = $1 AND id = ANY($2)",
                tables[*at].name
            )))
            .bind(act.institution.as_uuid())
            .bind(keys)
            .execute(&mut target.connection)
            .await?;
        }
    }
    for (at, keys) in &work.changed {
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let names: Vec<_> = keys.iter().map(Uuid::to_string).collect();
            let which = format!("id = ANY('{{{}}}'::uuid[])", names.join(","));
            let rows = i64::try_from(keys.len()).unwrap_or(i64::MAX);
            bring(source, &mut target.connection, act, &tables[*at], (&which, rows)).await?;
        }
    }
    let mut added = 0;
    for Range { table, after, last, rows } in &work.ranges {
        let which = match (after, last) {
            (None, None) => "true".to_owned(),
            (Some(after), None) => format!("id > '{after}'"),
            (None, Some(last)) => format!("id <= '{last}'"),
            (Some(after), Some(last)) => format!("id > '{after}' AND id <= '{last}'"),
        };
        let table = &tables[*table];
        added += bring(source, &mut target.connection, act, table, (&which, *rows)).await?;
    }
    let added = i64::try_from(added).unwrap_or(i64::MAX);
    let (table, row) = match work.copied {
        Copied::UpTo(at, row) => (Some(tables[at].name.as_str()), row),
        Copied::All => (None, None),
    };
    sqlx::query("SELECT move_round($1, $2, $3, $4, $5, $6)")
        .bind(act.move_id)
        .bind(round)
        .bind(table)
        .bind(row)
        .bind(work.copied == Copied::All)
        .bind(added)
        .execute(&mut target.connection)
        .await?;
    target.commit(act, step).await?;
    Ok(added)
}

/// Copies rows of a table, of which there are so many at most. Answers how many.
async fn bring(
    source: &mut PgConnection,
    target: &mut PgConnection,
    act: &Act,
    table: &Table,
    (which, rows): (&str, i64),
) -> Result<u64, Stop> {
    if rows <= CARRIED_ROWS {
        carry(source, target, act, table, which).await
    } else {
        pipe(source, target, act, table, which).await
    }
}

/// The same as the text of records, which is exact in every type: one message there. COPY ends with a message of its own,
/// which sqlx's sockets hold back until the one before it is acknowledged (they have no `TCP_NODELAY`): 40 ms each time,
/// also while nobody is served.
async fn carry(
    source: &mut PgConnection,
    target: &mut PgConnection,
    act: &Act,
    table: &Table,
    which: &str,
) -> Result<u64, Stop> {
    let Table { name, columns } = table;
    let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT (t.*)::text FROM {name} t WHERE institution_id = $1 AND {which}"
    )))
    .bind(act.institution.as_uuid())
    .persistent(false)
    .fetch_all(source)
    .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let brought = sqlx::query(AssertSqlSafe(format!(
        "INSERT INTO {name} ({columns}) SELECT {columns} FROM unnest($1::text[]::{name}[])"
    )))
    .bind(&rows)
    .execute(target)
    .await?;
    Ok(brought.rows_affected())
}

/// The same by COPY.
async fn pipe(
    source: &mut PgConnection,
    target: &mut PgConnection,
    act: &Act,
    table: &Table,
    which: &str,
) -> Result<u64, Stop> {
    let Table { name, columns } = table;
    let institution = act.institution;
    let mut rows = source
        .copy_out_raw(&format!(
            "COPY (SELECT {columns} FROM {name} WHERE institution_id = '{institution}' AND {which}) TO STDOUT (FORMAT binary)"
        ))
        .await?;
    let mut sink =
        target.copy_in_raw(&format!("COPY {name} ({columns}) FROM STDIN (FORMAT binary)")).await?;
    let mut piece = BytesMut::with_capacity(2 * PIECE_BYTES);
    while let Some(row) = rows.try_next().await? {
        piece.extend_from_slice(&row);
        if piece.len() >= PIECE_BYTES {
            sink.send(piece.split()).await?;
        }
    }
    sink.send(piece).await?;
    Ok(sink.finish().await?)
}

/// Deletes the log rows that a round has taken in.
pub(super) async fn forget(source: &mut Side, act: &Act, taken: &[i64]) -> Result<(), Stop> {
    if taken.is_empty() {
        return Ok(());
    }
    source.enter(act, "{active,closing,fenced}").await?;
    sqlx::query("DELETE FROM change_log WHERE institution_id = $1 AND id = ANY($2)")
        .bind(act.institution.as_uuid())
        .bind(taken)
        .execute(&mut source.connection)
        .await?;
    source.commit(act, Step::Forget).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copied_range_is_by_table_then_row() {
        let row = Uuid::from_u128;
        let copied = Copied::UpTo(1, Some(row(5)));
        assert!(copied.holds(0, row(9)) && copied.holds(1, row(5)));
        assert!(!copied.holds(1, row(6)) && !copied.holds(2, row(1)));
        assert!(!Copied::UpTo(1, None).holds(1, row(0)) && Copied::All.holds(7, row(7)));
    }
}
