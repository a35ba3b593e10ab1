//! Shards: migrated as far as was asked for, and active once they are migrated and have a node that is up.
//!
//! A migration may take minutes: each runs in a task of its own, and holds up no other shard. Two control
//! planes that migrate one database wait for each other on that database's own lock.

use std::collections::HashSet;

use serde_json::json;
use shard_map::ShardId;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{EVERY, Trouble};
use crate::error::Error;
use crate::service::Platform;
use crate::service::ring::RingEdit;
use crate::shard_db::{migrate, newest_migration};
use crate::store::journal::{self, Actor, Note};
use crate::store::shards::{self, ShardRow};

/// Runs until `stop` is cancelled. A migration that is in progress is left: the database ends it either way.
pub(super) async fn run(platform: Platform, stop: CancellationToken) {
    let mut trouble = Trouble::new("shards");
    let mut migrating: HashSet<ShardId> = HashSet::new();
    let mut migrations: JoinSet<(ShardId, Result<(), Error>)> = JoinSet::new();
    loop {
        trouble.note(start_due(&platform, &mut migrating, &mut migrations).await);
        trouble.note(activate_ready(&platform).await);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
            () = platform.wake.notified() => {}
            Some(done) = migrations.join_next() => match done {
                Ok((shard, done)) => {
                    migrating.remove(&shard);
                    trouble.note(done);
                }
                Err(error) => {
                    // Which one is not known: the next look starts whatever is still due.
                    migrating.clear();
                    tracing::error!(error = %error, "A migration's task ended badly");
                }
            },
        }
    }
}

async fn start_due(
    platform: &Platform,
    migrating: &mut HashSet<ShardId>,
    migrations: &mut JoinSet<(ShardId, Result<(), Error>)>,
) -> Result<(), Error> {
    let mut connection = platform.pool.acquire().await?;
    let all = shards::all(&mut connection).await?;
    drop(connection);
    for shard in all {
        // A control plane of an older build cannot apply what a newer one was asked for.
        let can = shard.schema_wanted <= newest_migration();
        if shard.due && can && !shard.is_migrated() && migrating.insert(shard.id.clone()) {
            let platform = platform.clone();
            migrations.spawn(async move { (shard.id.clone(), apply(&platform, &shard).await) });
        }
    }
    Ok(())
}

/// Migrates one shard's database, and records how that went.
async fn apply(platform: &Platform, shard: &ShardRow) -> Result<(), Error> {
    let migrated = migrate(&shard.primary).await;
    let mut tx = platform.pool.begin().await?;
    match migrated {
        Ok(version) => {
            shards::migrated(&mut tx, shard, version).await?;
            let detail = json!({"from": shard.schema_version, "to": version});
            let notes = [Note::event("shard.migrated", &shard.id, detail)];
            journal::write(&mut tx, &Actor::reconciler(), &notes).await?;
            tracing::info!(shard.id = %shard.id, schema.version = version, "A shard is migrated");
        }
        Err(error) => {
            let why = error.to_string();
            shards::failed(&mut tx, shard, &why).await?;
            tracing::warn!(
                shard.id = %shard.id,
                error = %why,
                tries = shard.tries + 1,
                "A shard's database could not be migrated; trying again"
            );
        }
    }
    tx.commit().await?;
    platform.wake.notify_waiters();
    Ok(())
}

/// Lets shards enter the ring that wait for nothing more.
async fn activate_ready(platform: &Platform) -> Result<(), Error> {
    let mut connection = platform.pool.acquire().await?;
    let ready = shards::ready_to_join(&mut connection).await?;
    drop(connection);
    for shard in ready {
        let actor = Actor::reconciler();
        if platform.change_ring(&shard, RingEdit::Activate, &actor, &[]).await? {
            tracing::info!(shard.id = %shard, "A shard entered the ring");
        }
    }
    Ok(())
}
