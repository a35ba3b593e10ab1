//! A shard goes: drained, then removed; or comes back while it is drained.
//!
//! What must stay true: a shard is removed only from `draining` (one that never joined is drained by its removal), when
//! the directory gives it nobody, no move touches it or waits to, and its database holds no rows of anybody. Each refusal
//! says what stands against it and what to do.

use control_api::{Shard, ShardRemoval};
use serde_json::json;
use shard_map::{Entries, Removal, ShardId, ShardState};

use super::Platform;
use super::ring::RingEdit;
use crate::error::Error;
use crate::store::journal::{self, Actor, Note};
use crate::store::map_head::{Change, MapTx};
use crate::store::shards::ShardRow;
use crate::store::{history, queue, shards};

impl Platform {
    /// Takes a shard out of the ring. What it has stays there until a plan moves it.
    pub async fn drain_shard(&self, actor: &Actor, id: &ShardId) -> Result<Shard, Error> {
        let audit = [Note::audit("shard.drain", id, json!({}))];
        self.change_ring(id, RingEdit::Drain, actor, &audit).await?;
        self.shard(id).await
    }

    /// Puts a draining shard into the ring again. What has left it meanwhile comes back by a plan.
    pub async fn undrain_shard(&self, actor: &Actor, id: &ShardId) -> Result<Shard, Error> {
        let audit = [Note::audit("shard.undrain", id, json!({}))];
        let mut connection = self.pool.acquire().await?;
        let has_joined = history::has_joined(&mut connection, id).await?;
        drop(connection);
        let edit = RingEdit::Undrain { has_joined };
        let changed = self.change_ring(id, edit, actor, &audit).await?;
        // Whoever puts it into the ring again has its database.
        shards::note_database_lost(&mut *self.pool.acquire().await?, id, false).await?;
        let shard = self.shard(id).await?;
        if !changed && shard.state == ShardState::Joining {
            let detail = format!("shard `{id}` has not joined the ring yet: it is not drained");
            return Err(Error::conflict("shard-joining", detail));
        }
        Ok(shard)
    }

    /// Removes a shard that is drained and empty. Answers what it was.
    ///
    /// One that never joined is drained by it: it has nothing. Whoever says that its database is lost is believed where that
    /// does not answer; where it does, it must be empty.
    pub async fn remove_shard(
        &self,
        actor: &Actor,
        id: &ShardId,
        asked: &ShardRemoval,
    ) -> Result<Shard, Error> {
        let shown = self.shard(id).await?;
        if shown.state == ShardState::Joining {
            self.change_ring(id, RingEdit::Withdraw, actor, &[]).await?;
        }
        let mut connection = self.pool.acquire().await?;
        let shard = shards::find(&mut connection, id).await?;
        let shard = shard.ok_or_else(|| Error::not_found("shard", id))?;
        let touching = queue::touching(&mut connection, id).await?;
        drop(connection);
        if asked.database_is_lost && shard.state == ShardState::Draining && touching.1 > 0 {
            return Err(self.let_moves_end(actor, &shard, touching.1).await?);
        }
        is_free(&shard, touching)?;
        let lost = self.holds_nothing(&shard, asked.database_is_lost).await?;
        let mut tx = MapTx::open(&self.pool).await?;
        let shard = shards::find(tx.connection(), id).await?;
        let shard = shard.ok_or_else(|| Error::not_found("shard", id))?;
        is_free(&shard, queue::touching(tx.connection(), id).await?)?;
        let gone = shards::remove(tx.connection(), id).await?;
        let detail = json!({"nodes": gone, "databaseLost": lost});
        let notes = [
            Note::audit("shard.remove", id, detail.clone()),
            Note::event("shard.removed", id, detail),
        ];
        let remove = Removal { shards: vec![id.clone()], nodes: gone, ..Removal::default() };
        let (kind, subject) = ("shard.removed", id.to_string());
        let change = Change { kind, subject, placement: true, set: Entries::default(), remove };
        tx.publish(change, actor, &notes).await?;
        self.published();
        self.shards.forget(id);
        Ok(shown)
    }

    /// Moves that have only to clean up on a lost database end without it; then the shard can go. Answers the refusal
    /// until then.
    async fn let_moves_end(
        &self,
        actor: &Actor,
        shard: &ShardRow,
        moving: i64,
    ) -> Result<Error, Error> {
        let id = &shard.id;
        let what = format!("moves to or from `{id}` that are under way: {moving}");
        let detail = match self.shards.residue(id, &shard.primary).await {
            Err(error) if !error.has_answered => {
                let mut tx = self.pool.begin().await?;
                shards::note_database_lost(&mut tx, id, true).await?;
                let note = Note::audit("shard.database-lost", id, json!({"moves": moving}));
                journal::write(&mut tx, actor, &[note]).await?;
                tx.commit().await?;
                format!(
                    "{what}. Those that had only to clean up there end without it now. Remove it again once \
                     lxp move list shows them ended"
                )
            }
            _ => format!("{what}, and its database is there. See lxp move status"),
        };
        Ok(Error::conflict("moves-under-way", detail))
    }

    /// Refused where the database holds rows, or does not answer and nobody says that it is lost. Answers whether it is.
    async fn holds_nothing(&self, shard: &ShardRow, may_be_lost: bool) -> Result<bool, Error> {
        let id = &shard.id;
        let residue = match self.shards.residue(id, &shard.primary).await {
            Ok(residue) => residue,
            Err(error) if may_be_lost && !error.has_answered => return Ok(true),
            Err(error) if error.has_answered => {
                let detail = format!(
                    "it is not known whether the database of `{id}` is empty. It is there and says: {error}"
                );
                return Err(Error::Unavailable { code: "shard-unreachable", detail });
            }
            Err(error) => {
                let detail = format!(
                    "it is not known whether the database of `{id}` is empty: {error}. Bring it back, then try \
                     again; if it is gone for good: lxp shard remove {id} --database-is-lost"
                );
                return Err(Error::Unavailable { code: "shard-unreachable", detail });
            }
        };
        if residue.is_empty() {
            return Ok(false);
        }
        let detail = format!(
            "the database of `{id}` still has rows in {}: lxp move list shows moves that have not cleaned up yet",
            residue.join(", ")
        );
        Err(Error::conflict("shard-holds-rows", detail))
    }
}

/// Refused while plans still mean to move somebody to or from it.
pub(super) fn nobody_waits(id: &ShardId, waiting: i64) -> Result<(), Error> {
    if waiting == 0 {
        return Ok(());
    }
    let detail = format!(
        "moves to or from `{id}` that wait in plans: {waiting}. End the plan first: lxp rebalance cancel"
    );
    Err(Error::conflict("moves-waiting", detail))
}

fn is_free(shard: &ShardRow, (owned, moving, waiting): (i64, i64, i64)) -> Result<(), Error> {
    let id = &shard.id;
    let (code, detail) = if shard.state != ShardState::Draining {
        ("shard-not-draining", format!("shard `{id}` is {}: lxp shard drain {id}", shard.state))
    } else if waiting > 0 {
        let what = format!("moves to or from `{id}` that wait in plans: {waiting}");
        ("moves-waiting", format!("{what}. See lxp rebalance status"))
    } else if moving > 0 {
        let what = format!("moves to or from `{id}` that are under way: {moving}");
        ("moves-under-way", format!("{what}. See lxp move status"))
    } else if owned > 0 {
        let what = format!("institutions that live on `{id}`: {owned}");
        ("shard-not-empty", format!("{what}. They leave it by lxp shard drain {id}"))
    } else {
        return Ok(());
    };
    Err(Error::conflict(code, detail))
}
