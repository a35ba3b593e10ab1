//! The scheduler of a node: each second it asks which institutions have a schedule to look at, and queues what is due.
//!
//! What must stay true:
//! - It takes no input but the clock, and keeps nothing: several nodes may run it at once, and one that dies in the
//!   middle leaves its work to the next look.
//! - A firing's job, and that it has fired, are one transaction, under the lock of the schedule's row.
//! - One institution that cannot be looked at is in nobody's way.
//! - Without a lease it rests: the database may be one that was deposed, or an older copy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use prometheus::{IntCounterVec, Registry};
use service_kit::clock;
use sha2::{Digest as _, Sha256};
use shard_map::{Epoch, InstitutionId};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::cadence::{due_firing, latest_firing, next_firing};
use super::model::Due;
use super::service::job;
use super::store::{self, Locked};
use crate::error::Error;
use crate::node::Node;
use crate::operation::{Caller, Finished, Work};
use crate::store::TenantTx;
use crate::tenancy::Verdict;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// How far institutions of one zone are spread after their midnight.
pub const JITTER: Duration = Duration::from_mins(5);

const EVERY: Duration = Duration::from_secs(1);
const INSTITUTIONS_A_ROUND: i32 = 100;

/// How long one institution may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// When an institution is looked at again whose zone this program does not know.
const UNKNOWN_ZONE: TimeDelta = TimeDelta::hours(1);

/// Fires what is due.
pub struct Scheduler {
    node: Arc<Node>,
    pool: PgPool,
    clock: Clock,
    jitter: Duration,
    fired: IntCounterVec,
}

impl Scheduler {
    /// One by the wall clock, with the delays of [`JITTER`].
    ///
    /// # Errors
    /// When its metric's name is taken.
    pub fn new(node: Arc<Node>, pool: PgPool) -> Result<Self, prometheus::Error> {
        let fired = metric(&node.metrics.registry)?;
        Ok(Self { node, pool, clock: Arc::new(clock::now), jitter: JITTER, fired })
    }

