//! A way that so many may use at once, and so many wait for.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::error::{Error, overloaded};

/// Places, and a queue with a bound and a deadline.
pub struct Gate {
    places: Semaphore,
    waiting: AtomicU32,
    waiting_max: u32,
    wait: Duration,
}

impl Gate {
    /// `places` at once; `waiting_max` wait for at most `wait`.
    pub fn new(places: u32, waiting_max: u32, wait: Duration) -> Self {
        let places =
            Semaphore::new(usize::try_from(places.max(1)).unwrap_or(Semaphore::MAX_PERMITS));
        Self { places, waiting: AtomicU32::new(0), waiting_max, wait }
    }

    /// A place.
    ///
    /// # Errors
    /// 503 `overloaded` where too many wait already, at once; or when none came free in time.
    pub async fn enter(&self) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let waiting = Waiting::join(self).ok_or_else(overloaded)?;
        let place = timeout(self.wait, self.places.acquire()).await;
        drop(waiting);
        match place {
            Ok(Ok(place)) => Ok(place),
            _ => Err(overloaded().into()),
        }
    }
}

/// One that waits; it leaves the queue also when its request is given up.
struct Waiting<'g>(&'g Gate);

impl<'g> Waiting<'g> {
    fn join(gate: &'g Gate) -> Option<Self> {
        let waiting = Self(gate);
        (gate.waiting.fetch_add(1, Ordering::AcqRel) < gate.waiting_max).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_beyond_the_queue_is_refused_at_once_and_what_waits_in_time() {
        let gate = Gate::new(1, 1, Duration::from_secs(1));
        let place = gate.enter().await.expect("a place");
        let began = tokio::time::Instant::now();
        let (waited, refused) = tokio::join!(gate.enter(), gate.enter());
        assert!(waited.is_err() && refused.is_err());
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        assert_eq!(gate.waiting.load(Ordering::Acquire), 0);
        drop(place);
        assert!(gate.enter().await.is_ok());
    }

    #[tokio::test]
    async fn those_who_wait_get_the_place() {
        let gate = Gate::new(1, 10, Duration::from_secs(5));
        let run = async {
            let _place = gate.enter().await.expect("a place");
            tokio::task::yield_now().await;
        };
        futures::future::join_all((0..10).map(|_| run_once(&gate))).await;
        run.await;
    }

    async fn run_once(gate: &Gate) {
        let _place = gate.enter().await.expect("a place");
        tokio::task::yield_now().await;
    }
}
