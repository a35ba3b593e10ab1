//! The one door to a tenant's rows.
//!
//! What must stay true:
//! - Every statement on a tenant's table runs inside a [`TenantTx`], requests and jobs alike.
//! - `BEGIN`, the statements' time limit and `tenant_enter` go out in one message: a round trip less, and no moment
//!   between them.
//! - A connection that turns out to be dead when it is entered by is replaced: a server that was started again leaves
//!   as many of them as the pool has, and nothing had been sent to it yet.
//! - Dropped at any moment, also in the middle of a statement, it gives its connection back only once a ROLLBACK was
//!   answered; else the connection is closed (sqlx's own `begin` is not cancel-safe: sqlx #4393).
//! - The server never cuts off a COMMIT of what was written: cancelling one that waits for a standby makes it look
//!   replicated. That of a read waits for nothing, and is sent by itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use service_kit::postgres::give_back;
use shard_map::InstitutionId;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Either, Executor as _, PgConnection, PgPool, Postgres};
use tokio::time::{timeout, timeout_at};

use super::Position;
use crate::error::Error;
use crate::operation::Turn;

/// The time of a transaction that no request waits for.
const UNHURRIED: Duration = Duration::from_secs(5);

/// How long the server may take to answer the ROLLBACK of what was given up.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(2);

/// A transaction of one institution, entered through the guard.
pub struct TenantTx {
    /// There until the end.
    connection: Option<PoolConnection<Postgres>>,
    institution: InstitutionId,
    report_to: Option<Seen>,
    /// Of the primary that a replica follows.
    timeline: u32,
    /// The institution's share of the primary's connections; given up after the connection.
    share: Option<Turn>,
    access: Access,
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Write,
    Read,
}

impl Access {
    /// A write's COMMIT has the time that it takes.
    const fn commit(self) -> &'static str {
        match self {
            Self::Write => "SET LOCAL statement_timeout = 0; COMMIT",
            Self::Read => "COMMIT",
        }
    }
}

/// The furthest place of the log that a read has seen.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Option<Position>>>);

impl Seen {
    /// The place, once the read has ended.
    pub fn get(&self) -> Option<Position> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, position: Option<Position>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = (*seen).max(position);
    }
}

impl TenantTx {
    /// Opens one that no request waits for.
    ///
    /// # Errors
    /// As [`Self::begin_until`].
    pub async fn begin(pool: &PgPool, institution: InstitutionId) -> Result<Self, Error> {
        let deadline = Instant::now() + UNHURRIED;
        Self::open(pool, institution, deadline, (Access::Write, ""), None, 0).await
    }

    /// Opens it, if the institution is served here. Each of its statements may take as long as there is now until
    /// the deadline. The institution's share of connections is given up after the connection.
    ///
    /// # Errors
    /// [`Error::NotOwner`] when the guard refuses; [`Error::Abandoned`] when no connection is free in time;
    /// [`Error::Database`] when the primary cannot be asked.
    pub async fn begin_until(
        pool: &PgPool,
        institution: InstitutionId,
        deadline: Instant,
        share: Turn,
    ) -> Result<Self, Error> {
        Self::open(pool, institution, deadline, (Access::Write, ""), Some(share), 0).await
    }

    /// The same for one that only reads.
    ///
    /// # Errors
    /// As [`Self::begin_until`].
    pub async fn begin_reading(
        pool: &PgPool,
        institution: InstitutionId,
        deadline: Instant,
        share: Turn,
    ) -> Result<Self, Error> {
        Self::open(pool, institution, deadline, (Access::Read, ""), Some(share), 0).await
    }

    /// Opens one that no request waits for, but that has a deadline all the same.
    ///
    /// # Errors
    /// As [`Self::begin_until`].
    pub async fn begin_within(
        pool: &PgPool,
        institution: InstitutionId,
        deadline: Instant,
    ) -> Result<Self, Error> {
        Self::open(pool, institution, deadline, (Access::Write, ""), None, 0).await
    }

