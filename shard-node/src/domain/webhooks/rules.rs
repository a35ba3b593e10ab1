//! Who gets what, when it is tried again, and when it is given up. Pure.

use std::time::Duration;

use uuid::Uuid;

/// The type of events that are for one endpoint alone.
pub(super) const TEST: &str = "WEBHOOK_TEST";

/// From one attempt to the next, in seconds. With the first attempt they are 15, over about three days.
const DELAYS_S: [u64; 14] =
    [1, 5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 28_800, 43_200, 57_600, 72_000];

/// An endpoint that is sent to.
#[derive(Debug, Clone)]
pub(super) struct Subscriber {
    pub(super) id: Uuid,
    /// The types that it wants; all where there are none.
    pub(super) event_types: Vec<String>,
}

impl Subscriber {
    /// Whether it wants an event of a type, which happened to `aggregate_id`.
    pub(super) fn wants(&self, kind: &str, aggregate_id: Uuid) -> bool {
        if kind == TEST {
            return aggregate_id == self.id;
        }
        self.event_types.is_empty() || self.event_types.iter().any(|wanted| wanted == kind)
    }
}

/// How long to wait after so many attempts, all failed; none where they were enough. What failed together comes back
/// apart: up to a quarter later, by the delivery's id.
pub(super) fn delay(attempts: i32, delivery: Uuid) -> Option<Duration> {
    let index = usize::try_from(attempts).ok()?.checked_sub(1)?;
    let base_ms = DELAYS_S.get(index)? * 1_000;
    let spread = u64::from(delivery.as_bytes()[15]);
    Some(Duration::from_millis(base_ms + base_ms * spread / 1_024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_gets_the_types_that_it_names_or_all() {
        let id = Uuid::from_u128(1);
        let all = Subscriber { id, event_types: vec![] };
        let some = Subscriber { id, event_types: vec!["A".to_owned(), "B".to_owned()] };
        let other = Uuid::from_u128(2);
        assert!(all.wants("C", other) && some.wants("B", other) && !some.wants("C", other));
        assert!(all.wants(TEST, id) && some.wants(TEST, id), "a test is for it");
        assert!(!all.wants(TEST, other), "another's test is not");
    }

    #[test]
    fn it_is_tried_fifteen_times_over_more_than_a_day() {
        let delays: Vec<_> = (1..).map_while(|n| delay(n, Uuid::nil())).collect();
        assert_eq!(delays.len() + 1, 15);
        assert_eq!(delays[0], Duration::from_secs(1));
        assert!(delays.is_sorted());
        let all: Duration = delays.iter().sum();
        assert!(all > Duration::from_hours(24) && all < Duration::from_hours(24 * 4), "{all:?}");
        let late = delay(3, Uuid::max()).expect("a third");
        assert!(late > delays[2] && late < delays[2] * 5 / 4, "{late:?}");
        assert_eq!((delay(0, Uuid::nil()), delay(15, Uuid::nil())), (None, None));
    }
}
