//! When a connection is over by itself: one timer for all of its requests.
//!
//! What must stay true:
//! - A request that is over its time is cut, whatever it waits for; a connection whose next request does not come is
//!   closed, after the order to stop within [`IDLE_AFTER_STOP`].
//! - A request arms nothing: the timer is moved when it fires, or where a request has less time than it shows.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::config::IDLE_AFTER_STOP;

/// A moment that the connection's requests move.
#[derive(Debug)]
pub(super) struct Ends {
    base: Instant,
    after_ms: AtomicU64,
    is_idle: AtomicBool,
}

impl Ends {
    /// Of a connection that has just come.
    pub(super) fn new(base: Instant, first_within: Duration) -> Self {
        let ends = Self { base, after_ms: AtomicU64::new(0), is_idle: AtomicBool::new(true) };
        ends.set(base + first_within);
        ends
    }

    /// The next request is waited for.
    pub(super) fn idle_until(&self, at: Instant) {
        self.set(at);
        self.is_idle.store(true, Ordering::Relaxed);
    }

    /// A request is under way.
    pub(super) fn request_until(&self, at: Instant) {
        self.is_idle.store(false, Ordering::Relaxed);
        self.set(at);
    }

    /// Whether the next request is waited for.
    pub(super) fn is_idle(&self) -> bool {
        self.is_idle.load(Ordering::Relaxed)
    }

    fn set(&self, at: Instant) {
        let after = at.saturating_duration_since(self.base).as_millis();
        self.after_ms.store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn get(&self) -> Instant {
        self.base + Duration::from_millis(self.after_ms.load(Ordering::Relaxed))
    }

    /// After the order to stop an idle connection has a moment left.
    fn heed(&self, stop: &CancellationToken) {
        if self.is_idle() && stop.is_cancelled() {
            let last = Instant::now() + IDLE_AFTER_STOP;
            if last < self.get() {
                self.set(last);
            }
        }
    }
}

/// What `serving` yields; none, and it is dropped, when its time is over.
pub(super) async fn unless_over<T>(
    serving: impl Future<Output = T>,
    ends: &Ends,
    stop: &CancellationToken,
) -> Option<T> {
    let (mut serving, mut stopping) = (pin!(serving), pin!(stop.cancelled()));
    let mut timer = pin!(sleep_until(ends.get().into()));
    // Timer and `stop` wake the task that polled them last: always this one, so once is enough.
    let mut woken: Option<Waker> = None;
    poll_fn(|context| {
        if let Poll::Ready(served) = serving.as_mut().poll(context) {
            return Poll::Ready(Some(served));
        }
        let mut is_new = !woken.as_ref().is_some_and(|known| known.will_wake(context.waker()));
        if is_new {
            woken = Some(context.waker().clone());
            // Its outcome is seen below.
            let _ = stopping.as_mut().poll(context);
        }
        ends.heed(stop);
        let wanted = ends.get();
        if wanted < timer.deadline().into_std() {
            timer.as_mut().reset(wanted.into());
            is_new = true;
        }
        while is_new || timer.is_elapsed() {
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= wanted {
                return Poll::Ready(None);
            }
            timer.as_mut().reset(wanted.into());
            is_new = true;
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(50);

    /// How long it took until a connection that does nothing was over.
    async fn over_after(ends: &Ends, stop: &CancellationToken) -> Duration {
        let began = Instant::now();
        let over = unless_over(pending::<()>(), ends, stop);
        let over = tokio::time::timeout(Duration::from_secs(20), over).await.expect("an end");
        assert_eq!(over, None);
        began.elapsed()
    }

    #[tokio::test]
    async fn a_moment_may_be_moved_to_and_fro() {
        let stop = CancellationToken::new();
        let ends = Ends::new(Instant::now(), MOMENT);
        assert!(over_after(&ends, &stop).await >= MOMENT);

        // Later, while the timer shows the earlier one.
        let ends = Arc::new(Ends::new(Instant::now(), MOMENT));
        let serving = async {
            ends.request_until(Instant::now() + MOMENT * 4);
            pending::<()>().await;
        };
        let began = Instant::now();
        assert_eq!(unless_over(serving, &ends, &stop).await, None);
        assert!(began.elapsed() >= MOMENT * 3);

        // Earlier than the timer shows.
        let ends = Ends::new(Instant::now(), Duration::from_hours(1));
        let serving = async {
            ends.request_until(Instant::now() + MOMENT);
            pending::<()>().await;
        };
        let over = unless_over(serving, &ends, &stop);
        let over = tokio::time::timeout(Duration::from_secs(20), over).await;
        assert_eq!(over, Ok(None));
    }

    #[tokio::test]
    async fn the_order_to_stop_ends_what_is_idle_and_nothing_else() {
        let stop = CancellationToken::new();
        let ends = Ends::new(Instant::now(), Duration::from_hours(1));
        let stopped = async {
            tokio::time::sleep(MOMENT).await;
            stop.cancel();
        };
        let (took, ()) = tokio::join!(over_after(&ends, &stop), stopped);
        assert!(took >= IDLE_AFTER_STOP);

        ends.request_until(Instant::now() + IDLE_AFTER_STOP + MOMENT * 4);
        assert!(over_after(&ends, &stop).await >= IDLE_AFTER_STOP + MOMENT);
    }
}
