//! Numbers and the chain of hashes over a move to another shard.

use serde_json::Value;
use shard_node::events;
use shard_node::store::TenantTx;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::Quiet;

/// Rows of a table as JSON, put into another shard as they are.
async fn carry(from: &mut PgConnection, to: &mut PgConnection, table: &str) {
    let read = format!("SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM {table} t");
    let rows: Value = sqlx::query_scalar(AssertSqlSafe(read)).fetch_one(from).await.expect("rows");
    let write =
        format!("INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, $1)");
    sqlx::query(AssertSqlSafe(write)).bind(rows).execute(to).await.expect("carried");
}

/// Some events have their numbers, some move without; the target's clock is behind.
#[tokio::test]
async fn numbers_and_the_chain_go_on_across_a_move() {
    let mut source = Quiet::open().await;
    for (thing, version, at_s) in [(1, 1, 10), (2, 1, 20)] {
        source.write(thing, version, at_s).await;
    }
    source.number(100).await;
    source.write(1, 2, 30).await;
    let mut target = Quiet::open().await;
    target.institution = source.institution;
    sqlx::query("SELECT institution_admit($1, 1, 'shard-t', 'moved', 'Moved', 'Europe/London')")
        .bind(source.institution.as_uuid())
        .execute(&mut target.shard.connect("lxp_owner").await)
        .await
        .expect("admitted");
    for table in ["outbox_events", "event_heads"] {
        carry(&mut source.superuser, &mut target.superuser, table).await;
    }
    target.write(1, 3, 5).await;
    target.number(100).await;
    target.write(2, 2, 1).await;
    target.number(100).await;
    assert_eq!(target.order().await, [(1, 1), (2, 1), (1, 2), (1, 3), (2, 2)]);
    let mut tx = TenantTx::begin(&target.pool, target.institution).await.expect("entered");
    let walk = events::verify::walk(&mut tx, 0, None, 100).await.expect("walked");
    tx.commit().await.expect("read");
    assert!(walk.ok && walk.complete, "{walk:?}");
    assert_eq!(walk.events, 5);
    source.close().await;
    target.close().await;
}
