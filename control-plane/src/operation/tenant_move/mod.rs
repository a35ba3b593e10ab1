//! One institution's move, step by step. PLACEMENT's "Moving an institution" is the protocol; the journal
//! (`store::moves`) says how far it is, and each step can be done twice.
//!
//! What must stay true:
//! - A step is journalled before it acts. Whoever resumes looks at what is there, not at what should be.
//! - Commit and abort are one compare-and-set each on the same row of the control database, under the leader's term:
//!   both can never win.
//! - After the commit point nothing here needs the source to make the target serve; in an abort nothing needs the
//!   target to make the source serve.
//! - What is deleted is deleted in a state that says it may be: `moved` at the source, this move's import at the target.

mod catalogue;
pub mod failpoint;
mod finish;
mod forward;
pub mod planted;
mod round;
mod side;
mod source;
mod statistics;
mod target;
mod verify;

use std::sync::Arc;
use std::time::{Duration, Instant};

use shard_map::{MovePhase, ShardId};
use sqlx::postgres::PgConnection;
use sqlx::{Postgres, Transaction};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::catalogue::{Catalogue, CatalogueError, Table, read as read_catalogue};
use self::failpoint::{Edge, Step, reach};
pub use self::side::Stop;
use self::side::{Act, Side, soon};
use self::statistics::Analyzed;

use super::metrics::MoveMetrics;
use crate::error::Error;
use crate::service::Platform;
use crate::store::journal::{Actor, Note};
use crate::store::map_head::{Change, MapTx};
use crate::store::moves::{self, MoveRow};
use crate::store::{leader, shards};

/// Failed steps in a row, at most two seconds apart, after which a move that is not committed is given up.
const TRIES_MAX: i32 = 150;

/// How long a step may take before its connections are given up and it is taken up anew: a copy goes on from its
/// checkpoint.
const STEP_DEADLINE: Duration = Duration::from_mins(10);

/// A move in this process's hands, while this control plane leads.
pub struct TenantMove {
    platform: Platform,
    metrics: MoveMetrics,
    row: MoveRow,
    act: Act,
    /// Connections, made when they are first needed.
    source: Option<Side>,
    target: Option<Side>,
    /// The source once more, for snapshots.
    reader: Option<PgConnection>,
    catalogue: Option<Arc<Catalogue>>,
    /// What the target's planner knows of the copy.
    analyzed: Analyzed,
    /// When the lock was first asked for.
    pause_began: Option<Instant>,
}

impl TenantMove {
    /// Takes up a move. None where it has ended.
    pub async fn load(
        platform: &Platform,
        metrics: &MoveMetrics,
        term: i64,
        id: Uuid,
    ) -> Result<Option<Self>, Error> {
        let mut connection = platform.pool.acquire().await?;
        let row = moves::find(&mut connection, id).await?;
        let row = row.ok_or_else(|| Error::not_found("move", &id))?;
        let act = Act { institution: row.shown.institution, move_id: id, term, epoch: row.epoch };
        if row.shown.finished_at.is_some() {
            return Ok(None);
        }
        Ok(Some(Self {
            platform: platform.clone(),
            metrics: metrics.clone(),
            row,
            act,
            source: None,
            target: None,
            reader: None,
            catalogue: None,
            analyzed: Analyzed::default(),
            pause_began: None,
        }))
    }

    /// Goes on until the move has ended, `stop` is cancelled, or a step does not succeed.
    pub async fn run(&mut self, stop: &CancellationToken) -> Result<(), Stop> {
        loop {
            let phase = self.row.shown.phase;
            if self.row.shown.finished_at.is_some() {
                return Ok(());
            }
            // In the cutover nobody is served: it is brought to its end.
            if stop.is_cancelled() && phase != MovePhase::Cutover {
                return Ok(());
            }
            if let Some(why) = self.row.shown.cancel_reason.clone()
                && is_revocable(phase)
            {
                self.begin_abort(&why).await?;
                continue;
            }
            let done = match timeout(STEP_DEADLINE, self.step(phase)).await {
                Ok(done) => done,
                Err(_) => Err(Stop::Retry("the step took too long".to_owned())),
            };
            let given_up = match done {
                Ok(()) => None,
                Err(Stop::GiveUp(why)) if is_revocable(phase) => Some(why),
                Err(Stop::Refused(why)) if phase == MovePhase::Preflight => Some(why),
                Err(Stop::Retry(why) | Stop::Refused(why))
                    if is_revocable(phase) && self.row.tries >= TRIES_MAX =>
                {
                    Some(why)
                }
                Err(stop) => return Err(stop),
            };
            if let Some(why) = given_up {
                // They may be in the middle of something.
                (self.source, self.target, self.reader) = (None, None, None);
                self.begin_abort(&why).await?;
            }
            self.reload().await?;
        }
    }

    async fn step(&mut self, phase: MovePhase) -> Result<(), Stop> {
        reach(phase.as_str(), Edge::Before, &self.act).await?;
        match phase {
            MovePhase::Preflight => self.preflight().await,
            MovePhase::Copying => self.copy().await,
            MovePhase::Verifying => self.verify().await,
            MovePhase::Closing => self.close().await,
            MovePhase::Cutover => self.cut_over().await,
            MovePhase::Cleaning => self.clean().await,
            MovePhase::Aborting => self.abort().await,
            MovePhase::Done | MovePhase::Aborted => Ok(()),
        }
    }

