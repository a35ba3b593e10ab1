//! Operators who add, drain, pin, reweigh, create, move and change their minds, all at once and at random, while the
//! leader dies again and again: `route(id) == directory(id)` at every version, and in the end everybody is somewhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use control_api::{
    ClientError, MoveQuery, NewInstitution, NewPlan, Pin, Plan, ShardChange, ShardRemoval,
};
use control_plane::operation::lead;
use control_plane::operation::metrics::MoveMetrics;
use service_kit::metrics::Metrics;
use shard_map::{InstitutionId, PlanState, ShardId};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::placement::check_every_version;
use crate::support::{Sandbox, new_institution, sandbox, shard_id, within};

const SHARDS: [&str; 4] = ["shard-a", "shard-b", "shard-c", "shard-d"];
/// What each operator does.
const DEEDS: usize = 40;
const LEADERS: usize = 4;

/// Chance that a seed brings back.
struct Dice(AtomicU64);

impl Dice {
    fn roll(&self, sides: usize) -> usize {
        let step = |state: u64| {
            let state = state ^ (state << 13);
            let state = state ^ (state >> 7);
            Some(state ^ (state << 17))
        };
        let state = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        let state = state.unwrap_or_default() >> 16;
        usize::try_from(state % u64::try_from(sides).expect("sides")).expect("a side")
    }
}

fn lead(sandbox: &Sandbox) -> JoinHandle<()> {
    let metrics = MoveMetrics::new(&Metrics::new().expect("metrics")).expect("metrics");
    tokio::spawn(lead::run(sandbox.platform.clone(), metrics, sandbox.stop.child_token()))
}

/// Each dies in the middle of whatever it does.
async fn leaders(sandbox: &Sandbox) {
    for _ in 0..LEADERS {
        let leading = lead(sandbox);
        tokio::time::sleep(Duration::from_secs(4)).await;
        leading.abort();
        let _ = leading.await;
        sqlx::query("UPDATE leader SET expires_at = clock_timestamp()")
            .execute(sandbox.pool())
            .await
            .expect("free");
    }
}

/// A refusal is an answer; anything else that is no success is not.
fn answered<T>(what: &str, answer: Result<T, ClientError>) -> Option<T> {
    match answer {
        Ok(it) => Some(it),
        Err(error) => {
            let status = error.refusal().map(|refusal| refusal.status);
            assert!(matches!(status, Some(404 | 409 | 422 | 503)), "{what}: {error}");
            None
        }
    }
}

struct Operator<'s> {
    sandbox: &'s Sandbox,
    dice: &'s Dice,
    number: usize,
}

