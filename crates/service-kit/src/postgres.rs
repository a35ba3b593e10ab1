//! Connection pools to Postgres that give no surprises.
//!
//! What must stay true:
//! - A connection that goes back to the pool is in no transaction and has no setting of its own: sqlx's
//!   `begin()` is not cancel-safe (sqlx #4393, #4385), so every release proves it.
//! - Waiting for a connection has a deadline of 2 s, not sqlx's 30.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Executor, PgConnection};

/// How long a request waits for a connection.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// Every wait on the server has an end: for a statement, for a lock, for the client in a transaction.
const LIMITS: [(&str, &str); 4] = [
    ("statement_timeout", "5s"),
    ("lock_timeout", "1s"),
    ("idle_in_transaction_session_timeout", "5s"),
    ("client_connection_check_interval", "2s"),
];

/// A pool that connects when it is first used.
///
/// # Errors
/// When `url` is no Postgres URL.
pub fn lazy_pool(url: &str, application: &str, max_connections: u32) -> sqlx::Result<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    Ok(pool_with(options.application_name(application), max_connections))
}

/// The same, with options at hand.
pub fn pool_with(options: PgConnectOptions, max_connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(clean(connection)))
        .connect_lazy_with(options.options(LIMITS))
}

/// Leaves a connection as new: no transaction, no session settings. Answers whether it may be used again.
///
/// `BEGIN` comes first so that a clean connection causes no warning in the server's log; in a failed
/// transaction it errs, and the connection is closed.
async fn clean(connection: &mut PgConnection) -> sqlx::Result<bool> {
    match connection.execute("BEGIN; ROLLBACK; RESET ALL").await {
        Ok(_) => Ok(true),
        Err(error) => {
            tracing::warn!(error = %error, "A connection came back unclean and is closed");
            Ok(false)
        }
    }
}
