//! Shards: added, changed, shown, migrated.

use std::collections::{BTreeMap, BTreeSet};

use control_api::{NewShard, Shard, ShardChange};
use serde_json::json;
use shard_map::{Entries, InstitutionId, MapShard, Removal, ShardId, ShardMap, ShardState};

use super::Platform;
use super::ring::RingEdit;
use crate::error::Error;
use crate::model::validate;
use crate::shard_db::newest_migration;
use crate::store::journal::{self, Actor, Note};
use crate::store::map_head::{Change, MapTx};
use crate::store::{pins, shards};

impl Platform {
    /// Adds a shard as joining. Answers whether it is new; the same again is harmless.
    pub async fn add_shard(&self, actor: &Actor, new: &NewShard) -> Result<(Shard, bool), Error> {
        let wrong = validate::shard(new);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let mut tx = MapTx::open(&self.pool).await?;
        if let Some(known) = shards::find(tx.connection(), &new.id).await? {
            drop(tx);
            return if known.is_same_as(new) {
                Ok((self.shard(&new.id).await?, false))
            } else {
                Err(Error::conflict(
                    "shard-exists",
                    format!(
                        "shard `{}` exists with other settings; change it with PATCH /v1/shards/{}",
                        new.id, new.id
                    ),
                ))
            };
        }
        shards::insert(tx.connection(), new, newest_migration()).await?;
        let (id, weight) = (new.id.clone(), new.weight);
        let detail = json!({"weight": weight, "replicas": new.postgres.replicas.len(), "redis": new.redis.len()});
        let notes = [
            Note::audit("shard.add", &id, detail.clone()),
            Note::event("shard.added", &id, detail),
        ];
        let mut set = Entries::default();
        set.shards.push(MapShard { id: id.clone(), state: ShardState::Joining, weight });
        let change = Change {
            kind: "shard.added",
            subject: id.to_string(),
            placement: false,
            set,
            remove: Removal::default(),
        };
        tx.publish(change, actor, &notes).await?;
        self.published();
        Ok((self.shard(&id).await?, true))
    }

    /// Changes a shard's addresses and its share of the ring.
    pub async fn change_shard(
        &self,
        actor: &Actor,
        id: &ShardId,
        change: &ShardChange,
    ) -> Result<Shard, Error> {
        let wrong = validate::shard_change(change);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        if change.postgres.is_some() || change.redis.is_some() {
            self.change_addresses(actor, id, change).await?;
        }
        if let Some(capacity) = change.capacity {
            let mut tx = MapTx::open(&self.pool).await?;
            let known = shards::find(tx.connection(), id).await?;
            known.ok_or_else(|| Error::not_found("shard", id))?;
            let most = (capacity > 0).then_some(capacity);
            shards::update_capacity(tx.connection(), id, most).await?;
            let notes = [Note::audit("shard.capacity", id, json!({"capacity": most}))];
            tx.commit_unpublished(actor, &notes).await?;
        }
        if let Some(weight) = change.weight {
            let audit = [Note::audit("shard.reweight", id, json!({"weight": weight}))];
            self.change_ring(id, RingEdit::Reweight(weight), actor, &audit).await?;
        }
        self.shard(id).await
    }

    async fn change_addresses(
        &self,
        actor: &Actor,
        id: &ShardId,
        change: &ShardChange,
    ) -> Result<(), Error> {
        // The head is locked so that two changes of one shard do not mix; the map does not hold addresses.
        let mut tx = MapTx::open(&self.pool).await?;
        let known = shards::find(tx.connection(), id).await?;
        let known = known.ok_or_else(|| Error::not_found("shard", id))?;
        let postgres = change.postgres.as_ref();
        let primary = postgres.map_or(&known.primary, |new| &new.primary);
        let replicas = postgres.map_or(&known.replicas, |new| &new.replicas);
        let redis = change.redis.as_ref().unwrap_or(&known.redis);
        shards::update_addresses(tx.connection(), id, primary, replicas, redis).await?;
        let changed = json!({"postgres": postgres.is_some(), "redis": change.redis.is_some()});
        let notes = [Note::audit("shard.readdress", id, changed)];
        tx.commit_unpublished(actor, &notes).await?;
        self.wake.notify_waiters();
        Ok(())
    }

    /// Asks for the newest migrations on a shard's database; the reconciler applies them.
    pub async fn migrate_shard(&self, actor: &Actor, id: &ShardId) -> Result<Shard, Error> {
        let newest = newest_migration();
        let mut tx = self.pool.begin().await?;
        if !shards::want_schema(&mut tx, id, newest).await? {
            return Err(Error::not_found("shard", id));
        }
        let notes = [Note::audit("shard.migrate", id, json!({"schema": newest}))];
        journal::write(&mut tx, actor, &notes).await?;
        tx.commit().await?;
        self.wake.notify_waiters();
        self.shard(id).await
    }

    /// One shard.
    pub async fn shard(&self, id: &ShardId) -> Result<Shard, Error> {
        let all = self.shown(Some(id)).await?;
        all.into_iter().next().ok_or_else(|| Error::not_found("shard", id))
    }

    /// All shards.
    pub async fn shards(&self) -> Result<Vec<Shard>, Error> {
        self.shown(None).await
    }

    async fn shown(&self, only: Option<&ShardId>) -> Result<Vec<Shard>, Error> {
        let mut connection = self.pool.acquire().await?;
        let mut shown = shards::shown(&mut connection, only, newest_migration()).await?;
        let pinned = pins::all(&mut connection).await?;
        drop(connection);
        let misplaced = misplaced(self.feed.fresh().await.map(), &pinned);
        for shard in &mut shown {
            let (arriving, leaving) = misplaced.get(&shard.id).copied().unwrap_or_default();
            (shard.arriving, shard.leaving) = (arriving, leaving);
            shard.next = next(shard);
        }
        Ok(shown)
    }
}

/// How many institutions belong on a shard and live elsewhere, and the reverse: read off the map's exceptions, of which
/// pins are the other reason.
fn misplaced(
    map: &ShardMap,
    pinned: &[(InstitutionId, ShardId, ShardId)],
) -> BTreeMap<ShardId, (i64, i64)> {
    let mut misplaced: BTreeMap<ShardId, (i64, i64)> = BTreeMap::new();
    let mut one = |to: &ShardId, from: &ShardId| {
        misplaced.entry(to.clone()).or_default().0 += 1;
        misplaced.entry(from.clone()).or_default().1 += 1;
    };
    let pins: BTreeSet<_> = pinned.iter().map(|(id, ..)| *id).collect();
    for (id, home) in map.exceptions().filter(|(id, _)| !pins.contains(id)) {
        if let Some(owner) = map.ring().owner(id) {
            one(owner, home);
        }
    }
    for (_, home, pin) in pinned.iter().filter(|(_, home, pin)| home != pin) {
        one(pin, home);
    }
    misplaced
}

/// What an operator does next.
fn next(shard: &Shard) -> Option<String> {
    let id = &shard.id;
    match shard.state {
        ShardState::Active if shard.arriving + shard.leaving > 0 => {
            Some("lxp rebalance plan".to_owned())
        }
        ShardState::Draining if shard.institutions > 0 => {
            Some(format!("lxp shard drain {id}, or lxp shard undrain {id}"))
        }
        ShardState::Draining => Some(format!("lxp shard remove {id}")),
        ShardState::Joining | ShardState::Active => None,
    }
}
