//! How many users are active: distinct (institution, subject) of verified tokens in the last minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::IntGauge;
use shard_map::InstitutionId;
use uuid::Uuid;

/// So long after a request its user counts as active.
const ACTIVE_MINUTES: u64 = 5;

/// Most users that are told apart.
const USERS_MAX: usize = 100_000;

/// The users of the last minutes.
#[derive(Debug, Clone)]
pub(crate) struct ActiveUsers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    gauge: IntGauge,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    minute: u64,
    users: HashMap<(InstitutionId, Uuid), u64>,
}

impl ActiveUsers {
    /// Nobody yet.
    pub(crate) fn new(gauge: IntGauge) -> Self {
        let (began, seen) = (Instant::now(), Mutex::default());
        Self(Arc::new(Inner { began, gauge, seen }))
    }

    /// A user sent a request.
    pub(crate) fn saw(&self, institution: InstitutionId, subject: Uuid, now: Instant) {
        let mut seen = self.at(now);
        let minute = seen.minute;
        if seen.users.len() < USERS_MAX || seen.users.contains_key(&(institution, subject)) {
            seen.users.insert((institution, subject), minute);
            self.set(&seen);
        }
    }

    /// Forgets who has not come for a while; also without requests the figure is right a minute later.
    pub(crate) async fn forget_each_minute(self) {
        loop {
            tokio::time::sleep(Duration::from_mins(1)).await;
            self.set(&self.at(Instant::now()));
        }
    }

    fn at(&self, now: Instant) -> std::sync::MutexGuard<'_, Seen> {
        let minute = now.saturating_duration_since(self.0.began).as_secs() / 60;
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if minute > seen.minute {
            seen.minute = minute;
            seen.users.retain(|_, last| *last + ACTIVE_MINUTES > minute);
        }
        seen
    }

    fn set(&self, seen: &Seen) {
        self.0.gauge.set(i64::try_from(seen.users.len()).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_counts_once_and_for_five_minutes() {
        let gauge = IntGauge::new("test", "test").expect("a gauge");
        let active = ActiveUsers::new(gauge.clone());
        let (now, institution) = (Instant::now(), InstitutionId::new(Uuid::from_u128(1)));
        for user in [1, 2, 1] {
            active.saw(institution, Uuid::from_u128(user), now);
        }
        assert_eq!(gauge.get(), 2);
        active.saw(InstitutionId::new(Uuid::from_u128(2)), Uuid::from_u128(1), now);
        assert_eq!(gauge.get(), 3);
        active.saw(institution, Uuid::from_u128(1), now + Duration::from_mins(3));
        assert_eq!(gauge.get(), 3);
        active.saw(institution, Uuid::from_u128(1), now + Duration::from_mins(6));
        assert_eq!(gauge.get(), 1);
    }
}
