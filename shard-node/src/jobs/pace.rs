//! How many jobs of a kind are leased at once: so many that they are done soon, one after another.
//!
//! What must stay true: what is slow is taken one by one, so that others do not wait behind it for their turn; what is
//! quick is taken by the batch, so that a lease's transaction is shared.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The part of a lease that a batch may take.
const OF_LEASE: f64 = 0.1;

/// How much the last one counts.
const WEIGHT: f64 = 0.2;

/// How long jobs of each kind took lately.
#[derive(Debug, Default)]
pub(super) struct Pace {
    seconds: Mutex<HashMap<&'static str, f64>>,
}

impl Pace {
    /// One took so long.
    pub(super) fn note(&self, kind: &'static str, took: Duration) {
        let took_s = took.as_secs_f64();
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seconds.entry(kind).or_insert(took_s);
        *known += (took_s - *known) * WEIGHT;
    }

    /// How many are to be leased at once; one of a kind of which nothing is known.
    pub(super) fn batch(&self, kind: &str, lease: Duration, at_most: u32) -> u32 {
        let seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(each_s) = seconds.get(kind) else { return 1 };
        let fits =
            (lease.as_secs_f64() * OF_LEASE / each_s.max(1e-6)).clamp(1.0, f64::from(at_most));
        // Between 1 and a u32.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it was clamped"
        )]
        let fits = fits as u32;
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(30);

    #[test]
    fn what_is_quick_is_taken_by_the_batch_and_what_is_slow_one_by_one() {
        let pace = Pace::default();
        assert_eq!(pace.batch("A", LEASE, 8), 1, "of which nothing is known");
        pace.note("A", Duration::from_millis(5));
        assert_eq!(pace.batch("A", LEASE, 8), 8);
        for _ in 0..50 {
            pace.note("A", Duration::from_secs(1));
        }
        assert_eq!(pace.batch("A", LEASE, 8), 3);
        pace.note("B", Duration::from_secs(20));
        assert_eq!(pace.batch("B", LEASE, 8), 1);
        pace.note("C", Duration::ZERO);
        assert_eq!(pace.batch("C", LEASE, 8), 8);
    }
}
