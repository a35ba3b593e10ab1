//! One batch of numbers. The argument for it stands at the head of [`super`].

use shard_map::InstitutionId;
use sqlx::PgPool;

use super::chain::GENESIS;
use super::order::ordered;
use super::store::{self, Head, Written};
use crate::domain::webhooks;
use crate::error::Error;
use crate::jobs::Registry;
use crate::store::TenantTx;

/// Events of one batch; with those that must come before them at most twice as many. A fence waits for the
/// transaction, so it is short.
pub const BATCH: i64 = 500;

/// What came of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbered {
    /// What got numbers.
    Some {
        /// So many events; none where none was without a number.
        events: usize,
        /// So many deliveries to webhooks were written with them.
        deliveries: usize,
    },
    /// Another one has the turn.
    Busy,
}

/// Numbers a batch of an institution's events, and writes what is to be delivered of them to its webhooks.
///
/// # Errors
/// As [`TenantTx::begin`], and when the database fails. Nothing was numbered then.
pub async fn number(
    pool: &PgPool,
    registry: &Registry,
    institution: InstitutionId,
    batch: i64,
) -> Result<Numbered, Error> {
    let mut tx = TenantTx::begin(pool, institution).await?;
    if !store::take_turn(&mut tx).await? {
        tx.rollback().await?;
        return Ok(Numbered::Busy);
    }
    // Each a statement after the turn was taken: with a snapshot that has what the one before left.
    let head = store::head(&mut tx).await?;
    let events = ordered(store::take(&mut tx, batch).await?);
    if events.is_empty() {
        tx.rollback().await?;
        return Ok(Numbered::Some { events: 0, deliveries: 0 });
    }
    let first = head.map_or(1, |head| head.seq + 1);
    link(&mut tx, head, first, &events).await?;
    let deliveries = webhooks::fan_out(&mut tx, registry, &events).await?;
    tx.commit().await?;
    Ok(Numbered::Some { events: events.len(), deliveries })
}

async fn link(
    tx: &mut TenantTx,
    head: Option<Head>,
    first: i64,
    events: &[Written],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let mut hash = head.map_or(GENESIS, |head| head.hash);
    let mut hashes = Vec::with_capacity(events.len());
    for (seq, event) in (first..).zip(events) {
        hash = hash.then(&event.fields(institution, seq));
        hashes.push(hash.0.to_vec());
    }
    let ids: Vec<_> = events.iter().map(|event| event.id).collect();
    store::set_numbers(tx, &ids, first, &hashes).await?;
    let count = i64::try_from(events.len()).map_err(|error| Error::Defect(error.to_string()))?;
    store::set_head(tx, Head { seq: first + count - 1, hash }).await
}
