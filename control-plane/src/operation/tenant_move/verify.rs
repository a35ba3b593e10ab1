//! Both copies compared: counts and hashes of every table.
//!
//! The source is read in the snapshot of the round that was written last, and nobody but this mover writes at the
//! target: so both must be equal to the row.

use sqlx::{AssertSqlSafe, PgConnection};

use super::catalogue::Catalogue;
use super::side::{Act, Stop};

type Sum = (String, i64, i64);

/// Compares. What differs is named.
pub(super) async fn compare(
    source: &mut PgConnection,
    target: &mut PgConnection,
    act: &Act,
    catalogue: &Catalogue,
) -> Result<(), Stop> {
    let (here, there) =
        futures::try_join!(sums(source, act, catalogue), sums(target, act, catalogue))?;
    let differing: Vec<_> = here
        .iter()
        .zip(&there)
        .filter(|(here, there)| here != there)
        .map(|(here, there)| format!("{} ({} rows, {} at the target)", here.0, here.1, there.1))
        .collect();
    if differing.is_empty() && here.len() == there.len() {
        return Ok(());
    }
    Err(Stop::GiveUp(format!("the copy differs in {}", differing.join(", "))))
}

/// How many rows the institution has, in all tables.
pub(super) async fn count(
    connection: &mut PgConnection,
    act: &Act,
    catalogue: &Catalogue,
) -> Result<i64, Stop> {
    let one = |name: &str| format!("(SELECT count(*) FROM {name} WHERE institution_id = $1)");
    let all: Vec<_> = catalogue.0.iter().map(|table| one(&table.name)).collect();
    let count = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {}", all.join(" + "))))
        .bind(act.institution.as_uuid())
        .fetch_one(connection)
        .await?;
    Ok(count)
}

/// Tables in which the institution has rows.
pub(super) async fn residue(
    connection: &mut PgConnection,
    act: &Act,
    catalogue: &Catalogue,
) -> Result<Vec<String>, Stop> {
    let one = |name: &str| {
        format!("SELECT '{name}' WHERE EXISTS (SELECT FROM {name} WHERE institution_id = $1)")
    };
    let mut all: Vec<_> = catalogue.0.iter().map(|table| one(&table.name)).collect();
    all.push(one("change_log"));
    let found = sqlx::query_scalar(AssertSqlSafe(all.join(" UNION ALL ")))
        .bind(act.institution.as_uuid())
        .fetch_all(connection)
        .await?;
    Ok(found)
}

async fn sums(
    connection: &mut PgConnection,
    act: &Act,
    catalogue: &Catalogue,
) -> Result<Vec<Sum>, Stop> {
    let one = |(place, name): (usize, &str)| {
        format!(
            "SELECT {place} AS place, '{name}' AS name, count(*) AS rows, coalesce(bit_xor(hash_record_extended(t, 0)), 0) AS hash
             FROM {name} t WHERE institution_id = $1"
        )
    };
    let all: Vec<_> =
        catalogue.0.iter().map(|table| table.name.as_str()).enumerate().map(one).collect();
    let all = all.join(" UNION ALL ");
    let sums = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT name, rows, hash FROM ({all}) sums ORDER BY place"
    )))
    .bind(act.institution.as_uuid())
    .fetch_all(connection)
    .await?;
    Ok(sums)
}
