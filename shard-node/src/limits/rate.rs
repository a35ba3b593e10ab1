//! Budgets a minute, kept in Redis for all nodes together.
//!
//! What must stay true:
//! - All budgets that a request counts against are charged by one script in one slot, all or none.
//! - Far from its limit a caller does not wait for Redis: while the last answer is under [`FRESH`] old and more than
//!   a quarter is left, this node counts for itself and tells Redis within [`TELL_EVERY`]. Near the limit, and at
//!   first sight, Redis is asked. So several nodes let through too much by what they spend in a tenth of a second
//!   at the most, and only where a budget is spent that fast.
//! - Redis slow or away: this node's own count decides, from what it knew last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use moka::sync::Cache as Moka;
use service_kit::Problem;

use super::gcra;
use super::headers::Standing;
use crate::redis::{PATIENCE, Redis};

const SCRIPT: &str = include_str!("rate.lua");

/// How old an answer of Redis may be to count by oneself.
const FRESH: Duration = Duration::from_secs(1);

/// With no more left than this, Redis is always asked.
const NEAR_MIN: u32 = 50;

/// How often Redis is told what was spent.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Budgets held in the process at most; one that is not used for so long is paid off.
const BUCKETS_MAX: u64 = 200_000;
const IDLE: Duration = Duration::from_mins(2);

/// What a request takes from one budget.
#[derive(Debug, Clone)]
pub struct Charge {
    /// Its key in Redis.
    pub key: String,
    /// What it is called in the headers.
    pub name: &'static str,
    /// How much it is a minute.
    pub per_minute: u32,
    /// How much of it is taken.
    pub cost: u32,
}

/// A budget is used up.
#[derive(Debug)]
pub struct Refusal {
    /// Where all budgets stand.
    pub standings: Vec<Standing>,
    /// 429 `rate-limited`.
    pub problem: Problem,
}

/// The budgets.
pub struct Rate {
    redis: Arc<Redis>,
    buckets: Moka<String, Arc<Mutex<Bucket>>>,
}

/// What this node knows of one budget.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    debt_us: f64,
    /// When that was the debt.
    at: Instant,
    /// When Redis said so.
    learned_at: Option<Instant>,
    /// What Redis was not told yet.
    spent: u32,
    /// Whether it is being told.
    telling: bool,
}

impl Bucket {
    fn debt(&self, now: Instant) -> f64 {
        (self.debt_us - now.saturating_duration_since(self.at).as_secs_f64() * 1e6).max(0.0)
    }

    fn owe(&mut self, debt_us: f64, now: Instant) {
        (self.debt_us, self.at) = (debt_us, now);
    }

    /// Takes what Redis says, and adds what it cannot know yet.
    fn learn(&mut self, debt_us: f64, per_minute: u32, now: Instant) {
        let untold = f64::from(self.spent) * gcra::interval_us(per_minute);
        self.owe(debt_us + untold, now);
        self.learned_at = Some(now);
    }

    /// Whether this node may count for itself.
    fn is_far_from_limit(&self, charge: &Charge, now: Instant) -> bool {
        let fresh = self.learned_at.is_some_and(|at| now.saturating_duration_since(at) < FRESH);
        let left = gcra::remaining(self.debt(now), charge.per_minute);
        fresh && left.saturating_sub(charge.cost) > (charge.per_minute / 4).max(NEAR_MIN)
    }
}

/// Budgets with what a request takes from them.
struct Charges {
    charges: Vec<Charge>,
    buckets: Vec<Arc<Mutex<Bucket>>>,
}

impl Rate {
    /// Budgets shared through Redis.
    pub fn new(redis: Arc<Redis>) -> Self {
        let buckets = Moka::builder().max_capacity(BUCKETS_MAX).time_to_idle(IDLE).build();
        Self { redis, buckets }
    }

    /// Charges all, or none where one is used up.
    ///
    /// # Errors
    /// When one is used up.
    pub async fn charge(self: &Arc<Self>, charges: Vec<Charge>) -> Result<Vec<Standing>, Refusal> {
        let bucket = |charge: &Charge| {
            self.buckets.get_with_by_ref(&charge.key, || {
                let (debt_us, at) = (0.0, Instant::now());
                let bucket = Bucket { debt_us, at, learned_at: None, spent: 0, telling: false };
                Arc::new(Mutex::new(bucket))
            })
        };
        let buckets = charges.iter().map(bucket).collect();
        let all = Charges { charges, buckets };
        let now = Instant::now();
        if !self.redis.is_reachable() {
            return all.charge_here(now);
        }
        if all.each().all(|(charge, bucket)| bucket.is_far_from_limit(charge, now)) {
            all.each().for_each(|(charge, mut bucket)| bucket.spent += charge.cost);
            let standings = all.charge_here(now);
            self.tell(all, now);
            return standings;
        }
        let spent = all.take_spent();
        match self.ask(&all.charges, &spent, true).await {
            Some(answer) => all.learn(&answer, Instant::now()),
            None => all.charge_here(Instant::now()),
        }
    }

