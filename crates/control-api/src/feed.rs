//! The feed of the shard map: one task that follows the control plane and yields each map whole.
//!
//! What must stay true:
//! - A map is yielded only when its checksum is the control plane's; anything else is remedied by a snapshot.
//! - With the control plane away the last good map stays, and the tries are 0.1 to 2 s apart, with jitter.
//! - The control plane decides: a snapshot of a lower version (its database was restored) is taken.

use std::sync::Arc;
use std::time::Duration;

use shard_map::{MapSnapshot, ShardMap};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{ClientError, ControlClient, MapAnswer};

const FIRST_WAIT_MS: u64 = 100;
const LONGEST_WAIT_MS: u64 = 2_000;

/// Follows the control plane's map from `start` (a map from disk) until `stop` is cancelled.
///
/// The receiver holds `start` until the first answer, and the newest map from then on. After `stop` it
/// keeps the last one.
pub fn follow(
    client: ControlClient,
    start: Option<Arc<ShardMap>>,
    stop: CancellationToken,
) -> watch::Receiver<Option<Arc<ShardMap>>> {
    let (sender, receiver) = watch::channel(start);
    tokio::spawn(async move {
        let follower = Follower { client, sender, resync: false, failures: 0 };
        stop.run_until_cancelled(follower.run()).await;
    });
    receiver
}

struct Follower {
    client: ControlClient,
    sender: watch::Sender<Option<Arc<ShardMap>>>,
    resync: bool,
    failures: u32,
}

/// Why a step brought nothing.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Call(#[from] ClientError),
    #[error("{0}")]
    Unsound(String),
}

impl Follower {
    async fn run(mut self) {
        loop {
            match self.step().await {
                Ok(()) => {
                    if self.failures > 0 {
                        tracing::info!(
                            control.url = self.client.url(),
                            failures = self.failures,
                            "The shard map is followed again"
                        );
                    }
                    self.failures = 0;
                }
                Err(error) => self.wait_after(&error).await,
            }
        }
    }

    /// Asks once. An answer that leads nowhere is an error, so that no answer makes this spin.
    async fn step(&mut self) -> Result<(), StepError> {
        let here = self.sender.borrow().clone();
        let Some(here) = here.filter(|_| !self.resync) else {
            let snapshot = self.client.map_snapshot().await?;
            self.take(snapshot)?;
            self.resync = false;
            return Ok(());
        };
        match self.client.map_after(here.version()).await? {
            None => Ok(()),
            Some(MapAnswer::Delta(delta)) => match delta.apply(&here) {
                Ok(map) if map.version() > here.version() => {
                    self.publish(map);
                    Ok(())
                }
                Ok(_) => Err(StepError::Unsound("a delta that leads nowhere was sent".to_owned())),
                Err(error) => {
                    tracing::warn!(error = %error, "A delta did not fit; fetching the whole map");
                    self.resync = true;
                    Ok(())
                }
            },
            Some(MapAnswer::Snapshot(snapshot)) => {
                let same =
                    snapshot.version == here.version() && snapshot.checksum == here.checksum();
                if same {
                    let what = "the map that is here already was sent as news";
                    return Err(StepError::Unsound(what.to_owned()));
                }
                self.take(snapshot)
            }
        }
    }

    fn take(&mut self, snapshot: MapSnapshot) -> Result<(), StepError> {
        let map = ShardMap::from_snapshot(snapshot)
            .map_err(|error| StepError::Unsound(error.to_string()))?;
        self.publish(map);
        Ok(())
    }

    fn publish(&mut self, map: ShardMap) {
        let before = self.sender.borrow().as_ref().map(|map| map.version());
        if let Some(before) = before.filter(|before| *before > map.version()) {
            tracing::warn!(
                map.before = before.0,
                map.version = map.version().0,
                "The control plane's map went back; taking it"
            );
        }
        tracing::debug!(map.version = map.version().0, "A newer shard map is here");
        self.sender.send_replace(Some(Arc::new(map)));
    }

    async fn wait_after(&mut self, error: &StepError) {
        // Once as a warning: an outage of an hour is not 1,800 warnings.
        if self.failures == 0 {
            tracing::warn!(error = %error, "The shard map cannot be followed; keeping the last one");
        } else {
            tracing::debug!(error = %error, failures = self.failures, "Still no shard map");
        }
        // A delta that fitted before may not fit what comes now; a snapshot always does.
        self.resync |= matches!(error, StepError::Unsound(_));
        self.failures = self.failures.saturating_add(1);
        let random = Uuid::new_v4().as_u128();
        tokio::time::sleep(wait(self.failures, random)).await;
    }
}

/// How long to wait before try number `failures`: doubling from 0.1 to 2 s, its upper half at random.
fn wait(failures: u32, random: u128) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    let longest_ms = (FIRST_WAIT_MS << doublings).clamp(2 * FIRST_WAIT_MS, LONGEST_WAIT_MS);
    let half_ms = longest_ms / 2;
    let jitter_ms = u64::try_from(random % u128::from(half_ms)).unwrap_or(0);
    Duration::from_millis(half_ms + jitter_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_between_a_tenth_and_two_seconds() {
        for failures in 0..40 {
            for random in [0, 7, u128::MAX] {
                let wait = wait(failures, random);
                assert!((100..=2_000).contains(&wait.as_millis()), "{failures}: {wait:?}");
            }
        }
    }

    #[test]
    fn waits_grow() {
        assert!(wait(1, 0) < wait(4, 0));
    }
}
