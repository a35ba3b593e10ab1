//! How many retries a shard's requests may cost: a share of its requests, by a window that slides.
//!
//! What must stay true: over any run of requests of which each wants a retry, those that are granted stay
//! within a fifth of the requests; only where there are hardly any, [`FLOOR`] is granted.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Retries for each 100 requests of the window. Less than a fifth: what a quiet window has earned is spent
/// when trouble begins, and over 30 s of it, too, no more than a fifth may come together.
const PERCENT: u32 = 15;

/// Retries that a window allows however few requests it has.
const FLOOR: u32 = 10;

/// Length of the window, in seconds.
const WINDOW_S: u64 = 10;

/// One slot a second.
const SLOTS: usize = 10;

/// The retry budget of a shard.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    began: Instant,
    window: Mutex<Window>,
}

/// The last seconds, one slot each.
#[derive(Debug, Default)]
struct Window {
    slots: [Slot; SLOTS],
}

#[derive(Debug, Default, Clone, Copy)]
struct Slot {
    second: u64,
    requests: u32,
    retries: u32,
}

impl RetryBudget {
    /// An empty window.
    pub(crate) fn new(now: Instant) -> Self {
        Self { began: now, window: Mutex::default() }
    }

    /// A request begins: its first attempt is no retry.
    pub(crate) fn request(&self, now: Instant) {
        self.with(now, |window, second| window.slot(second).requests += 1);
    }

    /// Whether a retry is granted; it then counts.
    pub(crate) fn retry(&self, now: Instant) -> bool {
        self.with(now, |window, second| window.retry(second, 1))
    }

    /// The same for a request that met a node with too much to do: half of the budget is not for it. One
    /// institution that floods its shard would else take from the others what they need when a node dies.
    pub(crate) fn retry_of_overload(&self, now: Instant) -> bool {
        self.with(now, |window, second| window.retry(second, 2))
    }

    fn with<T>(&self, now: Instant, act: impl FnOnce(&mut Window, u64) -> T) -> T {
        let second = now.saturating_duration_since(self.began).as_secs();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut window, second)
    }
}

impl Window {
    fn slot(&mut self, second: u64) -> &mut Slot {
        let at = usize::try_from(second % WINDOW_S).unwrap_or_default();
        let slot = &mut self.slots[at];
        if slot.second != second {
            *slot = Slot { second, ..Slot::default() };
        }
        slot
    }

    /// Grants one while less than the whole of the allowance, or that part of it, is spent.
    fn retry(&mut self, second: u64, part: u64) -> bool {
        let (mut requests, mut retries) = (0_u32, 0_u32);
        for slot in self.slots.iter().filter(|slot| slot.second + WINDOW_S > second) {
            requests = requests.saturating_add(slot.requests);
            retries = retries.saturating_add(slot.retries);
        }
        let allowed = (u64::from(requests) * u64::from(PERCENT) / 100).max(u64::from(FLOOR));
        let granted = u64::from(retries) < allowed / part;
        if granted {
            self.slot(second).retries += 1;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn granted(budget: &RetryBudget, now: Instant, wanted: u32) -> u32 {
        (0..wanted).map(|_| u32::from(budget.retry(now))).sum()
    }

    #[test]
    fn a_share_of_the_requests_is_granted() {
        let now = Instant::now();
        let budget = RetryBudget::new(now);
        for _ in 0..1000 {
            budget.request(now);
        }
        assert_eq!(granted(&budget, now, 1000), 150);
    }

    #[test]
    fn overload_leaves_half_of_it() {
        let now = Instant::now();
        let budget = RetryBudget::new(now);
        for _ in 0..1000 {
            budget.request(now);
        }
        assert_eq!((0..1000).filter(|_| budget.retry_of_overload(now)).count(), 75);
        assert_eq!(granted(&budget, now, 1000), 75);
    }

    #[test]
    fn a_few_are_granted_always_and_the_window_slides() {
        let now = Instant::now();
        let budget = RetryBudget::new(now);
        assert_eq!(granted(&budget, now, 50), FLOOR);
        assert_eq!(granted(&budget, now + Duration::from_secs(WINDOW_S - 1), 50), 0);
        assert_eq!(granted(&budget, now + Duration::from_secs(WINDOW_S), 50), FLOOR);
    }

    proptest! {
        /// A quiet time, then an outage of 30 s in which each request wants a retry.
        #[test]
        fn an_outage_costs_at_most_a_fifth(per_second in 10..400_u32, quiet_s in 0..15_u64) {
            let start = Instant::now();
            let budget = RetryBudget::new(start);
            let (mut requests, mut retries) = (0_u32, 0_u32);
            for second in 0..quiet_s + 30 {
                for _ in 0..per_second {
                    let now = start + Duration::from_secs(second);
                    budget.request(now);
                    if second >= quiet_s {
                        requests += 1;
                        retries += u32::from(budget.retry(now));
                    }
                }
            }
            prop_assert!(retries * 5 <= requests, "{retries} of {requests}");
        }
    }
}
