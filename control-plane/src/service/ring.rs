//! Changes of the ring: which shards stand in it, and with what weight.
//!
//! What must stay true: in the transaction that changes the ring every exception is what the ring asks for.
//! Exceptions of a large directory are computed before the head is locked; inside, only for what changed since.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use shard_map::{Entries, InstitutionId, MapShard, MapVersion, Removal, Ring, ShardId, ShardState};
use sqlx::{Connection, PgConnection};

use super::Platform;
use super::planning::nobody_pinned;
use crate::error::Error;
use crate::model::ring_change::{Placed, flips};
use crate::store::journal::{Actor, Note};
use crate::store::map_head::{self, Change, MapTx};
use crate::store::{directory, pins, shards};

/// Tries before a ring that others keep changing is left for later.
const TRIES: u32 = 5;

/// What is to become of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingEdit {
    /// A joining one enters the ring.
    Activate,
    /// Its share changes.
    Reweight(u32),
    /// It leaves the ring; what it has stays until a plan moves it.
    Drain,
}

impl RingEdit {
    /// The shard as it is to be; none if there is nothing to change.
    fn applied_to(self, shard: &MapShard) -> Option<MapShard> {
        match self {
            Self::Activate if shard.state == ShardState::Joining => {
                Some(MapShard { state: ShardState::Active, ..shard.clone() })
            }
            Self::Reweight(weight) if shard.weight != weight => {
                Some(MapShard { weight, ..shard.clone() })
            }
            Self::Drain if shard.state != ShardState::Draining => {
                Some(MapShard { state: ShardState::Draining, ..shard.clone() })
            }
            Self::Activate | Self::Reweight(_) | Self::Drain => None,
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Activate => "shard.activated",
            Self::Reweight(_) => "shard.reweighted",
            Self::Drain => "shard.draining",
        }
    }
}

/// The ring of the shards that stand in it.
pub(super) fn ring_of(shards: &[MapShard]) -> Ring {
    let active = shards.iter().filter(|shard| shard.state == ShardState::Active);
    Ring::new(active.map(|shard| (shard.id.clone(), shard.weight)))
}

/// What was computed before the head was locked.
struct Draft {
    version: MapVersion,
    before: Vec<MapShard>,
    shard: MapShard,
    ring: Arc<Ring>,
    flips: Vec<Placed>,
}

impl Platform {
    /// The shard that must stand in the map for an institution that lives on `shard`; none where the ring says so.
    pub fn exception(
        &self,
        all: &[shards::ShardRow],
        institution: InstitutionId,
        shard: &ShardId,
    ) -> Option<ShardId> {
        let all: Vec<_> = all.iter().map(shards::ShardRow::for_map).collect();
        // The map in memory has the ring made already; the database says whether it is that ring.
        let latest = self.feed.latest();
        if latest.map().shards().eq(all.iter()) {
            return latest.map().ring().exception(institution, shard).cloned();
        }
        ring_of(&all).exception(institution, shard).cloned()
    }

    /// Changes one shard's place in the ring. Answers false if there was nothing to change.
    pub async fn change_ring(
        &self,
        shard: &ShardId,
        edit: RingEdit,
        actor: &Actor,
        notes: &[Note],
    ) -> Result<bool, Error> {
        for _ in 0..TRIES {
            let Some(draft) = self.draft(shard, edit).await? else { return Ok(false) };
            if self.publish_draft(draft, edit, actor, notes).await? {
                self.published();
                return Ok(true);
            }
        }
        Err(Error::Unavailable {
            code: "ring-busy",
            detail: format!("the ring changed {TRIES} times meanwhile; nothing was changed"),
        })
    }

