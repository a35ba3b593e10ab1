//! What is under way at once, in the node and of one institution.
//!
//! What must stay true:
//! - A request has its place until its work has ended, also where its client left long ago.
//! - What is beyond the caps is refused at once, so that a queue never holds more than they say.
//! - Who comes back from the park waits for a place instead, and goes before those who come anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use shard_map::InstitutionId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Past this number the map is rid of institutions that have nothing under way.
const KEPT_MAX: usize = 1_024;

/// How many are under way.
pub struct InFlight {
    node: Arc<Semaphore>,
    institution_max: u32,
    institutions: Mutex<HashMap<InstitutionId, Weak<Semaphore>>>,
}

/// The place of a request; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Place {
    fn of(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: permit }
    }
}

impl InFlight {
    /// So many at once.
    pub fn new(node_max: u32, institution_max: u32) -> Self {
        let node = usize::try_from(node_max).unwrap_or(Semaphore::MAX_PERMITS);
        let node = Arc::new(Semaphore::new(node.min(Semaphore::MAX_PERMITS)));
        Self { node, institution_max: institution_max.max(1), institutions: Mutex::default() }
    }

    /// A place in the node, for a request whose caller is not known yet.
    pub fn enter(&self) -> Option<Place> {
        self.node.clone().try_acquire_owned().ok().map(Place::of)
    }

    /// The same for a request that was let in before: it waits.
    pub async fn enter_again(&self) -> Option<Place> {
        self.node.clone().acquire_owned().await.ok().map(Place::of)
    }

    /// A place of an institution for so many calls.
    pub fn enter_institution(&self, institution: InstitutionId, calls: u32) -> Option<Place> {
        let places = self.institution(institution);
        places.try_acquire_many_owned(self.permits(calls)).ok().map(Place::of)
    }

    /// The same for a request that has come from the park: it waits.
    pub async fn enter_institution_in_turn(
        &self,
        institution: InstitutionId,
        calls: u32,
    ) -> Option<Place> {
        let places = self.institution(institution);
        places.acquire_many_owned(self.permits(calls)).await.ok().map(Place::of)
    }

    /// One batch alone may be more than the cap; it may not be so beside another.
    fn permits(&self, calls: u32) -> u32 {
        calls.clamp(1, self.institution_max)
    }

    fn institution(&self, institution: InstitutionId) -> Arc<Semaphore> {
        let mut institutions = self.institutions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = institutions.get(&institution).and_then(Weak::upgrade) {
            return places;
        }
        if institutions.len() >= KEPT_MAX {
            institutions.retain(|_, places| places.strong_count() > 0);
        }
        let max = usize::try_from(self.institution_max).unwrap_or(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS)));
        institutions.insert(institution, Arc::downgrade(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn institution(number: u128) -> InstitutionId {
        InstitutionId::new(Uuid::from_u128(number))
    }

    #[test]
    fn caps_hold_and_places_come_back() {
        let in_flight = InFlight::new(2, 3);
        let (one, other) = (institution(1), institution(2));
        let node: Vec<_> = (0..3).map(|_| in_flight.enter()).collect();
        assert_eq!(node.iter().filter(|place| place.is_some()).count(), 2);
        let batch = in_flight.enter_institution(one, 2).expect("a place");
        assert!(in_flight.enter_institution(one, 2).is_none());
        let last = in_flight.enter_institution(one, 1).expect("a place");
        let large = in_flight.enter_institution(other, 50).expect("a neighbour is not held up");
        assert!(in_flight.enter_institution(other, 1).is_none());
        drop((batch, last, large, node));
        assert!(in_flight.enter().is_some() && in_flight.enter_institution(one, 3).is_some());
    }

    #[tokio::test]
    async fn who_comes_back_waits_and_goes_before_those_who_come_anew() {
        let in_flight = InFlight::new(1, 1);
        let one = institution(1);
        let (node, place) = (in_flight.enter(), in_flight.enter_institution(one, 1));
        let mut again = Box::pin(in_flight.enter_again());
        let mut in_turn = Box::pin(in_flight.enter_institution_in_turn(one, 1));
        assert!((&mut again).now_or_never().is_none() && (&mut in_turn).now_or_never().is_none());
        drop((node, place));
        assert!(in_flight.enter().is_none() && in_flight.enter_institution(one, 1).is_none());
        assert!(again.await.is_some() && in_turn.await.is_some());
        assert!(in_flight.enter().is_some() && in_flight.enter_institution(one, 1).is_some());
    }

    #[test]
    fn institutions_with_nothing_under_way_are_forgotten() {
        let in_flight = InFlight::new(1, 1);
        for number in 0..3 * KEPT_MAX as u128 {
            in_flight.enter_institution(institution(number), 1);
        }
        assert!(in_flight.institutions.lock().expect("the map").len() <= KEPT_MAX);
    }
}