    /// Tells Redis in the background what was spent, unless that was done just now.
    fn tell(self: &Arc<Self>, all: Charges, now: Instant) {
        let is_due = |bucket: &Bucket| {
            let told = bucket.learned_at.map(|at| now.saturating_duration_since(at));
            !bucket.telling && told.is_none_or(|age| age >= TELL_EVERY)
        };
        if !all.each().any(|(_, bucket)| is_due(&bucket)) {
            return;
        }
        all.each().for_each(|(_, mut bucket)| bucket.telling = true);
        let rate = self.clone();
        tokio::spawn(async move {
            let spent = all.take_spent();
            let answer = rate.ask(&all.charges, &spent, false).await;
            if let Some(answer) = answer {
                let _ = all.learn(&answer, Instant::now());
            }
            all.each().for_each(|(_, mut bucket)| bucket.telling = false);
        });
    }

    /// Runs the script; without `charge` it only tells what was spent.
    async fn ask(&self, charges: &[Charge], spent: &[u32], charge: bool) -> Option<Vec<i64>> {
        let keys: Vec<&str> = charges.iter().map(|charge| charge.key.as_str()).collect();
        let numbers = charges.iter().zip(spent).flat_map(|(asked, spent)| {
            [asked.per_minute, *spent, if charge { asked.cost } else { 0 }]
        });
        let arguments: Vec<String> = numbers.map(|number| number.to_string()).collect();
        self.redis.eval(PATIENCE, "charge", SCRIPT, &keys, &arguments).await
    }
}

impl Charges {
    /// One bucket after the other, each locked for a moment.
    fn each(&self) -> impl Iterator<Item = (&Charge, MutexGuard<'_, Bucket>)> {
        self.charges.iter().zip(self.buckets.iter().map(|bucket| lock(bucket)))
    }

    fn take_spent(&self) -> Vec<u32> {
        self.each().map(|(_, mut bucket)| std::mem::take(&mut bucket.spent)).collect()
    }

    /// What the script answered.
    fn learn(&self, answer: &[i64], now: Instant) -> Result<Vec<Standing>, Refusal> {
        let charged = answer.first() == Some(&1);
        let (mut standings, mut longest) = (Vec::new(), None);
        for ((charge, mut bucket), numbers) in self.each().zip(answer[1..].chunks(2)) {
            let (debt_us, wait_us) = (us(numbers.first()), us(numbers.get(1)));
            bucket.learn(debt_us, charge.per_minute, now);
            standings.push(Standing::new(charge, bucket.debt(now)));
            if wait_us > 0.0 && longest.is_none_or(|(_, longest)| wait_us > longest) {
                longest = Some((charge, wait_us));
            }
        }
        match longest {
            Some((charge, wait_us)) if !charged => Err(refusal(standings, charge, wait_us)),
            _ => Ok(standings),
        }
    }

    /// By what this node knows.
    fn charge_here(&self, now: Instant) -> Result<Vec<Standing>, Refusal> {
        let judged: Vec<_> = self
            .each()
            .map(|(charge, bucket)| {
                let debt_us = bucket.debt(now);
                (charge, debt_us, gcra::charge(debt_us, charge.per_minute, charge.cost))
            })
            .collect();
        let refused = judged
            .iter()
            .filter_map(|(charge, _, judged)| Some((*charge, *judged.as_ref().err()?)));
        if let Some((charge, wait_us)) = refused.max_by(|one, other| one.1.total_cmp(&other.1)) {
            let standings =
                judged.iter().map(|(charge, debt_us, _)| Standing::new(charge, *debt_us)).collect();
            return Err(refusal(standings, charge, wait_us));
        }
        let standings = self.each().zip(judged).map(|((charge, mut bucket), (.., judged))| {
            let debt_us = judged.unwrap_or_else(|_| bucket.debt(now));
            bucket.owe(debt_us, now);
            Standing::new(charge, debt_us)
        });
        Ok(standings.collect())
    }
}

fn refusal(standings: Vec<Standing>, charge: &Charge, wait_us: f64) -> Refusal {
    let title = "Too many requests";
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", title)
        .detail(format!(
            "{} requests a minute are allowed ({}); nothing was applied",
            charge.per_minute, charge.name
        ))
        .retry_after_s(gcra::seconds(wait_us).max(1));
    Refusal { standings, problem }
}

fn us(number: Option<&i64>) -> f64 {
    // Two minutes at most: exact.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let us = number.copied().unwrap_or_default() as f64;
    us
}

fn lock(bucket: &Mutex<Bucket>) -> MutexGuard<'_, Bucket> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}
