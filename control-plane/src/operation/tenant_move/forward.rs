//! From the start to the commit point.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use shard_map::{Entries, InstitutionStatus, MovePhase, Removal, ShardState};

use super::catalogue::{self, Catalogue};
use super::failpoint::Step;
use super::planted::{Fault, is_planted};
use super::round::{self, Checkpoint, Copied, Round};
use super::side::{CUTOVER_DEADLINE, Side, Stop, soon};
use super::{Both, TenantMove, verify};
use crate::error::Error;
use crate::store::directory;
use crate::store::journal::Note;
use crate::store::map_head::Change;
use crate::store::relocation::{self, Relocation};
use crate::store::{moves, shards};

/// A node's lease, and a little more: after it no node answers from caches or replicas that has not heard of `closing`.
const LEASE: Duration = Duration::from_millis(2_200);
/// With so few keys left a copy has caught up.
const CAUGHT_UP_KEYS: usize = 1_000;
/// With so few the last round is short.
const FENCE_KEYS: usize = 100;
/// Rounds of catching up before the institution's writes are slowed, and before the move is given up.
const SLOW_AFTER: u32 = 15;
const ROUNDS_MAX: u32 = 30;
/// Fences that are given up before the move is.
const FENCES_MAX: i32 = 10;
/// How far the target's replicas may be behind before a copy waits for them, in bytes; and how long at a time.
const LAG_BYTES: i64 = 64 << 20;
const LAG_WAIT: Duration = Duration::from_secs(5);

impl TenantMove {
    /// Looks at both sides, begins the import and the capture.
    pub(super) async fn preflight(&mut self) -> Result<(), Stop> {
        self.check_directory().await?;
        let from = self.row.shown.from.clone();
        let Both { source, target, act, .. } = self.both().await?;
        let there = read_catalogue(target).await?;
        let residue = verify::residue(&mut target.connection, &act, &there).await?;
        if !residue.is_empty() {
            return Err(Stop::GiveUp(format!(
                "{} has rows of it already, in {}",
                target.shard,
                residue.join(", ")
            )));
        }
        target.import(&act, &from).await?;
        source.capture(&act).await?;
        // From here on no migration begins on either side.
        self.catalogue = None;
        let catalogue = self.catalogue().await?;
        let Both { source, target, .. } = self.both().await?;
        let rows = verify::count(&mut source.connection, &act, &catalogue).await?;
        let identities = (source.identity.clone(), target.identity.clone());
        let mut tx = self.journal_for(Step::NoteSides).await?;
        let version = crate::shard_db::newest_migration();
        let sides = (identities.0.as_str(), identities.1.as_str());
        moves::note_sides(&mut tx, act.move_id, version, sides, rows).await?;
        self.record(tx, Step::NoteSides).await?;
        self.advance(MovePhase::Copying).await
    }

    async fn check_directory(&self) -> Result<(), Stop> {
        let shown = &self.row.shown;
        let mut connection = self.platform.pool.acquire().await.map_err(Error::from)?;
        let there = directory::find(&mut connection, shown.institution).await?;
        let there =
            there.ok_or_else(|| Stop::GiveUp("the directory does not know it".to_owned()))?;
        if (&there.institution.shard, there.institution.epoch) != (&shown.from, self.row.epoch) {
            return Err(Stop::GiveUp("it has moved since the plan was made".to_owned()));
        }
        if there.institution.status == InstitutionStatus::Creating {
            return Err(Stop::Retry("it is still being created".to_owned()));
        }
        let to = shards::find(&mut connection, &shown.to).await?;
        match to.map(|shard| shard.state) {
            Some(ShardState::Active) => Ok(()),
            _ => Err(Stop::GiveUp(format!("shard {} takes no institutions", shown.to))),
        }
    }

    /// Rounds, until few keys are left.
    pub(super) async fn copy(&mut self) -> Result<(), Stop> {
        let act = self.act;
        self.connect_source().await?.unpark(&act).await?;
        self.analyze_source().await?;
        let mut catching_up = 0;
        loop {
            let slowed = catching_up >= SLOW_AFTER;
            let done = self.one_round(Step::CopyRound, slowed).await?;
            self.analyze_target(done.checkpoint).await?;
            if done.checkpoint.copied == Copied::All {
                if done.keys <= CAUGHT_UP_KEYS {
                    return self.advance(MovePhase::Verifying).await;
                }
                catching_up += 1;
            }
            if catching_up > ROUNDS_MAX {
                return Err(Stop::GiveUp(format!(
                    "after {ROUNDS_MAX} rounds still {} keys changed in one",
                    done.keys
                )));
            }
            self.reload().await?;
            if self.row.shown.cancel_reason.is_some() || self.row.shown.phase != MovePhase::Copying
            {
                return Ok(());
            }
        }
    }