    /// How far the journal says that it is.
    pub fn phase(&self) -> MovePhase {
        self.row.shown.phase
    }

    /// Failed steps in a row.
    pub fn tries(&self) -> i32 {
        self.row.tries
    }

    async fn reload(&mut self) -> Result<(), Stop> {
        let mut connection = self.platform.pool.acquire().await.map_err(Error::from)?;
        let row = moves::find(&mut connection, self.act.move_id).await?;
        self.row = row.ok_or_else(|| Stop::Retry("the journal has lost it".to_owned()))?;
        Ok(())
    }

    /// A transaction of the journal, which holds the leader's term to its end.
    async fn journal(&self) -> Result<Transaction<'static, Postgres>, Stop> {
        let mut tx = self.platform.pool.begin().await.map_err(Error::from)?;
        if leader::hold(&mut tx, self.act.term).await? { Ok(tx) } else { Err(Stop::Deposed) }
    }

    /// The same, for a step that is more than the journal's next phase.
    async fn journal_for(&self, step: Step) -> Result<Transaction<'static, Postgres>, Stop> {
        reach(step.as_str(), Edge::Before, &self.act).await?;
        self.journal().await
    }

    /// Commits what the journal is to say.
    async fn record(&self, tx: Transaction<'static, Postgres>, step: Step) -> Result<(), Stop> {
        tx.commit().await.map_err(Error::from)?;
        reach(step.as_str(), Edge::After, &self.act).await
    }

    /// A transaction of the journal that makes a new version of the map.
    async fn map_for(&self, step: Step) -> Result<MapTx, Stop> {
        reach(step.as_str(), Edge::Before, &self.act).await?;
        let mut tx = MapTx::open(&self.platform.pool).await?;
        let holds = leader::hold(tx.connection(), self.act.term).await?;
        if holds { Ok(tx) } else { Err(Stop::Deposed) }
    }

    /// Commits it.
    async fn publish(&self, tx: MapTx, change: Change, note: Note, step: Step) -> Result<(), Stop> {
        tx.publish(change, &Actor::reconciler(), &[note]).await?;
        self.platform.feed.poke();
        reach(step.as_str(), Edge::After, &self.act).await
    }

    async fn advance(&self, to: MovePhase) -> Result<(), Stop> {
        let from = self.row.shown.phase;
        reach(from.as_str(), Edge::After, &self.act).await?;
        let mut tx = self.journal().await?;
        moves::advance(&mut tx, self.act.move_id, from, to).await?;
        tx.commit().await.map_err(Error::from)?;
        tracing::info!(
            move.id = %self.act.move_id,
            institution.id = %self.act.institution,
            move.phase = %to,
            "A move goes on"
        );
        Ok(())
    }

    async fn connect_source(&mut self) -> Result<&mut Side, Stop> {
        if self.source.is_none() {
            let side = self.connect(&self.row.shown.from).await?;
            self.source = Some(side);
        }
        self.source.as_mut().ok_or_else(not_connected)
    }

    async fn connect_target(&mut self) -> Result<&mut Side, Stop> {
        if self.target.is_none() {
            let side = self.connect(&self.row.shown.to).await?;
            self.target = Some(side);
        }
        self.target.as_mut().ok_or_else(not_connected)
    }

    async fn connect(&self, shard: &ShardId) -> Result<Side, Stop> {
        let mut connection = self.platform.pool.acquire().await.map_err(Error::from)?;
        let row = shards::find(&mut connection, shard).await?;
        drop(connection);
        let row = row.ok_or_else(|| Stop::Retry(format!("there is no shard {shard}")))?;
        let _turn = self.platform.connecting.acquire().await;
        let side = soon("connecting", Side::connect(shard, &row.primary, &self.act)).await;
        side.map_err(|stop| match stop {
            Stop::Retry(why) => Stop::Retry(format!("{shard}: {why}")),
            stop => stop,
        })
    }

    /// Both sides and the snapshots' connection.
    async fn both(&mut self) -> Result<Both<'_>, Stop> {
        self.connect_source().await?;
        self.connect_target().await?;
        if self.reader.is_none()
            && let Some(source) = &self.source
        {
            let _turn = self.platform.connecting.acquire().await;
            self.reader = Some(source.another().await?);
        }
        let source = self.source.as_mut().ok_or_else(not_connected)?;
        let target = self.target.as_mut().ok_or_else(not_connected)?;
        let reader = self.reader.as_mut().ok_or_else(not_connected)?;
        Ok(Both { source, target, reader, act: self.act })
    }

    /// Closes what is open, in order.
    pub async fn end(self) {
        let sides = [self.source, self.target].into_iter().flatten().map(|side| side.connection);
        for connection in sides.chain(self.reader) {
            side::close(connection).await;
        }
    }
}

/// Both sides of a move, connected.
struct Both<'m> {
    source: &'m mut Side,
    target: &'m mut Side,
    reader: &'m mut PgConnection,
    act: Act,
}

fn not_connected() -> Stop {
    Stop::Retry("not connected".to_owned())
}

/// Whether a move may still be given up.
pub const fn is_revocable(phase: MovePhase) -> bool {
    matches!(
        phase,
        MovePhase::Preflight
            | MovePhase::Copying
            | MovePhase::Verifying
            | MovePhase::Closing
            | MovePhase::Cutover
    )
}
