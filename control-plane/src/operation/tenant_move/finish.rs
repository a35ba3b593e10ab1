//! After the commit point, or after a move was given up: what is left is done, whatever it takes.

use std::time::Duration;

use serde_json::json;
use shard_map::{Entries, MovePhase, Removal, ShardId};

use super::failpoint::Step;
use super::forward::read_catalogue;
use super::planted::{Fault, is_planted};
use super::round::Copied;
use super::side::{Side, Stop, soon};
use super::target::Activated;
use super::{Both, TenantMove, is_revocable};
use crate::error::Error;
use crate::store::journal::Note;
use crate::store::map_head::Change;
use crate::store::relocation::{self, Relocation};
use crate::store::{moves, shards};

/// How long rows stay at the source after it has let go: a read on a replica may have entered before.
const READS_END: Duration = Duration::from_secs(3);

impl TenantMove {
    /// The target serves, the source forgets.
    pub(super) async fn clean(&mut self) -> Result<(), Stop> {
        let act = self.act;
        let version = self.row.map_version;
        let version = version.ok_or_else(|| Stop::Retry("the commit has no version".to_owned()))?;
        let (round, identity) = (self.row.last_round, self.row.target_identity.clone());
        let target = self.connect_target().await?;
        let activation = target.activate(&act, round, identity.as_deref(), version);
        if soon("the activation", activation).await? == Activated::Stale {
            return self.copy_again().await;
        }
        self.note_pause().await?;
        let to = self.row.shown.to.clone();
        let is_lost = self.is_lost(&self.row.shown.from).await?;
        if is_lost {
            self.connect_target().await?.finish_import(&act).await?;
            return self.end_as(MovePhase::Done).await;
        }
        let source = self.connect_source().await?;
        if is_ours(source, &act).await? {
            if source.been(&act, "moved").await?.is_none() {
                soon("letting go", source.let_go(&act, &to, version)).await?;
            }
            let tables = children_first(source).await?;
            let gone_for = source.been(&act, "moved").await?.unwrap_or_default();
            tokio::time::sleep(READS_END.saturating_sub(gone_for)).await;
            if !is_planted(Fault::CleanUpSkipped) {
                source.delete_rows(&act, "{moved}", &tables, Step::DeleteRows).await?;
            }
        }
        self.connect_target().await?.finish_import(&act).await?;
        let source = self.connect_source().await?;
        if is_ours(source, &act).await? {
            source.forget_move(&act, "{moved}", Step::ForgetMove).await?;
        }
        self.end_as(MovePhase::Done).await
    }

    async fn end_as(&self, phase: MovePhase) -> Result<(), Stop> {
        self.advance(phase).await?;
        self.metrics.ended.with_label_values(&[phase.as_str()]).inc();
        Ok(())
    }

    /// Whether nothing can be cleaned up at a shard any more, because its database is gone for good.
    async fn is_lost(&self, shard: &ShardId) -> Result<bool, Stop> {
        let mut connection = self.platform.pool.acquire().await.map_err(Error::from)?;
        Ok(shards::is_database_lost(&mut connection, shard).await?)
    }

    async fn note_pause(&mut self) -> Result<(), Stop> {
        if self.row.shown.pause_ms.is_some() {
            return Ok(());
        }
        // Another mover began it: since when is in the journal, as the phase's begin.
        let since_phase = service_kit::clock::now() - self.row.shown.phase_started_at;
        let pause = self
            .pause_began
            .map_or_else(|| since_phase.to_std().unwrap_or_default(), |began| began.elapsed());
        let mut tx = self.journal_for(Step::NotePause).await?;
        moves::note_pause(&mut tx, self.act.move_id, pause.as_secs_f64() * 1_000.0).await?;
        self.record(tx, Step::NotePause).await?;
        self.metrics.pause_seconds.observe(pause.as_secs_f64());
        Ok(())
    }

