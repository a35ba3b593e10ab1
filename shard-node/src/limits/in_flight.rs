//! What is under way at once, in the node and of one institution.
//!
//! What must stay true: a request has its place until its work has ended, also where its client left long ago; what
//! is beyond the caps is refused at once, so that a queue never holds more than they say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shard_map::InstitutionId;

/// How many are under way.
pub struct InFlight {
    node_max: u32,
    institution_max: u32,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    node: u32,
    institutions: HashMap<InstitutionId, u32>,
}

/// The place of a request; it is free again when this is dropped.
pub struct Place {
    of: Arc<InFlight>,
    institution: Option<InstitutionId>,
    calls: u32,
}

impl InFlight {
    /// So many at once.
    pub fn new(node_max: u32, institution_max: u32) -> Self {
        Self { node_max, institution_max, counts: Mutex::default() }
    }

    /// A place in the node, for a request whose caller is not known yet.
    pub fn enter(self: &Arc<Self>) -> Option<Place> {
        let mut counts = self.counts();
        if counts.node >= self.node_max {
            return None;
        }
        counts.node += 1;
        Some(Place { of: self.clone(), institution: None, calls: 1 })
    }

    /// A place of an institution for so many calls.
    pub fn enter_institution(
        self: &Arc<Self>,
        institution: InstitutionId,
        calls: u32,
    ) -> Option<Place> {
        let mut counts = self.counts();
        let count = counts.institutions.entry(institution).or_default();
        // One batch alone may be more than the cap; it may not be so beside another.
        if *count > 0 && count.saturating_add(calls) > self.institution_max {
            return None;
        }
        *count += calls;
        Some(Place { of: self.clone(), institution: Some(institution), calls })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.of.counts();
        let Some(institution) = self.institution else {
            counts.node = counts.node.saturating_sub(self.calls);
            return;
        };
        if let Some(count) = counts.institutions.get_mut(&institution) {
            *count = count.saturating_sub(self.calls);
            if *count == 0 {
                counts.institutions.remove(&institution);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn caps_hold_and_places_come_back() {
        let in_flight = Arc::new(InFlight::new(2, 3));
        let (one, other) = (InstitutionId::new(Uuid::nil()), InstitutionId::new(Uuid::max()));
        let node: Vec<_> = (0..3).map(|_| in_flight.enter()).collect();
        assert_eq!(node.iter().filter(|place| place.is_some()).count(), 2);
        let batch = in_flight.enter_institution(one, 2).expect("a place");
        assert!(in_flight.enter_institution(one, 2).is_none());
        let last = in_flight.enter_institution(one, 1).expect("a place");
        assert!(in_flight.enter_institution(other, 50).is_some(), "a neighbour is not held up");
        drop((batch, last, node));
        assert!(in_flight.counts().institutions.is_empty());
        assert!(in_flight.enter().is_some() && in_flight.enter_institution(one, 3).is_some());
    }
}
