//! Moves as people see them: listed, shown, given up. Plans begin them, `operation` carries them out.

use control_api::Move;
use serde_json::json;
use shard_map::{InstitutionId, MovePhase};
use uuid::Uuid;

use super::Platform;
use crate::error::Error;
use crate::store::journal::{self, Actor, Note};
use crate::store::moves;

impl Platform {
    /// Moves, the newest first; of one institution, or those under way alone.
    pub async fn moves(
        &self,
        institution: Option<InstitutionId>,
        active: bool,
        limit: i64,
    ) -> Result<Vec<Move>, Error> {
        let mut connection = self.pool.acquire().await?;
        moves::list(&mut connection, institution, active, limit).await
    }

    /// One move.
    pub async fn one_move(&self, id: Uuid) -> Result<Move, Error> {
        let mut connection = self.pool.acquire().await?;
        let row = moves::find(&mut connection, id).await?;
        row.map(|row| row.shown).ok_or_else(|| Error::not_found("move", &id))
    }

    /// Asks for a move to be given up. Asking twice does no harm; one that is committed goes on.
    pub async fn cancel_move(&self, actor: &Actor, id: Uuid) -> Result<Move, Error> {
        let it = self.one_move(id).await?;
        let is_committed = matches!(it.phase, MovePhase::Cleaning | MovePhase::Done);
        if it.phase == MovePhase::Aborted || (it.cancel_reason.is_some() && !is_committed) {
            return Ok(it);
        }
        let why = format!("cancelled by {}", actor.name);
        let mut tx = self.pool.begin().await?;
        if !moves::cancel(&mut tx, id, &why).await? {
            let Move { institution, from, to, .. } = it;
            return Err(Error::conflict(
                "move-committed",
                format!(
                    "{to} has institution {institution} already; back is another move, to {from}"
                ),
            ));
        }
        let detail = json!({"institution": it.institution, "from": it.from, "to": it.to});
        let notes = [
            Note::audit("move.cancel", &id, detail.clone()),
            Note::event("move.cancel-requested", &id, detail),
        ];
        journal::write(&mut tx, actor, &notes).await?;
        tx.commit().await?;
        self.wake.notify_waiters();
        self.one_move(id).await
    }
}
