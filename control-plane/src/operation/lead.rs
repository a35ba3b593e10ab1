//! One control plane leads: it begins what waits in plans, and takes up every move that is under way, its own or one
//! that another left.
//!
//! What must stay true: without the lease nothing is begun; with a term that is over nothing is taken any more, here
//! (`store::leader::hold`) or on a shard (`move_enter`). Several control planes run this at once.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::metrics::MoveMetrics;
use super::plans;
use super::tenant_move::{Stop, TenantMove, is_revocable};
use crate::error::Error;
use crate::service::Platform;
use crate::store::{leader, moves};

/// How long the lead lasts without a word of its holder, and how often that gives one.
const LEASE_S: f64 = 3.0;
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// How often the others ask for the lead.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How often it is looked for moves that are due, when nobody wakes.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Moves at once, unless settings say otherwise.
pub const AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).expect("more than none");
/// Moves of plans that touch one shard at once, unless settings say otherwise.
pub const AT_ONCE_A_SHARD: NonZeroUsize = NonZeroUsize::new(4).expect("more than none");
/// How long moves may take to come to a rest when this control plane stops: a cutover is brought to its end.
const REST_DEADLINE: Duration = Duration::from_secs(8);

/// Leads whenever it can, until `stop` is cancelled.
pub async fn run(platform: Platform, metrics: MoveMetrics, stop: CancellationToken) {
    let holder = Uuid::now_v7().to_string();
    while !stop.is_cancelled() {
        match take(&platform, &holder).await {
            Ok(Some(term)) => {
                tracing::info!(leader.term = term, "This control plane leads");
                metrics.leads.set(1);
                Lead { platform: &platform, metrics: &metrics, term }.run(&stop).await;
                metrics.leads.set(0);
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(error = %error, "The lead cannot be asked for"),
        }
        tokio::select! {
            () = tokio::time::sleep(ASK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn take(platform: &Platform, holder: &str) -> Result<Option<i64>, Error> {
    let mut connection = platform.pool.acquire().await?;
    leader::take(&mut connection, holder, LEASE_S).await
}

struct Lead<'p> {
    platform: &'p Platform,
    metrics: &'p MoveMetrics,
    term: i64,
}

impl Lead<'_> {
    async fn run(&self, stop: &CancellationToken) {
        let mut tasks = JoinSet::new();
        let mut running: HashMap<Id, Uuid> = HashMap::new();
        let (mut renew, mut look) = (interval(RENEW_EVERY), interval(LOOK_EVERY));
        renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = renew.tick() => {
                    if matches!(self.renew().await, Ok(false)) {
                        tracing::warn!(leader.term = self.term, "Another control plane leads");
                        tasks.abort_all();
                        while tasks.join_next().await.is_some() {}
                        return;
                    }
                }
                _ = look.tick() => self.take_up(&mut tasks, &mut running, stop).await,
                () = self.platform.wake.notified() => self.take_up(&mut tasks, &mut running, stop).await,
                Some(ended) = tasks.join_next_with_id() => {
                    let id = match ended {
                        Ok((id, ())) => id,
                        Err(error) => {
                            tracing::error!(error = %error, "A mover ended badly; its move is taken up again");
                            error.id()
                        }
                    };
                    running.remove(&id);
                }
            }
        }
        self.rest(tasks).await;
    }

    async fn renew(&self) -> Result<bool, Error> {
        let mut connection = self.platform.pool.acquire().await?;
        leader::renew(&mut connection, self.term, LEASE_S).await
    }

    /// Begins what is due and nobody has in hand.
    async fn take_up(
        &self,
        tasks: &mut JoinSet<()>,
        running: &mut HashMap<Id, Uuid>,
        stop: &CancellationToken,
    ) {
        if let Err(error) = plans::begin_due(self.platform, self.term).await {
            tracing::debug!(error = %error, "No move of a plan begins now");
        }
        let due = match self.due().await {
            Ok(due) => due,
            Err(error) => {
                tracing::debug!(error = %error, "It is not known which moves are due");
                return;
            }
        };
        for id in due {
            if running.len() < self.platform.moves_at_once
                && !running.values().any(|other| *other == id)
            {
                let (platform, metrics) = (self.platform.clone(), self.metrics.clone());
                let one = drive(platform, metrics, self.term, id, stop.clone());
                running.insert(tasks.spawn(one).id(), id);
            }
        }
    }

    async fn due(&self) -> Result<Vec<Uuid>, Error> {
        let mut connection = self.platform.pool.acquire().await?;
        self.metrics.active.set(moves::active(&mut connection).await?);
        let most = i64::try_from(4 * self.platform.moves_at_once).unwrap_or(i64::MAX);
        moves::due(&mut connection, most).await
    }

    /// Waits until moves rest between two steps, and lets another lead.
    async fn rest(&self, mut tasks: JoinSet<()>) {
        let began = Instant::now();
        let resting = async { while tasks.join_next().await.is_some() {} };
        if timeout(REST_DEADLINE, resting).await.is_err() {
            tracing::warn!(waited = ?began.elapsed(), "Moves did not come to a rest; the next leader goes on");
        }
        if let Ok(mut connection) = self.platform.pool.acquire().await
            && let Err(error) = leader::give_up(&mut connection, self.term).await
        {
            tracing::debug!(error = %error, "The lead runs out by itself");
        }
    }
}

/// One move, until it has ended or a step of it does not succeed.
async fn drive(
    platform: Platform,
    metrics: MoveMetrics,
    term: i64,
    id: Uuid,
    stop: CancellationToken,
) {
    let mut mover = match TenantMove::load(&platform, &metrics, term, id).await {
        Ok(Some(mover)) => mover,
        Ok(None) => return,
        Err(error) => {
            tracing::debug!(move.id = %id, error = %error, "A move cannot be taken up now");
            return;
        }
    };
    let ran = mover.run(&stop).await;
    let (phase, tries) = (mover.phase(), mover.tries() + 1);
    match ran {
        Ok(()) => mover.end().await,
        Err(Stop::Deposed) => {
            tracing::warn!(move.id = %id, leader.term = term, "A move is left to another leader");
        }
        Err(Stop::Retry(why) | Stop::Refused(why) | Stop::GiveUp(why)) => {
            drop(mover);
            metrics.retries.inc();
            tracing::warn!(
                move.id = %id,
                move.phase = %phase,
                move.revocable = is_revocable(phase),
                error = %why,
                tries,
                "A step of a move failed; trying again"
            );
            if let Err(error) = note_failure(&platform, term, id, tries, &why).await {
                tracing::debug!(move.id = %id, error = %error, "The journal did not take it");
            }
        }
    }
}

async fn note_failure(
    platform: &Platform,
    term: i64,
    id: Uuid,
    tries: i32,
    why: &str,
) -> Result<(), Error> {
    let mut tx = platform.pool.begin().await?;
    if leader::hold(&mut tx, term).await? {
        moves::failed(&mut tx, id, tries, why).await?;
        tx.commit().await?;
    }
    Ok(())
}
