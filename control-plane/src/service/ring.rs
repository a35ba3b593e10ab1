//! Changes of the ring: which shards stand in it, and with what weight.
//!
//! What must stay true: the version that changes the ring makes exceptions of exactly those whom it asks for.
//! They are computed before the head is locked, by looking at everybody; inside, only for what changed since. No
//! institution is written: the time under the lock does not depend on how many there are.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use shard_map::{InstitutionId, MapShard, MapVersion, Ring, ShardId, ShardState};
use sqlx::Connection;

use super::Platform;
use super::planning::nobody_pinned;
use super::removal::nobody_waits;
use crate::error::Error;
use crate::model::ring_change::{Flip, entries, flips};
use crate::store::journal::{Actor, Note};
use crate::store::map_head::{self, Change, MapTx};
use crate::store::{directory, pins, queue, shards};

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
    /// A joining one is not to enter it any more.
    Withdraw,
    /// A draining one stands in the ring again; one that never stood there goes on joining.
    Undrain {
        /// Whether it stood there.
        has_joined: bool,
    },
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
            Self::Withdraw if shard.state == ShardState::Joining => {
                Some(MapShard { state: ShardState::Draining, ..shard.clone() })
            }
            Self::Undrain { has_joined } if shard.state == ShardState::Draining => {
                let state = if has_joined { ShardState::Active } else { ShardState::Joining };
                Some(MapShard { state, ..shard.clone() })
            }
            Self::Activate
            | Self::Reweight(_)
            | Self::Drain
            | Self::Withdraw
            | Self::Undrain { .. } => None,
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Activate => "shard.activated",
            Self::Reweight(_) => "shard.reweighted",
            Self::Drain | Self::Withdraw => "shard.draining",
            Self::Undrain { .. } => "shard.undrained",
        }
    }
}

/// What was computed before the head was locked.
struct Draft {
    version: MapVersion,
    before: Vec<MapShard>,
    shard: MapShard,
    /// The ring as it is, and as it is to be.
    rings: (Arc<Ring>, Arc<Ring>),
    flips: HashMap<InstitutionId, Flip>,
}

impl Platform {
    /// The ring of these shards: the one in memory where it is still that one, else made from it.
    pub fn ring_of(&self, shards: &[MapShard]) -> Arc<Ring> {
        self.feed.latest().map().ring().with(MapShard::ring_members(shards))
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
        let before = shards::for_map(&mut tx).await?;
        let old = before.iter().find(|shard| shard.id == *id);
        let old = old.ok_or_else(|| Error::not_found("shard", id))?;
        let Some(shard) = edit.applied_to(old) else { return Ok(None) };
        let after: Vec<_> = before
            .iter()
            .map(|old| if old.id == shard.id { shard.clone() } else { old.clone() })
            .collect();
        if has_ring(&before) && !has_ring(&after) {
            return Err(no_ring_left(id));
        }
        let rings = (self.ring_of(&before), self.ring_of(&after));
        let mut found = HashMap::new();
        directory::each_home(&mut tx, |page| {
            found.extend(flips(&rings.0, &rings.1, page).map(|flip| (flip.placed.id, flip)));
        })
        .await?;
        tx.rollback().await?;
        Ok(Some(Draft { version, before, shard, rings, flips: found }))
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
        if shards::for_map(tx.connection()).await? != draft.before {
            return Ok(false);
        }
        if edit == RingEdit::Drain {
            nobody_pinned(&draft.shard.id, &pins::on(tx.connection(), &draft.shard.id).await?)?;
        }
        if matches!(edit, RingEdit::Undrain { .. }) {
            let (.., waiting) = queue::touching(tx.connection(), &draft.shard.id).await?;
            nobody_waits(&draft.shard.id, waiting)?;
        }
        let changed = directory::placed_after(tx.connection(), draft.version).await?;
        let mut flipped = draft.flips;
        for placed in &changed {
            flipped.remove(&placed.id);
        }
        let again = flips(&draft.rings.0, &draft.rings.1, changed);
        flipped.extend(again.map(|flip| (flip.placed.id, flip)));
        shards::update_ring(tx.connection(), &draft.shard).await?;
        let subject = draft.shard.id.to_string();
        let detail = json!({"weight": draft.shard.weight, "state": draft.shard.state});
        let (mut set, remove) = entries(flipped.into_values());
        let was_active = draft
            .before
            .iter()
            .any(|shard| shard.id == draft.shard.id && shard.state == ShardState::Active);
        // A joining shard's weight is in the map, but not yet in the ring.
        let placement = was_active || draft.shard.state == ShardState::Active;
        set.shards.push(draft.shard);
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
