//! The relay: goes after what committed transactions left, institution by institution.
//!
//! What must stay true:
//! - It takes no input: it asks `work_ready` which institutions have something due, and does one round.
//! - Cache generations are raised *before* the mark commits: a relay that dies between does it again.
//! - Without a lease it rests: the database may be one that was deposed, or an older copy.
//! - Whatever it does can be done twice, by several nodes at once.

use std::sync::Arc;
use std::time::Duration;

use shard_map::InstitutionId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::node::Node;
use crate::store::{TenantTx, idempotency, outbox};
use crate::tenancy::Verdict;

const EVERY: Duration = Duration::from_secs(1);
const INSTITUTIONS_A_ROUND: i32 = 100;

/// Runs rounds until `stop`.
pub async fn run(node: Arc<Node>, pool: PgPool, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if node.ownership.lease.holds()
            && let Err(error) = round(&node, &pool).await
        {
            tracing::warn!(error = %error, "A relay round failed and will be repeated");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// One round over the institutions that have something due.
///
/// # Errors
/// When the primary cannot be asked which they are.
pub async fn round(node: &Node, pool: &PgPool) -> Result<(), Error> {
    let ready = sqlx::query_scalar!(
        r#"SELECT institution_id AS "institution_id!" FROM work_ready($1)"#,
        INSTITUTIONS_A_ROUND
    )
    .fetch_all(pool)
    .await?;
    for institution in ready.into_iter().map(InstitutionId::new) {
        if let Err(error) = relay(node, pool, institution).await {
            tracing::warn!(institution = %institution, error = %error, "An institution was not relayed");
        }
    }
    Ok(())
}

async fn relay(node: &Node, pool: &PgPool, institution: InstitutionId) -> Result<(), Error> {
    let Verdict::Serve { epoch, .. } = node.ownership.verdict(institution) else { return Ok(()) };
    let mut tx = TenantTx::begin(pool, institution).await?;
    let stale = outbox::take_due(&mut tx).await?;
    if !node.cache.invalidate(institution, epoch, &stale).await {
        return tx.rollback().await;
    }
    idempotency::delete_expired(&mut tx).await?;
    tx.commit().await
}
