//! The relay: goes after what committed transactions left, institution by institution.
//!
//! What must stay true:
//! - It takes no input: it asks `work_ready` which institutions have something due, and does one round.
//! - Cache generations are raised *before* the mark commits: a relay that dies between does it again.
//! - Without a lease it rests: the database may be one that was deposed, or an older copy.
//! - Redis is believed again only after a round that was told of everybody and left nothing, what others hold included:
//!   they may fail, or be at something else. Fewer institutions than were asked for are all there are.
//! - Whatever it does can be done twice, by several nodes at once.

use std::sync::Arc;
use std::time::Duration;

use shard_map::InstitutionId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::node::Node;
use crate::store::{TenantTx, idempotency, outbox};

const EVERY: Duration = Duration::from_secs(1);
const INSTITUTIONS_A_ROUND: i32 = 100;
/// Rounds from one look for keys that are past their time to the next.
const ROUNDS_A_SWEEP: u64 = 60;

/// Batches of one institution in one round at most.
const BATCHES_A_ROUND: u32 = 20;

/// Runs rounds until `stop`.
pub async fn run(node: Arc<Node>, pool: PgPool, stop: CancellationToken) {
    for number in 0_u64.. {
        if stop.is_cancelled() {
            return;
        }
        if node.ownership.lease.holds() {
            if let Err(error) = round(&node, &pool).await {
                tracing::warn!(error = %error, "A relay round failed and will be repeated");
            }
            if number.is_multiple_of(ROUNDS_A_SWEEP)
                && let Err(error) = sweep(&node, &pool).await
            {
                tracing::warn!(error = %error, "Old keys were not deleted and will be");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// One round over the institutions that have something due. One that leaves nothing behind makes Redis
/// believed again after an outage. While Redis is away nothing is taken: another node may reach it.
///
/// # Errors
/// When the primary cannot be asked which they are.
pub async fn round(node: &Node, pool: &PgPool) -> Result<(), Error> {
    if !node.cache.redis().is_reachable() {
        return Ok(());
    }
    let ticket = node.cache.redis().ticket();
    let ready = sqlx::query_scalar!(
        r#"SELECT institution_id AS "institution_id!" FROM work_ready($1, 'relay')"#,
        INSTITUTIONS_A_ROUND
    )
    .fetch_all(pool)
    .await?;
    let mut complete = ready.len() < INSTITUTIONS_A_ROUND.unsigned_abs() as usize;
    for institution in ready.into_iter().map(InstitutionId::new) {
        match relay_all(node, pool, institution).await {
            Ok(done) => complete &= done,
            // It is served elsewhere, under another epoch and so under other keys.
            Err(Error::NotOwner(_)) => {}
            Err(error) => {
                complete = false;
                tracing::warn!(institution = %institution, error = %error, "An institution was not relayed");
            }
        }
    }
    if let Some(ticket) = ticket.filter(|_| complete) {
        node.cache.redis().settle(ticket);
    }
    Ok(())
}

/// Deletes keys that are past their time, of institutions that have such; a batch of each.
///
/// # Errors
/// When the primary cannot be asked which they are.
pub async fn sweep(node: &Node, pool: &PgPool) -> Result<(), Error> {
    let ready = sqlx::query_scalar!(
        r#"SELECT institution_id AS "institution_id!" FROM work_ready($1, 'keys')"#,
        INSTITUTIONS_A_ROUND
    )
    .fetch_all(pool)
    .await?;
    for institution in ready.into_iter().map(InstitutionId::new) {
        if node.ownership.held(institution).is_none() {
            continue;
        }
        let swept = async {
            let mut tx = TenantTx::begin(pool, institution).await?;
            idempotency::delete_expired(&mut tx).await?;
            tx.commit().await
        };
        match swept.await {
            Ok(()) | Err(Error::NotOwner(_)) => {}
            Err(error) => {
                tracing::warn!(institution = %institution, error = %error, "Old keys of an institution were not deleted");
            }
        }
    }
    Ok(())
}

/// Batch after batch; answers whether nothing due is left.
async fn relay_all(node: &Node, pool: &PgPool, institution: InstitutionId) -> Result<bool, Error> {
    for _ in 0..BATCHES_A_ROUND {
        match relay(node, pool, institution).await? {
            Batch::Raised => {}
            Batch::Empty => return Ok(true),
            Batch::Refused | Batch::Held => return Ok(false),
        }
    }
    Ok(false)
}

/// What came of a batch.
enum Batch {
    /// Generations were raised, and the events are marked.
    Raised,
    /// Nothing was due.
    Empty,
    /// All that is due is held by others: by the sequencer, or by another node's relay, which may fail.
    Held,
    /// Redis took none of it.
    Refused,
}

/// One batch.
async fn relay(node: &Node, pool: &PgPool, institution: InstitutionId) -> Result<Batch, Error> {
    // A suspended one is not served, but comes back with the same keys.
    let Some(epoch) = node.ownership.held(institution) else { return Ok(Batch::Empty) };
    let mut tx = TenantTx::begin(pool, institution).await?;
    let (taken, stale) = outbox::take_due(&mut tx).await?;
    if taken == 0 {
        let batch = if outbox::is_due(&mut tx).await? { Batch::Held } else { Batch::Empty };
        tx.rollback().await?;
        return Ok(batch);
    }
    if !node.cache.raise_all(institution, epoch, &stale).await {
        tx.rollback().await?;
        return Ok(Batch::Refused);
    }
    tx.commit().await?;
    Ok(Batch::Raised)
}
