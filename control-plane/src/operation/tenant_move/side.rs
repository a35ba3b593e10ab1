//! One side of a move: a connection to a shard's primary as `lxp_mover`, and why a step on it did not succeed.
//!
//! What must stay true:
//! - A connection is named after its move. Before a mover acts it ends all others of that name on the shard: a
//!   statement that an earlier one sent, and that was delayed, never runs after what came later.
//! - The term is raised on the shard before anything else is done there.
//! - After an error the connection is dropped, never used again.
//! - What keeps everybody waiting has a deadline of its own ([`soon`]): a connection may fall silent anywhere.

use std::str::FromStr;
use std::time::{Duration, Instant};

use control_api::Dsn;
use service_kit::postgres::DURABLE;
use shard_map::{Epoch, InstitutionId, ShardId};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection as _, Executor as _};
use tokio::time::timeout;
use uuid::Uuid;

use super::failpoint::{Edge, Step, reach};
use super::planted;
use crate::error::Error;

/// How long a connection may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// How long nobody may be served for a move, or for one step of it.
pub(super) const CUTOVER_DEADLINE: Duration = Duration::from_secs(5);
/// How long those of an earlier mover may take to end.
const LAST_DEADLINE: Duration = Duration::from_secs(3);

/// A mover's session: a round copies many rows, and its snapshot idles while the other side writes. What one side has
/// committed is deleted from the other's log: it may not be lost.
const SESSION: [(&str, &str); 6] = [
    ("role", "lxp_mover"),
    DURABLE,
    ("statement_timeout", "120s"),
    ("lock_timeout", "1s"),
    ("idle_in_transaction_session_timeout", "120s"),
    ("client_connection_check_interval", "2s"),
];

/// Other sessions are ended as who logged in: the owner, who has what the mover may.
pub(super) const AS_OWNER: &str = "SET ROLE NONE";
/// Everything else is done as the mover.
pub(super) const AS_MOVER: &str = "SET ROLE lxp_mover";

/// Why a step ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// It is to be tried again.
    #[error("{0}")]
    Retry(String),
    /// A shard's row is not as the move expects it: it came late, or the move cannot begin.
    #[error("{0}")]
    Refused(String),
    /// The move is to be given up, where it is not committed.
    #[error("{0}")]
    GiveUp(String),
    /// Another control plane leads.
    #[error("another control plane leads")]
    Deposed,
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        match sqlstate(&error).as_deref() {
            Some("LX005") => Self::Deposed,
            Some("LX006") => Self::Refused(crate::shard_db::explain(&error).to_string()),
            _ => Self::Retry(crate::shard_db::explain(&error).to_string()),
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Retry(error.to_string())
    }
}

/// The SQLSTATE of an error of the server.
pub(super) fn sqlstate(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// Does what must not take long, because nobody is served meanwhile. The next try ends what is left of this one, and
/// looks at what came of it.
pub(super) async fn soon<T>(
    what: &str,
    work: impl Future<Output = Result<T, Stop>>,
) -> Result<T, Stop> {
    match timeout(CUTOVER_DEADLINE, work).await {
        Ok(done) => done,
        Err(_) => Err(Stop::Retry(format!("{what} took too long"))),
    }
}

/// What every transaction of a move names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act {
    /// Whose rows.
    pub(super) institution: InstitutionId,
    /// The move.
    pub(super) move_id: Uuid,
    /// The leader's term.
    pub(super) term: i64,
    /// The institution's epoch before the move.
    pub(super) epoch: Epoch,
}

/// A connection to one side.
#[derive(Debug)]
pub(super) struct Side {
    /// The shard.
    pub(super) shard: ShardId,
    /// Which primary answers: system identifier and timeline.
    pub(super) identity: String,
    /// The connection.
    pub(super) connection: PgConnection,
    options: PgConnectOptions,
}

impl Side {
    /// Connects, ends what an earlier mover left there, and raises the term.
    pub(super) async fn connect(shard: &ShardId, dsn: &Dsn, act: &Act) -> Result<Self, Stop> {
        let options = PgConnectOptions::from_str(dsn.expose())?
            .application_name(&format!("lxp-move-{}", act.move_id))
            .options(SESSION);
        let mut connection = open(&options).await?;
        end_others(&mut connection, act.move_id).await?;
        let term: i64 = sqlx::query_scalar("SELECT move_raise_term($1)")
            .bind(act.term)
            .fetch_one(&mut connection)
            .await?;
        if term > act.term {
            return Err(Stop::Deposed);
        }
        let identity = sqlx::query_scalar(
            "SELECT system_identifier || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
             FROM pg_control_system()",
        )
        .fetch_one(&mut connection)
        .await?;
        Ok(Self { shard: shard.clone(), identity, connection, options })
    }

