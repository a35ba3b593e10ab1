//! News between the nodes of a shard: invalidations that could not be brought to Redis.
//!
//! What must stay true: a change whose invalidation failed is told to every node through Postgres before it is
//! acknowledged; each forgets what it holds and, if Redis answers it, raises the generation there. So a node cut
//! off from Redis leaves the others behind by milliseconds. A node that does not hear (the connection is away)
//! does not believe Redis (`redis::health`); the relay is the net below.
//!
//! `NOTIFY` goes out on its own, never inside a tenant's transaction: it would serialise all commits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shard_map::{Epoch, InstitutionId};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Cache;
use crate::node::Node;

const CHANNEL: &str = "lxp_cache_stale";

/// How long a change may wait until its news is out.
const DEADLINE: Duration = Duration::from_millis(500);

const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
const CONNECT_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Serialize, Deserialize)]
struct News {
    institution: InstitutionId,
    epoch: Epoch,
    entities: BTreeSet<String>,
}

/// Tells every node that entities of an institution are stale.
pub(super) async fn send<E: AsRef<str>>(
    pool: &PgPool,
    institution: InstitutionId,
    epoch: Epoch,
    entities: &BTreeSet<E>,
) {
    let entities = entities.iter().map(|entity| entity.as_ref().to_owned()).collect();
    let Ok(news) = serde_json::to_string(&News { institution, epoch, entities }) else { return };
    let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(news).execute(pool);
    if !matches!(timeout(DEADLINE, notify).await, Ok(Ok(_))) {
        tracing::warn!(institution = %institution, "Other nodes were not told of a change; the relay will");
    }
}

/// Hears the news until `stop`.
pub async fn listen(node: Arc<Node>, pool: PgPool, stop: CancellationToken) {
    let cache = &node.cache;
    while !stop.is_cancelled() {
        if let Some(listener) = connect(&pool).await {
            cache.redis().listening(true);
            tokio::select! {
                () = stop.cancelled() => {}
                () = hear(cache, listener) => {}
            }
            cache.redis().listening(false);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(CONNECT_EVERY) => {}
        }
    }
}

async fn connect(pool: &PgPool) -> Option<PgListener> {
    let connect = async {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    timeout(CONNECT_DEADLINE, connect).await.ok()?.ok()
}

/// Ends when the connection does.
async fn hear(cache: &Cache, mut listener: PgListener) {
    while let Ok(Some(notification)) = listener.try_recv().await {
        match serde_json::from_str::<News>(notification.payload()) {
            Ok(news) => {
                cache.raise_all(news.institution, news.epoch, &news.entities).await;
            }
            Err(error) => tracing::warn!(error = %error, "Unreadable news of another node"),
        }
    }
}
