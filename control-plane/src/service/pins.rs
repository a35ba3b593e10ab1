//! Pins: where a person wants an institution, whatever the ring says. Plans go by them; nothing moves by itself.
//!
//! What must stay true: a pin names an active shard. It is set under the map's head, as a shard is drained.

use control_api::{Institution, Pin};
use serde_json::json;
use shard_map::{InstitutionId, InstitutionStatus, ShardId};

use super::Platform;
use super::plans::is_active;
use super::ring::RingEdit;
use crate::error::Error;
use crate::store::journal::{Actor, Note};
use crate::store::map_head::MapTx;
use crate::store::{directory, pins, shards};

impl Platform {
    /// Pins an institution, where it lives unless another shard is named. Asking twice does no harm.
    ///
    /// With `alone` the shard leaves the ring after that: a crash in between leaves a pin, and asking again goes on.
    pub async fn pin(
        &self,
        actor: &Actor,
        id: InstitutionId,
        pin: &Pin,
    ) -> Result<Institution, Error> {
        let mut tx = MapTx::open(&self.pool).await?;
        let row = directory::find(tx.connection(), id).await?;
        let before = row.ok_or_else(|| Error::not_found("institution", &id))?.institution;
        if before.status == InstitutionStatus::Creating {
            let detail = "it is still being created; try again when its status is `active`";
            return Err(Error::conflict("institution-creating", detail));
        }
        let to = pin.shard.clone().unwrap_or_else(|| before.shard.clone());
        let shard = shards::find(tx.connection(), &to).await?;
        let shard = shard.ok_or_else(|| Error::not_found("shard", &to))?;
        is_active(&to, Some(shard.state))?;
        if pin.alone {
            let others = pins::on(tx.connection(), &to).await?;
            nobody_else(&to, id, &others)?;
        }
        if before.pinned.as_ref() == Some(&to) {
            drop(tx);
        } else {
            pins::set(tx.connection(), id, Some(&to)).await?;
            let detail = json!({"shard": to, "alone": pin.alone});
            let notes = [
                Note::audit("institution.pin", &id, detail.clone()),
                Note::event("institution.pinned", &id, detail),
            ];
            tx.commit_unpublished(actor, &notes).await?;
        }
        if pin.alone {
            let audit = [Note::audit("shard.reweight", &to, json!({"weight": 0, "for": id}))];
            self.change_ring(&to, RingEdit::Reweight(0), actor, &audit).await?;
        }
        Ok(Institution { pinned: Some(to), ..before })
    }

    /// Lets the ring decide again. Asking twice does no harm.
    pub async fn unpin(&self, actor: &Actor, id: InstitutionId) -> Result<Institution, Error> {
        let mut tx = MapTx::open(&self.pool).await?;
        let row = directory::find(tx.connection(), id).await?;
        let before = row.ok_or_else(|| Error::not_found("institution", &id))?.institution;
        if let Some(from) = &before.pinned {
            pins::set(tx.connection(), id, None).await?;
            let detail = json!({"shard": from});
            let notes = [
                Note::audit("institution.unpin", &id, detail.clone()),
                Note::event("institution.unpinned", &id, detail),
            ];
            tx.commit_unpublished(actor, &notes).await?;
        }
        Ok(Institution { pinned: None, ..before })
    }
}

fn nobody_else(
    shard: &ShardId,
    id: InstitutionId,
    pinned: &[(InstitutionId, String)],
) -> Result<(), Error> {
    let Some((_, other)) = pinned.iter().find(|(other, _)| *other != id) else { return Ok(()) };
    let detail = format!(
        "`{other}` is pinned to `{shard}` too: nobody could be alone there. Unpin it, or name another shard"
    );
    Err(Error::conflict("institutions-pinned", detail))
}
