//! Polls the primary until the node stops: woken by LISTEN and by requests without a lease, and every 500 ms.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{Polled, Poller};

const EVERY: Duration = Duration::from_millis(500);
/// After a failed poll nobody can make the next one come sooner.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);
/// However many ask for a poll, the primary is asked no more often.
const APART: Duration = Duration::from_millis(5);
const LISTEN_DEADLINE: Duration = Duration::from_millis(1_500);
const CHANNEL: &str = "lxp_ownership";

/// Keeps the table fresh and the lease alive until `stop`.
pub async fn watch(poller: Poller, stop: CancellationToken) {
    let mut listener = None;
    let mut reported = None;
    poller.ownership.withhold(poller.memory.withheld());
    while !stop.is_cancelled() {
        let began = Instant::now();
        let outcome = poller.poll().await;
        poller.ownership.lease.polled();
        match &outcome {
            Ok(Polled::Accepted) => continue,
            Ok(Polled::Renewed) => reported = None,
            Err(error) => {
                let error = error.to_string();
                if reported.as_ref() != Some(&error) {
                    tracing::error!(
                        error,
                        "Ownership is not known; nothing is served after the lease"
                    );
                }
                reported = Some(error);
                sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
        if listener.is_none() && outcome.is_ok() {
            listener = listen(&poller.pool).await;
        }
        let news = async {
            match listener.as_mut() {
                Some(listener) => listener.try_recv().await,
                None => std::future::pending().await,
            }
        };
        let lost = tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(EVERY) => false,
            () = asked(&poller, began) => false,
            received = news => !matches!(received, Ok(Some(_))),
        };
        if lost {
            listener = None;
        }
    }
}

async fn asked(poller: &Poller, last: Instant) {
    poller.ownership.lease.wanted().await;
    sleep_until(last + APART).await;
}

async fn listen(pool: &PgPool) -> Option<PgListener> {
    let connect = async {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    timeout(LISTEN_DEADLINE, connect).await.ok()?.ok()
}