    async fn draft(&self, id: &ShardId, edit: RingEdit) -> Result<Option<Draft>, Error> {
        let mut connection = self.pool.acquire().await?;
        let mut tx =
            connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let version = map_head::head(&mut tx).await?.version;
        let before = map_shards(&mut tx).await?;
        let old = before.iter().find(|shard| shard.id == *id);
        let old = old.ok_or_else(|| Error::not_found("shard", id))?;
        let Some(shard) = edit.applied_to(old) else { return Ok(None) };
        let directory = directory::placed_after(&mut tx, MapVersion(0)).await?;
        tx.rollback().await?;
        drop(connection);
        let after: Vec<_> = before
            .iter()
            .map(|old| if old.id == shard.id { shard.clone() } else { old.clone() })
            .collect();
        if has_ring(&before) && !has_ring(&after) {
            return Err(no_ring_left(id));
        }
        let compute = move || {
            let ring = ring_of(&after);
            let flips = flips(&ring, directory);
            (ring, flips)
        };
        let (ring, flips) = tokio::task::spawn_blocking(compute)
            .await
            .map_err(|error| Error::Corrupt(format!("a ring that cannot be computed: {error}")))?;
        Ok(Some(Draft { version, before, shard, ring: Arc::new(ring), flips }))
    }

    /// Answers false if the ring is not the draft's any more.
    async fn publish_draft(
        &self,
        draft: Draft,
        edit: RingEdit,
        actor: &Actor,
        notes: &[Note],
    ) -> Result<bool, Error> {
        let mut tx = MapTx::open(&self.pool).await?;
        if map_shards(tx.connection()).await? != draft.before {
            return Ok(false);
        }
        if edit == RingEdit::Drain {
            nobody_pinned(&draft.shard.id, &pins::on(tx.connection(), &draft.shard.id).await?)?;
        }
        let changed = directory::placed_after(tx.connection(), draft.version).await?;
        let mut flipped: HashMap<_, _> = draft.flips.into_iter().map(|row| (row.id, row)).collect();
        for row in &changed {
            flipped.remove(&row.id);
        }
        flipped.extend(flips(&draft.ring, changed).into_iter().map(|row| (row.id, row)));
        let flipped: Vec<_> = flipped.into_values().collect();
        if !flipped.is_empty() {
            directory::set_off_ring(tx.connection(), &flipped).await?;
        }
        shards::update_ring(tx.connection(), &draft.shard).await?;
        let subject = draft.shard.id.to_string();
        let detail = json!({"weight": draft.shard.weight, "state": draft.shard.state});
        let (mut set, mut remove) = (Entries::default(), Removal::default());
        let was_active = draft
            .before
            .iter()
            .any(|shard| shard.id == draft.shard.id && shard.state == ShardState::Active);
        // A joining shard's weight is in the map, but not yet in the ring.
        let placement = was_active || draft.shard.state == ShardState::Active;
        set.shards.push(draft.shard);
        for row in flipped {
            if row.off_ring {
                set.exceptions.push((row.id, row.shard));
            } else {
                remove.exceptions.push(row.id);
            }
        }
        set.exceptions.sort_unstable();
        remove.exceptions.sort_unstable();
        let mut notes = notes.to_vec();
        notes.push(Note::event(edit.kind(), &subject, detail));
        if !set.exceptions.is_empty() {
            // Offered, never begun by itself.
            let detail = json!({"offRing": set.exceptions.len(), "next": "lxp rebalance plan"});
            notes.push(Note::event("rebalance.offered", &subject, detail));
        }
        let change = Change { kind: edit.kind(), subject, placement, set, remove };
        tx.publish(change, actor, &notes).await?;
        Ok(true)
    }
}

/// Whether the ring gives anybody to anybody.
fn has_ring(shards: &[MapShard]) -> bool {
    shards.iter().any(|shard| shard.state == ShardState::Active && shard.weight > 0)
}

fn no_ring_left(shard: &ShardId) -> Error {
    Error::conflict(
        "last-shard",
        format!(
            "without `{shard}` the ring would be empty: add a shard first (lxp shard add), or give another one weight"
        ),
    )
}

async fn map_shards(connection: &mut PgConnection) -> Result<Vec<MapShard>, Error> {
    Ok(shards::all(connection).await?.iter().map(shards::ShardRow::for_map).collect())
}
