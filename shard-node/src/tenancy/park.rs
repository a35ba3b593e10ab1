//! Where requests of a fenced institution wait: the end of a move is one slower request, and no error.
//!
//! What must stay true:
//! - At most [`INSTITUTION`] of an institution and [`NODE`] of the whole node wait, and none for longer than
//!   [`PATIENCE`] or past its own deadline.
//! - Who waits holds nothing that others need: no place in the node, no connection, no turn at a class.
//! - Who leaves, for whatever reason, is not counted any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{HistogramVec, IntGauge, Registry};
use shard_map::InstitutionId;

/// How long a request waits in all, however often its institution is fenced meanwhile.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What may wait of one institution.
const INSTITUTION: Bounds = Bounds { requests: 1_000, bytes: 16 << 20 };

/// What may wait in the node: many moves may be in their last moment at once.
const NODE: Bounds = Bounds { requests: 4_000, bytes: 64 << 20 };

const WAITS_S: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.5, 5.0];

struct Bounds {
    requests: usize,
    /// Of bodies.
    bytes: usize,
}

impl Bounds {
    fn hold(&self, load: Load, body_bytes: usize) -> bool {
        load.requests < self.requests && load.bytes + body_bytes <= self.bytes
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Load {
    requests: usize,
    bytes: usize,
}

impl Load {
    fn add(&mut self, body_bytes: usize) {
        (self.requests, self.bytes) = (self.requests + 1, self.bytes + body_bytes);
    }

    fn take(&mut self, body_bytes: usize) {
        self.requests = self.requests.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(body_bytes);
    }
}

#[derive(Debug, Default)]
struct Loads {
    node: Load,
    institutions: HashMap<InstitutionId, Load>,
}

/// The park of a node.
#[derive(Debug)]
pub struct Park {
    loads: Mutex<Loads>,
    parked: IntGauge,
    waited_s: HistogramVec,
}

/// How a wait has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The institution is served here after all.
    Served,
    /// Another shard has it.
    Moved,
    /// Nothing was decided in time.
    TimedOut,
    /// Something else refused it then.
    Refused,
    /// Its client went away.
    Left,
    /// There was no room: it did not wait at all.
    Full,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Moved => "moved",
            Self::TimedOut => "timed-out",
            Self::Refused => "refused",
            Self::Left => "left",
            Self::Full => "full",
        }
    }
}

impl Park {
    /// An empty one.
    ///
    /// # Errors
    /// Where its metrics are registered already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let parked = IntGauge::new("lxp_parked_requests", "Requests that wait for a move's end")?;
        let waited_s = HistogramVec::new(
            prometheus::histogram_opts!(
                "lxp_park_seconds",
                "Seconds that requests waited for a move's end, by how that came out",
                WAITS_S.to_vec()
            ),
            &["outcome"],
        )?;
        registry.register(Box::new(parked.clone()))?;
        registry.register(Box::new(waited_s.clone()))?;
        Ok(Self { loads: Mutex::default(), parked, waited_s })
    }

    /// Lets a request in; none where there is no room.
    pub fn enter(
        self: &Arc<Self>,
        institution: InstitutionId,
        body_bytes: usize,
    ) -> Option<Parked> {
        let mut loads = self.loads();
        let own = loads.institutions.get(&institution).copied().unwrap_or_default();
        if !(INSTITUTION.hold(own, body_bytes) && NODE.hold(loads.node, body_bytes)) {
            self.ended(Outcome::Full, Duration::ZERO);
            return None;
        }
        loads.node.add(body_bytes);
        loads.institutions.entry(institution).or_default().add(body_bytes);
        self.parked.inc();
        let (park, since) = (self.clone(), Instant::now());
        Some(Parked { park, institution, body_bytes, since, outcome: Outcome::Left })
    }

    /// How many wait.
    pub fn parked(&self) -> i64 {
        self.parked.get()
    }

    fn ended(&self, outcome: Outcome, waited: Duration) {
        self.waited_s.with_label_values(&[outcome.as_str()]).observe(waited.as_secs_f64());
    }

    fn loads(&self) -> MutexGuard<'_, Loads> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that waits; it leaves when this is dropped.
#[derive(Debug)]
pub struct Parked {
    park: Arc<Park>,
    institution: InstitutionId,
    body_bytes: usize,
    since: Instant,
    outcome: Outcome,
}

impl Parked {
    /// Leaves, and says why.
    pub fn leave(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.park.parked.dec();
        self.park.ended(self.outcome, self.since.elapsed());
        let mut loads = self.park.loads();
        loads.node.take(self.body_bytes);
        if let Some(load) = loads.institutions.get_mut(&self.institution) {
            load.take(self.body_bytes);
            if load.requests == 0 {
                loads.institutions.remove(&self.institution);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn park() -> Arc<Park> {
        Arc::new(Park::new(&Registry::new()).expect("a park"))
    }

    fn institution(number: u128) -> InstitutionId {
        InstitutionId::new(Uuid::from_u128(number))
    }

    #[test]
    fn so_many_requests_of_an_institution_wait_and_no_more() {
        let (park, one) = (park(), institution(1));
        let mut parked: Vec<_> = (0..1_000).map(|_| park.enter(one, 0).expect("room")).collect();
        assert!(park.enter(one, 0).is_none());
        let neighbour = park.enter(institution(2), 0).expect("room for others");
        parked.pop();
        parked.push(park.enter(one, 0).expect("room again"));
        assert_eq!(park.parked(), 1_001);
        drop((parked, neighbour));
        assert_eq!(park.parked(), 0);
        let loads = park.loads();
        assert!(loads.institutions.is_empty() && loads.node.requests == 0);
    }

    #[test]
    fn so_many_bytes_of_an_institution_wait_and_no_more() {
        let (park, one) = (park(), institution(1));
        let most = park.enter(one, (16 << 20) - 10).expect("room");
        assert!(park.enter(one, 11).is_none());
        let rest = park.enter(one, 10).expect("room for what is left");
        assert!(park.enter(one, 1).is_none() && park.enter(one, 0).is_some());
        drop((most, rest));
        assert_eq!(park.loads().node.bytes, 0);
    }

    #[test]
    fn the_node_has_bounds_over_all_institutions() {
        let park = park();
        let full = |number| {
            let of = institution(number);
            (0..1_000).map(|_| park.enter(of, 0)).collect::<Option<Vec<_>>>()
        };
        let parked: Vec<_> = (0..4).map(|number| full(number).expect("room")).collect();
        assert!(park.enter(institution(9), 0).is_none());
        drop(parked);
        let large: Vec<_> =
            (0..4).map(|number| park.enter(institution(number), 16 << 20)).collect();
        assert!(large.iter().all(Option::is_some));
        assert!(park.enter(institution(9), 1).is_none());
    }

    #[test]
    fn how_a_wait_ended_is_counted() {
        let registry = Registry::new();
        let park = Arc::new(Park::new(&registry).expect("a park"));
        drop(park.enter(institution(1), 0));
        park.enter(institution(1), 0).expect("room").leave(Outcome::Moved);
        assert!(park.enter(institution(1), usize::MAX >> 1).is_none());
        for (outcome, count) in [("left", 1), ("moved", 1), ("full", 1), ("served", 0)] {
            let seen = park.waited_s.with_label_values(&[outcome]).get_sample_count();
            assert_eq!(seen, count, "{outcome}");
        }
    }
}