    /// The target is not what was committed to (a failover has lost the last round, or all): the source, which is
    /// fenced, is copied again and compared in full.
    async fn copy_again(&mut self) -> Result<(), Stop> {
        let (act, from) = (self.act, self.row.shown.from.clone());
        tracing::warn!(
            move.id = %act.move_id,
            institution.id = %act.institution,
            "The target has not what was committed; it is copied again"
        );
        self.catalogue = None;
        let Both { source, target, .. } = self.both().await?;
        let tables = children_first(source).await?;
        target.begin_again(&act, &from, &tables).await?;
        self.row.target_identity = None;
        while self.one_round(Step::RoundAgain, false).await?.checkpoint.copied != Copied::All {}
        let last = self.verified_round(Step::RoundAgain).await?;
        let identity = self.connect_target().await?.identity.clone();
        let version = self.row.map_version;
        let version = version.ok_or_else(|| Stop::Retry("the commit has no version".to_owned()))?;
        let mut tx = self.journal_for(Step::CommitAgain).await?;
        let round = last.checkpoint.round;
        moves::note_commit(&mut tx, act.move_id, round, &identity, version).await?;
        self.record(tx, Step::CommitAgain).await
    }

    /// Gives the move up, if nothing was committed: the directory has the epoch of the abort from then on.
    pub(super) async fn begin_abort(&mut self, why: &str) -> Result<(), Stop> {
        let shown = &self.row.shown;
        let mut tx = self.map_for(Step::Abort).await?;
        let phase = shown.phase;
        let aborting = MovePhase::Aborting;
        if !is_revocable(phase)
            || !moves::advance(tx.connection(), shown.id, phase, aborting).await?
        {
            drop(tx);
            return self.reload().await;
        }
        moves::note_cancelled(tx.connection(), shown.id, why).await?;
        let version = tx.version();
        let stays = Relocation {
            institution: shown.institution,
            from: (&shown.from, self.row.epoch),
            to: (&shown.from, shown.epochs.abort),
            version,
            reason: "move given up",
        };
        relocation::raise_epoch(tx.connection(), &stays).await?;
        let detail = json!({"move": shown.id, "to": shown.to, "phase": phase, "why": why});
        let note = Note::event("move.aborting", &shown.institution, detail);
        let subject = shown.institution.to_string();
        let (set, remove) = (Entries::default(), Removal::default());
        let change = Change { kind: "move.aborting", subject, placement: true, set, remove };
        self.publish(tx, change, note, Step::Abort).await?;
        tracing::warn!(
            move.id = %shown.id,
            institution.id = %shown.institution,
            move.phase = %phase,
            error = why,
            "A move is given up"
        );
        self.reload().await
    }

    /// The source serves again, then the target forgets.
    pub(super) async fn abort(&mut self) -> Result<(), Stop> {
        let (act, from) = (self.act, self.row.shown.from.clone());
        let source = self.connect_source().await?;
        let begun = source
            .row(&act)
            .await?
            .is_some_and(|row| row.ours || row.move_id.is_none() && row.epoch == act.epoch.0);
        if begun {
            soon("taking it back", source.take_back(&act)).await?;
            source.drain(&act).await?;
            let log = ["change_log".to_owned()];
            source.delete_rows(&act, "{active}", &log, Step::DeleteLog).await?;
        }
        if !self.is_lost(&self.row.shown.to).await? {
            let target = self.connect_target().await?;
            let tables = children_first(target).await?;
            target.undo_import(&act, &from, &tables).await?;
        }
        let source = self.connect_source().await?;
        if is_ours(source, &act).await? {
            source.forget_move(&act, "{active}", Step::ForgetAborted).await?;
        }
        self.end_as(MovePhase::Aborted).await
    }
}

async fn is_ours(side: &mut Side, act: &super::side::Act) -> Result<bool, Stop> {
    Ok(side.row(act).await?.is_some_and(|row| row.ours))
}

/// The tables in the order in which rows are deleted; what was captured goes first.
async fn children_first(side: &mut Side) -> Result<Vec<String>, Stop> {
    let catalogue = read_catalogue(side).await?;
    let tables = catalogue.0.into_iter().rev().map(|table| table.name);
    Ok(std::iter::once("change_log".to_owned()).chain(tables).collect())
}