    /// The same by another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The same with other delays at most.
    #[must_use]
    pub fn with_jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Runs rounds until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if self.node.ownership.lease.holds()
                && let Err(error) = self.round().await
            {
                tracing::warn!(error = %error, "A round of the scheduler failed and will be repeated");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// One round over the institutions that have something to look at; answers how often it fired.
    ///
    /// # Errors
    /// When the primary cannot be asked which they are.
    pub async fn round(&self) -> Result<usize, Error> {
        let now = (self.clock)();
        let mut fired = 0;
        for institution in store::ready(&self.pool, now, INSTITUTIONS_A_ROUND).await? {
            match self.look_at(institution, now).await {
                Ok(count) => fired += count,
                // It is served elsewhere.
                Err(Error::NotOwner(_)) => {}
                Err(error) => {
                    tracing::warn!(institution = %institution, error = %error, "Its schedules were not looked at");
                }
            }
        }
        Ok(fired)
    }

    /// Fires what is due in one institution.
    async fn look_at(
        &self,
        institution: InstitutionId,
        now: DateTime<Utc>,
    ) -> Result<usize, Error> {
        let Verdict::Serve { epoch, .. } = self.node.ownership.verdict(institution) else {
            return Ok(0);
        };
        let mut work = self.begin(institution, epoch, now).await?;
        let locked = store::lock_due(work.tx(), now).await?;
        let Some(zone) = zone(&mut work, &locked, now).await? else {
            let Finished { tx, .. } = work.finish().await?;
            tx.commit().await?;
            return Ok(0);
        };
        let mut kinds = Vec::new();
        for schedule in &locked {
            if self.fire(&mut work, schedule, zone).await? {
                kinds.push(&schedule.kind);
            }
        }
        let Finished { tx, wakes, .. } = work.finish().await?;
        tx.commit().await?;
        if wakes {
            self.node.jobs.wake(institution);
        }
        for kind in &kinds {
            self.fired.with_label_values(&[kind.as_str()]).inc();
        }
        Ok(kinds.len())
    }

    async fn begin(
        &self,
        institution: InstitutionId,
        epoch: Epoch,
        now: DateTime<Utc>,
    ) -> Result<Work, Error> {
        let deadline = Instant::now() + PATIENCE;
        let tx = TenantTx::begin_within(&self.pool, institution, deadline).await?;
        let caller = Caller::platform(institution, epoch, deadline, Uuid::now_v7());
        Ok(Work::new(caller, now, tx, self.node.jobs.clone()))
    }

    /// Queues the job of one that is due, and says when to look again.
    async fn fire(&self, work: &mut Work, schedule: &Locked, zone: Tz) -> Result<bool, Error> {
        let Locked { id, cadence, .. } = *schedule;
        let now = work.now;
        let Some(passed_on) = schedule.passed_on else {
            // Nobody has looked at it yet: what is past does not fire.
            let passed_on = latest_firing(cadence, zone, now).date;
            let next = next_firing(cadence, zone, passed_on);
            store::pass(work.tx(), id, schedule.enabled, passed_on, next.at).await?;
            return Ok(false);
        };
        let Some(due) = due_firing(cadence, zone, passed_on, now) else {
            let next = next_firing(cadence, zone, passed_on);
            store::pass(work.tx(), id, schedule.enabled, passed_on, next.at).await?;
            return Ok(false);
        };
        let date = due.date;
        let delay = delay(work.caller.institution, &schedule.kind, self.jitter);
        // What is caught up after a downtime is spread as well.
        let at = due.at.max(now) + delay;
        let job = job(&schedule.kind, Due { date })?;
        work.enqueue(job.unique(format!("{}:{date}", schedule.kind)).not_before(at));
        store::fired(work.tx(), id, date, now, next_firing(cadence, zone, date)).await?;
        Ok(true)
    }
}

/// The zone of the institution; none where this program does not know it, which is told, and later tried again.
async fn zone(work: &mut Work, locked: &[Locked], now: DateTime<Utc>) -> Result<Option<Tz>, Error> {
    match store::zone(work.tx()).await {
        Ok(zone) => Ok(Some(zone)),
        Err(Error::Defect(what)) => {
            let institution = work.caller.institution;
            tracing::error!(institution = %institution, error = what, "Its schedules cannot fire");
            let ids: Vec<Uuid> = locked.iter().map(|schedule| schedule.id).collect();
            store::postpone(work.tx(), &ids, now + UNKNOWN_ZONE).await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The delay of an institution's jobs of a kind: the same each time, and spread evenly up to `most`.
fn delay(institution: InstitutionId, kind: &str, most: Duration) -> TimeDelta {
    let digest = Sha256::new()
        .chain_update(institution.as_uuid().as_bytes())
        .chain_update(kind.as_bytes())
        .finalize();
    let (first, _) = digest.split_at(4);
    let place = first.iter().fold(0_u64, |place, byte| (place << 8) | u64::from(*byte));
    let most_ms =
        u64::try_from(most.as_millis()).unwrap_or(u64::from(u32::MAX)).min(u64::from(u32::MAX));
    let ms = (place * (most_ms + 1)) >> 32;
    TimeDelta::milliseconds(i64::try_from(ms).unwrap_or_default())
}

fn metric(registry: &Registry) -> Result<IntCounterVec, prometheus::Error> {
    let fired = IntCounterVec::new(
        prometheus::opts!("lxp_schedules_fired_total", "Schedules that this node has fired"),
        &["kind"],
    )?;
    registry.register(Box::new(fired.clone()))?;
    Ok(fired)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn institutions_are_spread_evenly_and_each_keeps_its_delay() {
        let ids =
            (0..1_000_u128).map(|number| InstitutionId::new(Uuid::from_u128((number << 40) | 7)));
        let mut minutes = [0; 5];
        for id in ids {
            let delay = delay(id, "A", JITTER);
            assert_eq!(delay, self::delay(id, "A", JITTER));
            assert!((TimeDelta::zero()..=TimeDelta::minutes(5)).contains(&delay));
            minutes[usize::try_from(delay.num_minutes()).expect("a minute").min(4)] += 1;
        }
        assert!(minutes.iter().all(|count| (150..=250).contains(count)), "{minutes:?}");
        let one = InstitutionId::new(Uuid::max());
        assert_ne!(delay(one, "A", JITTER), delay(one, "B", JITTER));
        assert_eq!(delay(one, "A", Duration::ZERO), TimeDelta::zero());
    }
}
