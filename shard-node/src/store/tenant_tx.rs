//! The one door to a tenant's rows.
//!
//! What must stay true:
//! - Every statement on a tenant's table runs inside a [`TenantTx`], requests and jobs alike.
//! - `BEGIN`, the statements' time limit and `tenant_enter` go out in one message: a round trip less, and no moment
//!   between them.
//! - Dropped at any moment, also in the middle of a statement, it gives its connection back only once a ROLLBACK was
//!   answered; else the connection is closed (sqlx's own `begin` is not cancel-safe: sqlx #4393).
//! - The server never cuts off a COMMIT: cancelling one that waits for a standby makes it look replicated.

use std::time::{Duration, Instant};

use shard_map::InstitutionId;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, PgPool, Postgres};
use tokio::time::{timeout, timeout_at};

use crate::error::Error;

/// The time of a transaction that no request waits for.
const UNHURRIED: Duration = Duration::from_secs(5);

/// How long the server may take to answer the ROLLBACK of what was given up.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(2);

/// A transaction of one institution, entered through the guard.
pub struct TenantTx {
    /// There until the end.
    connection: Option<PoolConnection<Postgres>>,
    institution: InstitutionId,
}

impl TenantTx {
    /// Opens one that no request waits for.
    ///
    /// # Errors
    /// As [`Self::begin_until`].
    pub async fn begin(pool: &PgPool, institution: InstitutionId) -> Result<Self, Error> {
        Self::begin_until(pool, institution, Instant::now() + UNHURRIED).await
    }

    /// Opens it, if the institution is served here. Each of its statements may take as long as there is now until
    /// the deadline.
    ///
    /// # Errors
    /// [`Error::NotOwner`] when the guard refuses; [`Error::Abandoned`] when no connection is free in time;
    /// [`Error::Database`] when the primary cannot be asked.
    pub async fn begin_until(
        pool: &PgPool,
        institution: InstitutionId,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let acquired = timeout_at(deadline.into(), pool.acquire()).await;
        let connection = acquired.map_err(|_| Error::Abandoned)??;
        let mut tx = Self { connection: Some(connection), institution };
        let left_ms = deadline.saturating_duration_since(Instant::now()).as_millis().max(1);
        // An InstitutionId is a validated uuid: nothing of a client's text gets here.
        let open = format!(
            "BEGIN; SET LOCAL statement_timeout = {left_ms}; SELECT tenant_enter('{institution}')"
        );
        tx.connection().execute(AssertSqlSafe(open)).await?;
        Ok(tx)
    }

    /// Whose transaction it is.
    pub fn institution(&self) -> InstitutionId {
        self.institution
    }

    /// The connection, for the statements of a `store`.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("it is held to the end")
    }

    /// Makes its writes durable, however long that takes; given up in the middle, its outcome is unknown.
    pub async fn commit(self) -> Result<(), Error> {
        self.end("SET LOCAL statement_timeout = 0; COMMIT").await
    }

    /// Leaves nothing.
    pub async fn rollback(self) -> Result<(), Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, statement: &'static str) -> Result<(), Error> {
        self.connection().execute(statement).await?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for TenantTx {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        tokio::spawn(async move {
            let rolled_back = timeout(ROLLBACK_TIMEOUT, connection.execute("ROLLBACK")).await;
            if !matches!(rolled_back, Ok(Ok(_))) {
                connection.close_on_drop();
            }
        });
    }
}