    /// Opens one that reads on a replica, if that has replayed up to a place.
    ///
    /// # Errors
    /// As [`Self::begin_until`]; SQLSTATE `LX004` where the replica is behind, or none.
    pub async fn begin_on_replica(
        pool: &PgPool,
        institution: InstitutionId,
        deadline: Instant,
        at_least: Position,
    ) -> Result<Self, Error> {
        let first = format!("SELECT expect_replayed('{at_least}'); ");
        Self::open(pool, institution, deadline, (Access::Read, &first), None, at_least.timeline)
            .await
    }

    async fn open(
        pool: &PgPool,
        institution: InstitutionId,
        deadline: Instant,
        (access, first): (Access, &str),
        share: Option<Turn>,
        timeline: u32,
    ) -> Result<Self, Error> {
        let mut share = share;
        let mut dead = 0;
        loop {
            let acquired = timeout_at(deadline.into(), pool.acquire()).await;
            let connection = Some(acquired.map_err(|_| Error::Abandoned)??);
            let mut tx = Self { connection, institution, report_to: None, timeline, share, access };
            let left_ms = deadline.saturating_duration_since(Instant::now()).as_millis().max(1);
            // Ids and places are typed: nothing of a client's text gets here.
            let open = format!(
                "BEGIN; SET LOCAL statement_timeout = {left_ms}; {first}SELECT tenant_enter('{institution}')"
            );
            match tx.connection().execute(AssertSqlSafe(open)).await.map_err(Error::from) {
                Ok(_) => return Ok(tx),
                // A whole pool of them, at most.
                Err(error)
                    if error.is_disconnection() && dead <= pool.options().get_max_connections() =>
                {
                    dead += 1;
                    share = tx.share.take();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the log is when it is committed goes there.
    pub fn report_to(&mut self, seen: Seen) {
        self.report_to = Some(seen);
    }

    /// Whose transaction it is.
    pub fn institution(&self) -> InstitutionId {
        self.institution
    }

    /// The connection, for the statements of a `store`.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("it is held to the end")
    }

    /// Ends a read, or makes writes durable where nobody asks for their place in the log.
    pub async fn commit(mut self) -> Result<(), Error> {
        match self.report_to.take() {
            None => {
                let commit = self.access.commit();
                self.end(commit).await
            }
            Some(seen) => {
                seen.add(self.commit_durably().await?);
                Ok(())
            }
        }
    }

    /// Makes its writes durable, however long that takes, and says where the log is then. Given up in the middle, its
    /// outcome is unknown.
    pub async fn commit_durably(mut self) -> Result<Option<Position>, Error> {
        let timeline = self.timeline;
        let sql = format!("{}; {}", self.access.commit(), Position::QUERY);
        // The COMMIT is the last of these.
        let until_committed = self.access.commit().split(';').count();
        let mut position = None;
        {
            let mut results = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(self.connection());
            let mut ended = 0;
            while let Some(result) = results.next().await {
                match result {
                    Ok(Either::Left(_)) => ended += 1,
                    Ok(Either::Right(row)) => {
                        let row: (String, String) = sqlx::FromRow::from_row(&row)?;
                        position = Position::of((&row.0, &row.1), timeline);
                    }
                    Err(error) if ended < until_committed => return Err(error.into()),
                    Err(error) => {
                        tracing::warn!(error = %error, "Committed, but its place in the log is not known");
                        return Ok(None);
                    }
                }
            }
        }
        self.ended();
        Ok(position)
    }

    /// Leaves nothing.
    pub async fn rollback(self) -> Result<(), Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, statement: &'static str) -> Result<(), Error> {
        self.connection().execute(statement).await?;
        self.ended();
        Ok(())
    }

    /// Its end was answered. The tenant's settings were the transaction's own: there is nothing left to clean.
    fn ended(&mut self) {
        if let Some(connection) = self.connection.take() {
            give_back(connection);
        }
    }
}

impl Drop for TenantTx {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let share = self.share.take();
        tokio::spawn(async move {
            let rolled_back = timeout(ROLLBACK_TIMEOUT, connection.execute("ROLLBACK")).await;
            if !matches!(rolled_back, Ok(Ok(_))) {
                connection.close_on_drop();
            }
            drop(connection);
            drop(share);
        });
    }
}
