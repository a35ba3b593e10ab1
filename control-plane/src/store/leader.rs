//! Who leads: one row, a lease by the database's clock, a term that rises with each new leader.
//!
//! What must stay true: whatever a leader writes, it writes in a transaction that holds its term ([`hold`]): once
//! another has taken the lead, nothing of the former one is taken any more, however late it wakes.

use sqlx::PgConnection;

use crate::error::Error;

/// Takes the lead where nobody holds it. Answers the term.
pub async fn take(
    connection: &mut PgConnection,
    holder: &str,
    lease_s: f64,
) -> Result<Option<i64>, Error> {
    Ok(sqlx::query_scalar!(
        "UPDATE leader SET holder = $1, term = term + 1,
             expires_at = clock_timestamp() + make_interval(secs => $2)
         WHERE expires_at <= clock_timestamp() RETURNING term",
        holder,
        lease_s,
    )
    .fetch_optional(connection)
    .await?)
}

/// Keeps the lead. Answers false once another has it.
pub async fn renew(connection: &mut PgConnection, term: i64, lease_s: f64) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE leader SET expires_at = clock_timestamp() + make_interval(secs => $2)
         WHERE term = $1",
        term,
        lease_s,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives the lead away, so that the next one need not wait for the lease to run out.
pub async fn give_up(connection: &mut PgConnection, term: i64) -> Result<(), Error> {
    sqlx::query!("UPDATE leader SET expires_at = clock_timestamp() WHERE term = $1", term)
        .execute(connection)
        .await?;
    Ok(())
}

/// Holds the term to the end of the transaction. Answers false if it is over.
pub async fn hold(connection: &mut PgConnection, term: i64) -> Result<bool, Error> {
    let held = sqlx::query_scalar!("SELECT term FROM leader WHERE term = $1 FOR SHARE", term)
        .fetch_optional(connection)
        .await?;
    Ok(held.is_some())
}