    /// One round with a snapshot of its own; while it lasts, writes may be held back.
    pub(super) async fn one_round(&mut self, step: Step, slowed: bool) -> Result<Round, Stop> {
        self.expect_identities().await?;
        let catalogue = self.catalogue().await?;
        let Both { source, target, reader, act } = self.both().await?;
        let from = checkpoint(target, &act, &catalogue).await?;
        if slowed {
            source.park(&act, true).await?;
        }
        let copying = async {
            round::open_snapshot(reader, &act).await?;
            round::run(reader, target, &act, &catalogue, from, step).await
        };
        let done = if slowed {
            let done = soon("a round for which writes are held back", copying).await;
            source.park(&act, false).await?;
            done?
        } else {
            copying.await?
        };
        round::end_snapshot(reader).await?;
        round::forget(source, &act, &done.taken).await?;
        wait_for_replicas(target).await?;
        self.note(&done).await?;
        Ok(done)
    }

    /// The tables, which both sides must have alike; they stay so, because no migration begins while rows name a move.
    pub(super) async fn catalogue(&mut self) -> Result<Arc<Catalogue>, Stop> {
        if let Some(known) = &self.catalogue {
            return Ok(Arc::clone(known));
        }
        let Both { source, target, .. } = self.both().await?;
        let (here, there) = (read_catalogue(source).await?, read_catalogue(target).await?);
        if here != there {
            return Err(Stop::GiveUp(format!(
                "{} and {} have different schemas; `lxp migrate status` shows which",
                source.shard, target.shard
            )));
        }
        Ok(Arc::clone(self.catalogue.insert(Arc::new(there))))
    }

    async fn note(&self, done: &Round) -> Result<(), Stop> {
        let Checkpoint { round, rows, .. } = done.checkpoint;
        let keys = i64::try_from(done.keys).unwrap_or(i64::MAX);
        let mut tx = self.journal_for(Step::NoteRound).await?;
        moves::note_round(&mut tx, self.act.move_id, round, rows, keys).await?;
        self.record(tx, Step::NoteRound).await?;
        self.metrics.rounds.inc();
        Ok(())
    }

    /// A move through a failover starts again: what a former primary captured may be lost.
    async fn expect_identities(&mut self) -> Result<(), Stop> {
        let known = (self.row.source_identity.clone(), self.row.target_identity.clone());
        let Both { source, target, .. } = self.both().await?;
        for (side, known) in [(&*source, known.0), (&*target, known.1)] {
            if known.as_ref().is_some_and(|known| *known != side.identity) {
                return Err(Stop::GiveUp(format!(
                    "{} has another primary than at the start",
                    side.shard
                )));
            }
        }
        Ok(())
    }

    /// Both copies compared, at the snapshot of one more round.
    pub(super) async fn verify(&mut self) -> Result<(), Stop> {
        self.expect_identities().await?;
        let done = self.verified_round(Step::VerifiedRound).await?;
        self.note(&done).await?;
        self.advance(MovePhase::Closing).await
    }

    /// A round, and the comparison at its snapshot.
    pub(super) async fn verified_round(&mut self, step: Step) -> Result<Round, Stop> {
        let catalogue = self.catalogue().await?;
        let Both { source, target, reader, act } = self.both().await?;
        let from = checkpoint(target, &act, &catalogue).await?;
        round::open_snapshot(reader, &act).await?;
        let done = round::run(reader, target, &act, &catalogue, from, step).await?;
        verify::compare(reader, &mut target.connection, &act, &catalogue).await?;
        round::end_snapshot(reader).await?;
        round::forget(source, &act, &done.taken).await?;
        Ok(done)
    }

    /// From now on every read passes the guard on the primary, after one lease.
    pub(super) async fn close(&mut self) -> Result<(), Stop> {
        let act = self.act;
        if self.connect_source().await?.been(&act, "closing").await?.is_none() {
            self.connect_source().await?.close(&act).await?;
        }
        self.one_round(Step::ClosingRound, false).await?;
        let closed_for = self.connect_source().await?.been(&act, "closing").await?;
        let closed_for = closed_for
            .ok_or_else(|| Stop::Retry("the source is not closing any more".to_owned()))?;
        tokio::time::sleep(LEASE.saturating_sub(closed_for)).await;
        self.advance(MovePhase::Cutover).await
    }

    /// Fence, last round, commit point.
    pub(super) async fn cut_over(&mut self) -> Result<(), Stop> {
        self.expect_identities().await?;
        let act = self.act;
        match self.connect_source().await?.been(&act, "fenced").await? {
            Some(already) if already > CUTOVER_DEADLINE => {
                return Err(Stop::GiveUp(format!("nobody was served for {} s", already.as_secs())));
            }
            Some(already) => {
                self.pause_began = self.pause_began.or_else(|| Instant::now().checked_sub(already));
            }
            None => self.fence().await?,
        }
        // A connection that falls silent now must not keep everybody waiting: the next try looks at what came of it.
        soon("the last round", Box::pin(self.last_round_and_commit())).await
    }

