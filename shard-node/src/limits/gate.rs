//! A way that so many may use at once, and so many wait for: all of them, and of one institution half as many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use shard_map::InstitutionId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Keyed;
use crate::error::{Error, overloaded};

/// Places of which one institution gets at most half.
pub struct Gates {
    all: Gate,
    each: Keyed<InstitutionId, Gate>,
    bounds: Bounds,
}

/// A place at both.
pub struct Entered {
    _all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
    /// It is forgotten when nobody holds it.
    _gate: Arc<Gate>,
}

#[derive(Clone, Copy)]
struct Bounds {
    places: u32,
    waiting_max: u32,
    wait: Duration,
}

/// Places, and a queue with a bound and a deadline.
struct Gate {
    places: Arc<Semaphore>,
    waiting: AtomicU32,
    bounds: Bounds,
}

impl Gates {
    /// `places` at once; `waiting_max` wait for at most `wait`.
    pub fn new(places: u32, waiting_max: u32, wait: Duration) -> Self {
        let bounds = Bounds { places, waiting_max, wait };
        Self { all: Gate::new(bounds), each: Keyed::new(), bounds }
    }

    /// A place for an institution.
    ///
    /// # Errors
    /// 503 `overloaded` where too many wait already, at once; or when none came free in time.
    pub async fn enter(&self, institution: InstitutionId) -> Result<Entered, Error> {
        let Bounds { places, waiting_max, wait } = self.bounds;
        let half = Bounds { places: places / 2, waiting_max: waiting_max / 2, wait };
        let gate = self.each.get(institution, || Gate::new(half));
        let own = gate.enter().await?;
        Ok(Entered { _all: self.all.enter().await?, _own: own, _gate: gate })
    }
}

impl Gate {
    fn new(bounds: Bounds) -> Self {
        let places = usize::try_from(bounds.places.max(1)).unwrap_or(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), waiting: AtomicU32::new(0), bounds }
    }

    async fn enter(&self) -> Result<OwnedSemaphorePermit, Error> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Ok(place);
        }
        let waiting = Waiting::join(self).ok_or_else(overloaded)?;
        let place = timeout(self.bounds.wait, self.places.clone().acquire_owned()).await;
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
        (gate.waiting.fetch_add(1, Ordering::AcqRel) < gate.bounds.waiting_max).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn gate(places: u32, waiting_max: u32, wait_s: u64) -> Gate {
        Gate::new(Bounds { places, waiting_max, wait: Duration::from_secs(wait_s) })
    }

    #[tokio::test]
    async fn an_institution_gets_half_of_the_places_and_of_the_queue() {
        let (one, other) = (InstitutionId::new(Uuid::nil()), InstitutionId::new(Uuid::max()));
        let gates = Gates::new(4, 4, Duration::from_mins(1));
        let mut places = Vec::new();
        for _ in 0..2 {
            places.push(gates.enter(one).now_or_never().expect("at once").expect("a place"));
        }
        let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(gates.enter(one))).collect();
        assert!(waiting.iter_mut().all(|wait| wait.now_or_never().is_none()));
        assert!(gates.enter(one).now_or_never().expect("at once").is_err());
        for _ in 0..2 {
            places.push(gates.enter(other).now_or_never().expect("at once").expect("a place"));
        }
        places.remove(0);
        assert!(waiting[0].as_mut().now_or_never().expect("a place is free").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_beyond_the_queue_is_refused_at_once_and_what_waits_in_time() {
        let gate = gate(1, 1, 1);
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
        let gate = gate(1, 10, 5);
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
