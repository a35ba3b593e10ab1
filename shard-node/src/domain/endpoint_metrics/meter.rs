//! What the node has counted and not written yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use prometheus::{IntCounter, Registry};
use service_kit::clock;
use shard_map::InstitutionId;

use super::Resolution;
use super::rules::{BUCKETS, bucket};

/// Tallies that are kept at most, each of about 200 bytes; further requests are not counted.
const TALLIES_MAX: usize = 20_000;

/// Requests of one operation in one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) requests: i64,
    pub(super) client_errors: i64,
    pub(super) server_errors: i64,
    pub(super) total_us: i64,
    pub(super) latency: [i64; BUCKETS],
}

impl Tally {
    fn of(status: u16, took: Duration) -> Self {
        let mut tally = Self {
            requests: 1,
            client_errors: i64::from((400..500).contains(&status)),
            server_errors: i64::from(status >= 500),
            total_us: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
            ..Self::default()
        };
        tally.latency[bucket(took)] = 1;
        tally
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
        self.total_us = self.total_us.saturating_add(other.total_us);
        for (sum, more) in self.latency.iter_mut().zip(other.latency) {
            *sum += more;
        }
    }
}

/// Tallies of one institution, by the beginning of their minute and the operation.
pub(super) type Tallies = BTreeMap<(DateTime<Utc>, &'static str), Tally>;

/// Counts requests until they are written.
#[derive(Debug)]
pub struct Meter {
    counted: Mutex<Counted>,
    lost: IntCounter,
}

#[derive(Debug, Default)]
struct Counted {
    of: HashMap<InstitutionId, Tallies>,
    tallies: usize,
}

impl Meter {
    /// Nothing yet.
    ///
    /// # Errors
    /// When its metric's name is taken.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let lost = IntCounter::new(
            "lxp_endpoint_metrics_lost_total",
            "Requests that an institution's own metrics leave out",
        )?;
        registry.register(Box::new(lost.clone()))?;
        Ok(Self { counted: Mutex::default(), lost })
    }

    /// A request of an institution was answered. A 421 was not: another shard does it.
    pub fn record(
        &self,
        institution: InstitutionId,
        operation: &'static str,
        status: u16,
        took: Duration,
    ) {
        self.record_at(clock::now(), institution, operation, status, took);
    }

    fn record_at(
        &self,
        now: DateTime<Utc>,
        institution: InstitutionId,
        operation: &'static str,
        status: u16,
        took: Duration,
    ) {
        if status != 421 {
            let minute = Resolution::Minute.bucket(now);
            self.lock().add(institution, (minute, operation), &Tally::of(status, took), &self.lost);
        }
    }

    /// Everything that was counted; it is the writer's from then on.
    pub(super) fn take(&self) -> HashMap<InstitutionId, Tallies> {
        std::mem::take(&mut *self.lock()).of
    }

    /// What could not be written yet, to be tried again.
    pub(super) fn give_back(&self, institution: InstitutionId, tallies: Tallies) {
        let mut counted = self.lock();
        for (key, tally) in tallies {
            counted.add(institution, key, &tally, &self.lost);
        }
    }

    /// What nobody will write.
    pub(super) fn lose(&self, tallies: &Tallies) {
        let requests: i64 = tallies.values().map(|tally| tally.requests).sum();
        self.lost.inc_by(requests.unsigned_abs());
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn add(
        &mut self,
        institution: InstitutionId,
        key: (DateTime<Utc>, &'static str),
        tally: &Tally,
        lost: &IntCounter,
    ) {
        let has_room = self.tallies < TALLIES_MAX;
        let of = self.of.entry(institution).or_default();
        match of.get_mut(&key) {
            Some(known) => known.add(tally),
            None if has_room => {
                of.insert(key, *tally);
                self.tallies += 1;
            }
            None => lost.inc_by(tally.requests.unsigned_abs()),
        }
        if of.is_empty() {
            self.of.remove(&institution);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const FAST: Duration = Duration::from_micros(700);

    fn meter() -> Meter {
        Meter::new(&Registry::new()).expect("a meter")
    }

    fn institution(number: u128) -> InstitutionId {
        InstitutionId::new(Uuid::from_u128(number))
    }

    fn sum(tallies: &Tallies) -> Tally {
        tallies.values().fold(Tally::default(), |mut sum, tally| {
            sum.add(tally);
            sum
        })
    }

    #[test]
    fn what_is_recorded_is_added_up_by_operation_and_outcome() {
        let meter = meter();
        for status in [200, 201, 404, 429, 500, 503, 421] {
            meter.record(institution(1), "a", status, FAST);
        }
        meter.record(institution(1), "b", 200, Duration::from_mins(1));
        meter.record(institution(2), "a", 200, FAST);
        let taken = meter.take();
        let mut of_one = sum(&taken[&institution(1)]);
        assert_eq!((of_one.requests, of_one.client_errors, of_one.server_errors), (7, 2, 2));
        assert_eq!((of_one.latency[0], of_one.latency[BUCKETS - 1]), (6, 1));
        assert_eq!(of_one.total_us, 6 * 700 + 60_000_000);
        assert_eq!(sum(&taken[&institution(2)]).requests, 1);
        assert!(meter.take().is_empty());

        meter.record(institution(1), "a", 200, FAST);
        meter.give_back(institution(1), taken[&institution(1)].clone());
        of_one.add(&Tally::of(200, FAST));
        assert_eq!(sum(&meter.take()[&institution(1)]), of_one);
    }

    #[test]
    fn beyond_its_bound_known_operations_count_on_and_others_are_lost() {
        let meter = meter();
        let now = clock::now();
        let record = |number| meter.record_at(now, institution(number), "a", 200, FAST);
        (0..TALLIES_MAX as u128 + 5).for_each(record);
        record(0);
        assert_eq!(meter.lost.get(), 5);
        let taken = meter.take();
        assert_eq!((taken.len(), sum(&taken[&institution(0)]).requests), (TALLIES_MAX, 2));
        record(7);
        assert_eq!(meter.take().len(), 1, "there is room again");
    }
}
