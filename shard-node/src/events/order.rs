//! The order in which events get their numbers. Pure.
//!
//! What must stay true: of one aggregate, a later version stands after an earlier one, whatever the clocks said;
//! everything else stands by when it was written, then by id (which rises within a transaction).

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// An event as the order sees it.
pub trait Placed {
    /// The table of its aggregate.
    fn aggregate(&self) -> &str;
    /// Its aggregate.
    fn aggregate_id(&self) -> Uuid;
    /// The aggregate's version after it.
    fn aggregate_version(&self) -> i64;
    /// When its transaction began.
    fn created_at(&self) -> DateTime<Utc>;
    /// Its id.
    fn id(&self) -> Uuid;
}

/// Puts them in order. An event stands no earlier than those of lower versions of its aggregate: a transaction that
/// began first may have waited for the row until others had changed it.
pub fn ordered<E: Placed>(mut events: Vec<E>) -> Vec<E> {
    events.sort_by(|one, other| one.history().cmp(&other.history()));
    let mut placed: Vec<((DateTime<Utc>, Uuid), E)> = Vec::with_capacity(events.len());
    for event in events {
        let own = (event.created_at(), event.id());
        let place = match placed.last() {
            Some((before, last)) if last.is_of_the_aggregate_of(&event) => own.max(*before),
            _ => own,
        };
        placed.push((place, event));
    }
    // Stable: where two have one place they are of one aggregate, and in its order already.
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, event)| event).collect()
}

trait History: Placed {
    fn history(&self) -> (&str, Uuid, i64, Uuid) {
        (self.aggregate(), self.aggregate_id(), self.aggregate_version(), self.id())
    }

    fn is_of_the_aggregate_of(&self, other: &Self) -> bool {
        (self.aggregate(), self.aggregate_id()) == (other.aggregate(), other.aggregate_id())
    }
}

impl<E: Placed> History for E {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Event {
        thing: u128,
        version: i64,
        created_s: i64,
        id: u128,
    }

    impl Placed for Event {
        fn aggregate(&self) -> &'static str {
            if self.thing.is_multiple_of(2) { "classes" } else { "enrollments" }
        }

        fn aggregate_id(&self) -> Uuid {
            // Ids of different tables may be equal.
            Uuid::from_u128(self.thing / 2)
        }

        fn aggregate_version(&self) -> i64 {
            self.version
        }

        fn created_at(&self) -> DateTime<Utc> {
            DateTime::from_timestamp(self.created_s, 0).expect("a time")
        }

        fn id(&self) -> Uuid {
            Uuid::from_u128(self.id)
        }
    }

    fn of(list: &[(u128, i64, i64, u128)]) -> Vec<Event> {
        list.iter()
            .map(|&(thing, version, created_s, id)| Event { thing, version, created_s, id })
            .collect()
    }

    fn ids(events: Vec<Event>) -> Vec<u128> {
        ordered(events).iter().map(|event| event.id).collect()
    }

    #[test]
    fn events_stand_as_they_were_written() {
        assert_eq!(ids(of(&[(1, 1, 30, 3), (2, 7, 10, 2), (4, 1, 10, 1)])), [1, 2, 3]);
    }

    #[test]
    fn who_waited_for_the_row_stands_after_who_had_it() {
        // Version 2 began first and had the smaller id; what another thing did meanwhile stays where it was.
        assert_eq!(ids(of(&[(1, 2, 10, 1), (1, 1, 20, 2), (2, 1, 15, 3)])), [3, 2, 1]);
    }

    #[test]
    fn two_events_of_one_version_stand_by_their_ids() {
        assert_eq!(ids(of(&[(1, 1, 10, 9), (1, 1, 10, 8)])), [8, 9]);
    }

    /// A history in the order of its commits: versions of a thing rise in it, times and ids are anything.
    fn histories() -> impl Strategy<Value = Vec<Event>> {
        vec((0_u128..4, 0_i64..50, any::<u64>()), 1..60).prop_map(|changes| {
            let mut versions = BTreeMap::new();
            let change = |(at, (thing, created_s, noise)): (usize, (u128, i64, u64))| {
                let version = versions.entry(thing).or_insert(0);
                *version += 1;
                let id = (u128::from(noise) << 64) | u128::try_from(at).expect("small");
                Event { thing, version: *version, created_s, id }
            };
            changes.into_iter().enumerate().map(change).collect()
        })
    }

    /// What `store::take` takes of what can be seen: the oldest, and with each all lower versions of its thing.
    fn take(seen: &[Event], at_most: usize) -> Vec<Event> {
        let mut oldest: Vec<_> = seen.to_vec();
        oldest.sort_by_key(|event| (event.created_s, event.id));
        oldest.truncate(at_most);
        let mut upto: BTreeMap<u128, i64> = BTreeMap::new();
        for event in &oldest {
            let version = upto.entry(event.thing).or_default();
            *version = (*version).max(event.version);
        }
        let is_taken = |event: &&Event| {
            upto.get(&event.thing).is_some_and(|version| event.version <= *version)
        };
        seen.iter().filter(is_taken).copied().collect()
    }

    proptest! {
        #[test]
        fn every_event_gets_one_place(history in histories()) {
            let mut numbered = ordered(history.clone());
            let mut history = history;
            numbered.sort_by_key(|event| event.id);
            history.sort_by_key(|event| event.id);
            prop_assert_eq!(numbered, history);
        }

        /// Commits come one by one, a batch is taken whenever it pleases: over all batches versions rise.
        #[test]
        fn over_batches_a_later_version_has_the_higher_number(
            history in histories(),
            pauses in vec(any::<bool>(), 60),
            at_most in 1_usize..5,
        ) {
            let (mut seen, mut numbered) = (Vec::new(), Vec::new());
            for (at, event) in history.iter().enumerate() {
                seen.push(*event);
                let is_last = at + 1 == history.len();
                while (is_last || pauses[at]) && !seen.is_empty() {
                    let batch = ordered(take(&seen, at_most));
                    seen.retain(|event| !batch.contains(event));
                    numbered.extend(batch);
                    if !is_last {
                        break;
                    }
                }
            }
            prop_assert_eq!(numbered.len(), history.len());
            let mut last = BTreeMap::new();
            for event in numbered {
                let before = last.insert(event.thing, event.version).unwrap_or(0);
                prop_assert_eq!(before + 1, event.version);
            }
        }
    }
}
