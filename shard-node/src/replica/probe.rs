//! Asks each replica every 500 ms whom it follows and how far it is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Replica, Replicas, Standing, lock};
use crate::store::Position;

const EVERY: Duration = Duration::from_millis(500);
const DEADLINE: Duration = Duration::from_secs(1);

/// Probes every replica until `stop`.
pub fn watch(replicas: &Replicas, stop: &CancellationToken) {
    for replica in &replicas.all {
        tokio::spawn(probe_again_and_again(replica.clone(), stop.clone()));
    }
}

async fn probe_again_and_again(replica: Arc<Replica>, stop: CancellationToken) {
    let mut connection = None;
    let mut reported = false;
    while !stop.is_cancelled() {
        // Cut off in the middle, its connection is gone.
        let found = timeout(DEADLINE, probe(&replica, connection.take())).await;
        if let Ok(Ok((standing, used))) = found {
            connection = Some(used);
            *lock(&replica.standing) = standing;
            reported = false;
        } else {
            replica.failed();
            if !reported {
                tracing::warn!("A replica does not answer; its reads go to the primary");
            }
            reported = true;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(EVERY) => {}
        }
    }
}

/// No standing where it is no replica (any more).
async fn probe(
    replica: &Replica,
    connection: Option<PgConnection>,
) -> sqlx::Result<(Option<Standing>, PgConnection)> {
    let mut connection = match connection {
        Some(connection) => connection,
        None => PgConnection::connect_with(&replica.pool.connect_options()).await?,
    };
    // Its timeline is that of its last restart point: after a failover it counts as another one's for a while.
    let found = sqlx::query!(
        r#"SELECT s.system_identifier AS "system!", c.timeline_id AS "timeline!",
                  CASE WHEN pg_is_in_recovery()
                       THEN (pg_last_wal_replay_lsn() - '0/0')::bigint END AS replayed
           FROM pg_control_system() s, pg_control_checkpoint() c"#
    )
    .fetch_one(&mut connection)
    .await?;
    let standing = found.replayed.and_then(|replayed| {
        let timeline = u32::try_from(found.timeline).ok()?;
        let replayed = Position { timeline, lsn: u64::try_from(replayed).ok()? };
        Some(Standing { at: Instant::now(), system: found.system, replayed })
    });
    Ok((standing, connection))
}
