//! Connection pools to Postgres that give no surprises.
//!
//! What must stay true:
//! - A connection that goes back to the pool is in no transaction and has no setting of its own: sqlx's
//!   `begin()` is not cancel-safe (sqlx #4393, #4385), so every release asks the server to prove it, but for those
//!   whose transaction's end the server has just answered ([`give_back`]).
//! - Waiting for a connection has a deadline: 2 s, or a request's own.

use std::pin::Pin;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Executor, PgConnection, Postgres};
use tokio::time::timeout;

/// What a check of a new connection finds.
pub type Check<'c> = Pin<Box<dyn Future<Output = sqlx::Result<()>> + Send + 'c>>;

/// How long is waited for a connection where no request has a deadline.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// No request's deadline is longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection that comes back may take to show that it is clean.
const CLEAN_TIMEOUT: Duration = Duration::from_secs(1);

/// What was acknowledged is on the disk, and at the standby where one is synchronous, whatever the server's own setting
/// says: a server that answers a COMMIT before it has written it loses the last ones when it is killed.
pub const DURABLE: (&str, &str) = ("synchronous_commit", "on");

/// Every wait on the server has an end: for a statement, for a lock, for the client in a transaction.
const SESSION: [(&str, &str); 5] = [
    DURABLE,
    ("statement_timeout", "5s"),
    ("lock_timeout", "1s"),
    ("idle_in_transaction_session_timeout", "5s"),
    ("client_connection_check_interval", "2s"),
];

/// For connections that read tenants' tables. Each statement names its institution, which leads every key: an index is
/// there. A plan that was made while a table was small would read the whole of it for as long as nobody analyses it.
/// Without JIT, which the price of a forbidden scan would set going where there is no other way.
pub const BY_INDEX: [(&str, &str); 2] = [("enable_seqscan", "off"), ("jit", "off")];

/// A pool whose connections show that they are alive each time before they are used, by a round trip: one that a server
/// left behind when it was started again fails nobody.
pub fn proven_pool(options: PgConnectOptions, max_connections: u32) -> PgPool {
    pool_options(max_connections)
        .test_before_acquire(true)
        .connect_lazy_with(options.options(SESSION))
}

/// A pool that connects when it is first used. Whoever uses it copes with connections that are dead.
pub fn pool_with(options: PgConnectOptions, max_connections: u32) -> PgPool {
    pool_options(max_connections).connect_lazy_with(options.options(SESSION))
}

/// A pool for requests, each of which waits for a connection to its own deadline. A connection is used only if
/// `check` finds it good when it is made, and again only while `may_be_so_old` allows its age.
pub fn checked_pool<C, A>(
    options: PgConnectOptions,
    max_connections: u32,
    check: C,
    may_be_so_old: A,
) -> PgPool
where
    C: for<'c> Fn(&'c mut PgConnection) -> Check<'c> + Send + Sync + 'static,
    A: Fn(Duration) -> bool + Send + Sync + 'static,
{
    pool_options(max_connections)
        .acquire_timeout(REQUEST_TIMEOUT)
        .after_connect(move |connection, _| check(connection))
        .before_acquire(move |_, known| {
            let may = may_be_so_old(known.age);
            Box::pin(async move { Ok(may) })
        })
        .connect_lazy_with(options.options(SESSION))
}

tokio::task_local! {
    /// Around the release of a connection whose transaction has ended.
    static ENDED: ();
}

/// Gives a connection back whose last transaction has ended: its COMMIT or ROLLBACK was answered, and nothing was set
/// in it for longer than itself. Proving that again would cost a round trip a transaction.
pub fn give_back(mut connection: PoolConnection<Postgres>) {
    // What dropping it does, in a task that says so. One that falls silent now is given up: it is closed.
    let returned = ENDED.scope((), connection.return_to_pool());
    tokio::spawn(timeout(CLEAN_TIMEOUT, returned));
}

fn pool_options(max_connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(clean(connection)))
}

/// Leaves a connection as new: no transaction, no session settings. Answers whether it may be used again.
///
/// `BEGIN` comes first so that a clean connection causes no warning in the server's log; in a failed
/// transaction it errs, and the connection is closed.
async fn clean(connection: &mut PgConnection) -> sqlx::Result<bool> {
    if ENDED.try_with(|()| ()).is_ok() {
        return Ok(true);
    }
    let cleaned = connection.execute("BEGIN; ROLLBACK; RESET ALL");
    match timeout(CLEAN_TIMEOUT, cleaned).await {
        Ok(Ok(_)) => Ok(true),
        Ok(Err(error)) => {
            tracing::warn!(error = %error, "A connection came back unclean and is closed");
            Ok(false)
        }
        // An error makes the pool close it without a word to the server.
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}