    async fn last_round_and_commit(&mut self) -> Result<(), Stop> {
        let act = self.act;
        let catalogue = self.catalogue().await?;
        let Both { target, reader, .. } = self.both().await?;
        let from = checkpoint(target, &act, &catalogue).await?;
        if is_planted(Fault::NoFinalRound) {
            let identity = target.identity.clone();
            return self.commit(from.round, &identity).await;
        }
        round::open_snapshot(reader, &act).await?;
        let last = round::run(reader, target, &act, &catalogue, from, Step::LastRound).await?;
        round::end_snapshot(reader).await?;
        let identity = target.identity.clone();
        self.commit(last.checkpoint.round, &identity).await
    }

    async fn fence(&mut self) -> Result<(), Stop> {
        for _ in 0..ROUNDS_MAX {
            if self.one_round(Step::FenceRound, false).await?.keys <= FENCE_KEYS {
                break;
            }
        }
        let act = self.act;
        self.pause_began = Some(Instant::now());
        if self.connect_source().await?.fence(&act).await? {
            return Ok(());
        }
        self.pause_began = None;
        let mut tx = self.journal_for(Step::NoteFence).await?;
        moves::note_cutover_try(&mut tx, act.move_id).await?;
        self.record(tx, Step::NoteFence).await?;
        let why = "the institution's transactions leave no gap for the fence";
        if self.row.cutover_tries + 1 >= FENCES_MAX {
            return Err(Stop::GiveUp(format!("{why}, {FENCES_MAX} times")));
        }
        Err(Stop::Retry(why.to_owned()))
    }

    /// The commit point: directory and journal in one transaction. Where an abort came first, nothing changes.
    async fn commit(&self, last_round: i64, target: &str) -> Result<(), Stop> {
        let (shown, epochs) = (&self.row.shown, self.row.shown.epochs);
        let mut tx = self.map_for(Step::Commit).await?;
        let (cutover, cleaning) = (MovePhase::Cutover, MovePhase::Cleaning);
        if !moves::advance(tx.connection(), shown.id, cutover, cleaning).await? {
            return Ok(());
        }
        let version = tx.version();
        moves::note_commit(tx.connection(), shown.id, last_round, target, version).await?;
        let ring = self.platform.ring_of(&shards::for_map(tx.connection()).await?);
        let was_off_ring = ring.exception(shown.institution, &shown.from).is_some();
        let exception = ring.exception(shown.institution, &shown.to).cloned();
        let moved = Relocation {
            institution: shown.institution,
            from: (&shown.from, self.row.epoch),
            to: (&shown.to, epochs.commit),
            version,
            reason: "moved",
        };
        if !relocation::relocate(tx.connection(), &moved).await? {
            return Err(Stop::GiveUp("the directory has it elsewhere".to_owned()));
        }
        let (mut set, mut remove) = (Entries::default(), Removal::default());
        match exception {
            Some(shard) => set.exceptions.push((shown.institution, shard)),
            None if was_off_ring => remove.exceptions.push(shown.institution),
            None => {}
        }
        let detail =
            json!({"move": shown.id, "from": shown.from, "to": shown.to, "epoch": epochs.commit});
        let note = Note::event("institution.moved", &shown.institution, detail);
        let subject = shown.institution.to_string();
        let change = Change { kind: "institution.moved", subject, placement: true, set, remove };
        self.publish(tx, change, note, Step::Commit).await
    }
}

pub(super) async fn read_catalogue(side: &mut Side) -> Result<Catalogue, Stop> {
    catalogue::read(&mut side.connection).await.map_err(|error| match error {
        catalogue::CatalogueError::Database(error) => error.into(),
        unfit => Stop::GiveUp(format!("{}: {unfit}", side.shard)),
    })
}

pub(super) async fn checkpoint(
    target: &mut Side,
    act: &super::side::Act,
    catalogue: &Catalogue,
) -> Result<Checkpoint, Stop> {
    let found = round::checkpoint(&mut target.connection, act, catalogue).await?;
    found.ok_or_else(|| Stop::GiveUp(format!("{} has lost the import", target.shard)))
}

/// A copy goes no faster than the target's replicas.
async fn wait_for_replicas(target: &mut Side) -> Result<(), Stop> {
    let deadline = Instant::now() + LAG_WAIT;
    loop {
        let behind: i64 = sqlx::query_scalar(
            "SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0)::bigint
             FROM pg_stat_replication WHERE state = 'streaming'",
        )
        .fetch_one(&mut target.connection)
        .await?;
        if behind < LAG_BYTES || Instant::now() > deadline {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
