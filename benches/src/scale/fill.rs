//! A control database of a platform's full size: shards as rows, and institutions where the ring wants them.

use std::fmt::Write as _;

use anyhow::Context as _;
use shard_map::{InstitutionId, Ring, ShardId};
use uuid::Uuid;

use crate::platform::Platform;
use crate::postgres;
use crate::settings::ScaleSizes;

/// Fills it, and has the control plane look at all of it anew. Answers the map's version from then on. So many shards
/// beyond the last one wait for their node to be up.
pub(super) async fn fill(
    platform: &Platform,
    sizes: ScaleSizes,
    joining: u32,
) -> anyhow::Result<i64> {
    let dsn = platform.control_database()?;
    shards(dsn, 1..sizes.shards, "active").await?;
    let to_join = sizes.shards..sizes.shards + joining;
    shards(dsn, to_join.clone(), "joining").await?;
    for number in to_join {
        let shard = simulated(number);
        let node = format!(
            "INSERT INTO nodes (id, shard_id, url, state, health, good_beats)
             VALUES ('n-{shard}', '{shard}', 'http://127.0.0.1:9', 'suspect', 'suspect', 0)"
        );
        postgres::sql(dsn, &node).await?;
    }
    let names = (1..sizes.shards).map(|number| simulated(number).parse());
    let names = names.chain([Ok("shard-a".parse()?)]).collect::<Result<Vec<ShardId>, _>>()?;
    let ring = Ring::new(names.into_iter().map(|shard| (shard, 1)));
    let file = tempfile::NamedTempFile::new()?;
    let mut lines = String::new();
    for number in 0..sizes.institutions {
        let spread = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let id = InstitutionId::new(Uuid::from_u128(spread));
        let home = ring.owner(id).context("an owner")?;
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{id}\t{home}");
    }
    std::fs::write(file.path(), lines)?;
    let path = file.path().display();
    postgres::sql(dsn, "CREATE UNLOGGED TABLE bench_homes (id uuid, shard_id text)").await?;
    postgres::sql(dsn, &format!("\\copy bench_homes FROM '{path}'")).await?;
    // A gap in the versions: the control plane loads the map whole.
    postgres::sql(
        dsn,
        "SET statement_timeout = 0; SET synchronous_commit = off;
         INSERT INTO institutions (id, slug, name, timezone, status, settled, shard_id, epoch, map_version, retry_at)
         SELECT id, 'bench-' || row_number() OVER (), 'An institution', 'UTC', 'active', true, shard_id, 1, 1, now()
         FROM bench_homes;
         DROP TABLE bench_homes; ANALYZE institutions, shards",
    )
    .await?;
    let gap = "UPDATE map_head SET version = version + 2 RETURNING version";
    Ok(postgres::sql(dsn, gap).await?.parse()?)
}

/// Adds shards as rows; nobody answers at their addresses.
async fn shards(dsn: &str, numbers: std::ops::Range<u32>, state: &str) -> anyhow::Result<()> {
    let (from, to) = (numbers.start, numbers.end);
    let statement = format!(
        "INSERT INTO shards (id, state, weight, primary_dsn, replica_dsns, redis_nodes, schema_wanted, schema_version)
         SELECT 'sim-' || lpad(n::text, 4, '0'), '{state}', 1, 'postgres://nobody@127.0.0.1:1/none', '{{}}', '{{}}',
             schema_wanted, schema_wanted
         FROM generate_series({from}, {to} - 1) n, shards WHERE shards.id = 'shard-a'"
    );
    postgres::sql(dsn, &statement).await.map(|_| ())
}

/// The name of a simulated shard.
pub(super) fn simulated(number: u32) -> String {
    format!("sim-{number:04}")
}