impl Operator<'_> {
    async fn work(&self) {
        for deed in 0..DEEDS {
            self.one(deed).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn shard(&self) -> ShardId {
        shard_id(SHARDS[self.dice.roll(SHARDS.len())])
    }

    async fn somebody(&self) -> Option<InstitutionId> {
        let page = self.sandbox.ops().institutions(&control_api::InstitutionQuery::default()).await;
        let all = answered("a list", page)?.items;
        (!all.is_empty()).then(|| all[self.dice.roll(all.len())].id)
    }

    async fn apply(&self, new: &NewPlan) -> Option<Plan> {
        let ops = self.sandbox.ops();
        let plan = answered("a plan", ops.propose(new).await)?;
        answered("an apply", ops.apply_plan(plan.id).await)
    }

    async fn one(&self, deed: usize) -> Option<()> {
        let ops = self.sandbox.ops();
        match self.dice.roll(13) {
            0..3 => {
                let slug = format!("i-{}-{deed}", self.number);
                let shard = (self.dice.roll(2) == 0).then(|| self.shard());
                let new = NewInstitution { shard, ..new_institution(&slug) };
                answered("a creation", ops.create_institution(&new).await)?;
            }
            3 => {
                let pin = Pin { shard: Some(self.shard()), alone: self.dice.roll(4) == 0 };
                answered("a pin", ops.pin_institution(self.somebody().await?, &pin).await)?;
            }
            4 => {
                answered("an unpin", ops.unpin_institution(self.somebody().await?).await)?;
            }
            5 => {
                let weight = u32::try_from(self.dice.roll(4)).ok();
                let change = ShardChange { weight, ..ShardChange::default() };
                answered("a weight", ops.change_shard(&self.shard(), &change).await)?;
            }
            6..8 => {
                self.apply(&NewPlan::Rebalance { window: None }).await?;
            }
            8 => {
                // One goes, the others stay: else nobody would be left.
                let shard = shard_id("shard-c");
                self.apply(&NewPlan::Drain { shard: shard.clone(), window: None }).await;
                answered("a removal", ops.remove_shard(&shard, ShardRemoval::default()).await)?;
            }
            9 => {
                let (institution, to) = (self.somebody().await?, self.shard());
                self.apply(&NewPlan::Move { institution, to }).await?;
            }
            10 => {
                let query = MoveQuery { active: true, ..MoveQuery::default() };
                let moves = answered("moves", ops.moves(&query).await)?.items;
                let it = moves.get(self.dice.roll(moves.len().max(1)))?;
                answered("an abort", ops.cancel_move(it.id).await)?;
            }
            11 => {
                answered("an undrain", ops.undrain_shard(&self.shard()).await)?;
            }
            _ => {
                let plans = answered("plans", ops.plans(5).await)?.items;
                let plan = plans.get(self.dice.roll(plans.len().max(1)))?.id;
                answered("a pause", ops.pause_plan(plan).await);
                answered("a resumption", ops.resume_plan(plan).await);
                if self.dice.roll(3) == 0 {
                    answered("a cancellation", ops.cancel_plan(plan).await);
                }
            }
        }
        Some(())
    }
}

async fn count(sandbox: &Sandbox, phase: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM moves WHERE phase = $1")
        .bind(phase)
        .fetch_one(sandbox.pool())
        .await
        .expect("a count")
}

/// Waits until nothing is under way any more.
async fn rest(sandbox: &Sandbox) {
    within(Duration::from_mins(2), "all plans to end", async || {
        let open = |plan: &Plan| matches!(plan.state, PlanState::Running | PlanState::Paused);
        let plans = sandbox.ops().plans(200).await.expect("plans").items;
        let query = MoveQuery { active: true, ..MoveQuery::default() };
        let moves = sandbox.ops().moves(&query).await.expect("moves").items;
        moves.is_empty() && !plans.iter().any(open)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn route_is_the_directory_whatever_operators_do_and_leaders_die() {
    sandbox(async |sandbox| {
        let seed = Uuid::new_v4().as_u64_pair().0 | 1;
        println!("seed {seed}");
        let dice = Dice(AtomicU64::new(seed));
        sandbox.reconcile();
        for shard in &SHARDS[..3] {
            sandbox.active_shard(shard).await;
        }
        let operator = |number| Operator { sandbox: &sandbox, dice: &dice, number };
        let (first, second) = (operator(1), operator(2));
        tokio::join!(first.work(), second.work(), leaders(&sandbox), async {
            sandbox.active_shard(SHARDS[3]).await;
        });
        let leading = lead(&sandbox);
        rest(&sandbox).await;
        let moved = count(&sandbox, "done").await;
        let last = check_every_version(&sandbox).await;
        println!("{moved} moved, {} given up, {last} versions", count(&sandbox, "aborted").await);
        assert!(moved > 0, "nobody moved");
        for one in sandbox
            .ops()
            .institutions(&control_api::InstitutionQuery::default())
            .await
            .expect("all")
            .items
        {
            let there = sandbox.ops().institution(one.id).await.expect("shown");
            let serves = there.ownership.iter().filter(|row| row.owner == row.shard);
            let serves: Vec<_> = serves.map(|row| (&row.shard, row.state.as_str())).collect();
            assert_eq!(serves, [(&there.institution.shard, "active")], "{there:?}");
        }
        leading.abort();
    })
    .await;
}