    /// Another connection to the same side.
    pub(super) async fn another(&self) -> Result<PgConnection, Stop> {
        open(&self.options).await
    }

    /// Begins a transaction that writes: `states` are those in which the institution's row may be.
    pub(super) async fn enter(&mut self, act: &Act, states: &str) -> Result<(), Stop> {
        self.connection.execute("BEGIN").await?;
        self.expect(act, states).await
    }

    /// The same, in a transaction that has begun.
    pub(super) async fn expect(&mut self, act: &Act, states: &str) -> Result<(), Stop> {
        sqlx::query("SELECT move_enter($1, $2, $3, $4::text[])")
            .bind(act.institution.as_uuid())
            .bind(act.move_id)
            .bind(act.term)
            .bind(states)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Ends it. The server does not cut it off: one that waits for a standby would look replicated.
    pub(super) async fn commit(&mut self, act: &Act, step: Step) -> Result<(), Stop> {
        reach(step.as_str(), Edge::Before, act).await?;
        self.connection.execute("SET LOCAL statement_timeout = 0; COMMIT").await?;
        reach(step.as_str(), Edge::After, act).await
    }

    /// What the shard's database says of the institution.
    pub(super) async fn row(&mut self, act: &Act) -> Result<Option<Row>, Stop> {
        let row: Option<(i64, Option<Uuid>)> =
            sqlx::query_as("SELECT epoch, move_id FROM ownership WHERE institution_id = $1")
                .bind(act.institution.as_uuid())
                .fetch_optional(&mut self.connection)
                .await?;
        Ok(row.map(|(epoch, move_id)| Row { epoch, move_id, ours: move_id == Some(act.move_id) }))
    }

    /// How long the institution has been in a state here, by the shard's clock; none where it is in another.
    pub(super) async fn been(&mut self, act: &Act, state: &str) -> Result<Option<Duration>, Stop> {
        let seconds: Option<f64> = sqlx::query_scalar(
            "SELECT extract(epoch FROM clock_timestamp() - updated_at)::float8 FROM ownership
             WHERE institution_id = $1 AND move_id = $2 AND state = $3",
        )
        .bind(act.institution.as_uuid())
        .bind(act.move_id)
        .bind(state)
        .fetch_optional(&mut self.connection)
        .await?;
        Ok(seconds.map(|seconds| Duration::from_secs_f64(seconds.max(0.0))))
    }
}

/// A row of `ownership`.
#[derive(Debug)]
pub(super) struct Row {
    /// Its epoch.
    pub(super) epoch: i64,
    /// Whether it names this move.
    pub(super) ours: bool,
    /// The move that it names.
    pub(super) move_id: Option<Uuid>,
}

async fn open(options: &PgConnectOptions) -> Result<PgConnection, Stop> {
    match timeout(CONNECT_DEADLINE, options.connect()).await {
        Ok(connection) => Ok(connection?),
        Err(_) => Err(Stop::Retry("it cannot be reached: no connection within 2 s".to_owned())),
    }
}

/// Ends the connections of earlier movers of this move, and waits until they are gone. They are the owner's, as this
/// one is.
async fn end_others(connection: &mut PgConnection, move_id: Uuid) -> Result<(), Stop> {
    connection.execute(AS_OWNER).await?;
    let deadline = Instant::now() + LAST_DEADLINE;
    loop {
        let others: i64 = sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE application_name = $1 AND datname = current_database() AND pid <> pg_backend_pid()",
        )
        .bind(format!("lxp-move-{move_id}"))
        .fetch_one(&mut *connection)
        .await?;
        if others == 0 {
            planted::in_functions(connection).await?;
            connection.execute(AS_MOVER).await?;
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Stop::Retry("connections of an earlier mover do not end".to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Closes without waiting long.
pub(super) async fn close(connection: PgConnection) {
    if timeout(CONNECT_DEADLINE, connection.close()).await.is_err() {
        tracing::debug!("A mover's connection was not closed in order");
    }
}
