//! Who has something to be numbered, as its own node knows at once. What is lost here is found by `work_ready`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use shard_map::InstitutionId;
use tokio::sync::Notify;

/// Institutions that wait at most; who comes after them is found within a second.
const WAITING_MAX: usize = 1_024;

/// Institutions whose transactions have committed since they were taken last.
#[derive(Debug, Default)]
pub struct Wakes {
    waiting: Mutex<BTreeSet<InstitutionId>>,
    news: Notify,
}

impl Wakes {
    /// One has committed something. Any number of times is once.
    pub fn wake(&self, institution: InstitutionId) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING_MAX {
            waiting.insert(institution);
        }
        drop(waiting);
        self.news.notify_one();
    }

    /// Waits until there is one.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// Who waits now.
    pub fn take(&self) -> BTreeSet<InstitutionId> {
        std::mem::take(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn wakes_coalesce_and_have_a_bound() {
        let wakes = Wakes::default();
        assert!(wakes.news().now_or_never().is_none());
        for number in 0..2 * WAITING_MAX {
            let id = InstitutionId::new(Uuid::from_u128(u128::try_from(number).expect("small")));
            wakes.wake(id);
            wakes.wake(id);
        }
        assert!(wakes.news().now_or_never().is_some(), "news that came before are there");
        assert_eq!(wakes.take().len(), WAITING_MAX);
        assert!(wakes.take().is_empty());
        assert!(wakes.news().now_or_never().is_none());
    }
}
