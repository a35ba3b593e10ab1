//! The shard's ownership table in memory.
//!
//! What must stay true:
//! - A node answers only while its own database says so: this table is filled by LISTEN and by a poll of the
//!   primary every 500 ms, and the guard asks again inside each transaction.
//! - Without a successful poll that *began* less than 2 s ago there is no lease, and nothing is answered.
//! - The control plane plays no part in it.

use std::collections::HashMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use shard_map::{Epoch, InstitutionId, MapVersion, OwnershipState};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::NotOwner;

const POLL_EVERY: Duration = Duration::from_millis(500);
const POLL_TIMEOUT: Duration = Duration::from_millis(1_500);
const LEASE: Duration = Duration::from_secs(2);
const CHANNEL: &str = "lxp_ownership";

/// What the table says of one institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Served here, at this epoch.
    Serve {
        /// The epoch, for cache keys.
        epoch: Epoch,
        /// Whether caches may answer (not while a move is closing).
        cached: bool,
    },
    /// Served here, but the institution is suspended.
    Suspended,
    /// Not served here.
    NotOwner(NotOwner),
}

#[derive(Debug, Clone)]
struct Row {
    state: OwnershipState,
    epoch: Epoch,
    owner: String,
    map_version: MapVersion,
    suspended: bool,
}

/// The table. Reading it costs a shared lock and a hash lookup.
#[derive(Debug)]
pub struct Ownership {
    rows: RwLock<HashMap<InstitutionId, Row>>,
    version: AtomicI64,
    started: Instant,
    /// When the last successful poll began, in ms after `started`; -1 before the first.
    confirmed_ms: AtomicI64,
}

impl Default for Ownership {
    fn default() -> Self {
        Self {
            rows: RwLock::default(),
            version: AtomicI64::new(0),
            started: Instant::now(),
            confirmed_ms: AtomicI64::new(-1),
        }
    }
}

impl Ownership {
    /// Whether and how an institution is served here.
    pub fn verdict(&self, institution: InstitutionId) -> Verdict {
        let rows = self.rows.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(row) = rows.get(&institution) else {
            return Verdict::NotOwner(NotOwner::UNKNOWN);
        };
        match row.state {
            OwnershipState::Active | OwnershipState::Closing if row.suspended => Verdict::Suspended,
            OwnershipState::Active => Verdict::Serve { epoch: row.epoch, cached: true },
            OwnershipState::Closing => Verdict::Serve { epoch: row.epoch, cached: false },
            OwnershipState::Importing | OwnershipState::Fenced | OwnershipState::Moved => {
                Verdict::NotOwner(NotOwner {
                    state: Some(row.state.to_string()),
                    owner: Some(row.owner.clone()),
                    epoch: Some(row.epoch),
                    map_version: Some(row.map_version),
                })
            }
        }
    }

    /// Whether the last successful poll began less than 2 s ago.
    pub fn has_lease(&self) -> bool {
        let confirmed_ms = self.confirmed_ms.load(Ordering::Acquire);
        let age = self.started.elapsed().as_millis();
        i64::try_from(age).is_ok_and(|age_ms| {
            confirmed_ms >= 0
                && u128::try_from(age_ms - confirmed_ms).is_ok_and(|ms| ms < LEASE.as_millis())
        })
    }

    /// How many institutions are served here.
    pub fn served(&self) -> usize {
        let rows = self.rows.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        rows.values()
            .filter(|row| matches!(row.state, OwnershipState::Active | OwnershipState::Closing))
            .count()
    }

    /// Takes what changed since the last poll.
    ///
    /// # Errors
    /// When the primary does not answer in time; the lease then runs out.
    pub async fn poll(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let began = self.started.elapsed();
        let after = self.version.load(Ordering::Acquire);
        let query = sqlx::query!(
            r#"SELECT institution_id AS "institution_id!", state AS "state!", epoch AS "epoch!",
                      owner AS "owner!", map_version AS "map_version!", version AS "version!",
                      suspended AS "suspended!"
               FROM ownership_changes($1)"#,
            after
        );
        let changes = timeout(POLL_TIMEOUT, query.fetch_all(pool))
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??;
        let mut newest = after;
        {
            let mut rows = self.rows.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            for change in changes {
                newest = newest.max(change.version);
                let row = Row {
                    state: state(&change.institution_id, &change.state),
                    epoch: Epoch(change.epoch),
                    owner: change.owner,
                    map_version: MapVersion(change.map_version),
                    suspended: change.suspended,
                };
                rows.insert(InstitutionId::new(change.institution_id), row);
            }
        }
        self.version.store(newest, Ordering::Release);
        self.confirmed_ms
            .store(i64::try_from(began.as_millis()).unwrap_or(i64::MAX), Ordering::Release);
        Ok(())
    }
}

/// A word this build does not know is a newer build's state: not ours to serve.
fn state(institution: &Uuid, word: &str) -> OwnershipState {
    word.parse().unwrap_or_else(|error| {
        tracing::error!(institution = %institution, error = %error, "Unknown ownership state");
        OwnershipState::Fenced
    })
}

/// Keeps the table fresh until `stop`: woken by LISTEN, and every 500 ms in any case.
pub async fn watch(ownership: std::sync::Arc<Ownership>, pool: PgPool, stop: CancellationToken) {
    let mut listener = None;
    let mut reported = false;
    while !stop.is_cancelled() {
        match ownership.poll(&pool).await {
            Ok(()) => reported = false,
            Err(error) if !reported => {
                reported = true;
                tracing::error!(error = %error, "Ownership cannot be read; nothing is served after the lease");
            }
            Err(_) => {}
        }
        if listener.is_none() {
            listener = listen(&pool).await;
        }
        let news = async {
            match listener.as_mut() {
                Some(listener) => listener.try_recv().await,
                None => std::future::pending().await,
            }
        };
        let lost = tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(POLL_EVERY) => false,
            received = news => !matches!(received, Ok(Some(_))),
        };
        if lost {
            listener = None;
        }
    }
}

async fn listen(pool: &PgPool) -> Option<PgListener> {
    let connect = async {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    timeout(POLL_TIMEOUT, connect).await.ok()?.ok()
}
