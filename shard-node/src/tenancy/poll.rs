//! One poll of the primary: who it is, what it owns, and whether that may be believed.
//!
//! What must stay true:
//! - A poll that did not reach a primary does not count: a standby says so itself, and where a failover is possible
//!   a synchronous commit *after* the read proves that this primary was not deposed before it.
//! - From a primary that is not known nothing is served until its whole table was compared with the directory.
//!   With the control plane away that waits, unless the settings say that the standby is synchronous and this
//!   is what a promoted standby looks like.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use control_api::Elsewhere;
use service_kit::postgres::{self, BY_INDEX};
use shard_map::{Epoch, InstitutionId, MapVersion, OwnershipState};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};
use tokio::sync::Mutex;
use tokio::time::timeout;
use uuid::Uuid;

use super::Directory;
use super::identity::{Identity, Memory, Withheld};
use super::lease::Moment;
use super::ownership::{Ownership, Row};
use crate::error::NotOwner;
use crate::replica::Replicas;
use crate::store::Position;

/// How long the database may take for one poll.
const DEADLINE: Duration = Duration::from_millis(1_500);

/// How long it may take to connect.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// Why a poll did not count.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The database did not answer.
    #[error("the primary cannot be asked: {0}")]
    Database(#[from] sqlx::Error),
    /// It did not answer in time.
    #[error("the primary did not answer within {DEADLINE:?}")]
    TooSlow,
    /// It is a standby.
    #[error("the database is a standby")]
    Standby,
    /// No standby would have to confirm its commits.
    #[error(
        "a failover is possible, but synchronous_standby_names is empty: a commit proves nothing"
    )]
    Unproven,
    /// The primary is another one and the directory cannot be asked what of it is still true.
    #[error(
        "the primary is not the one that was confirmed, and the directory does not answer: {0}"
    )]
    Uncompared(String),
}

/// What a poll that counted has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// The lease holds on.
    Renewed,
    /// Another primary was accepted; the next poll gives the lease.
    Accepted,
}

/// What polls stand on.
#[derive(Debug)]
pub struct Poller {
    /// What requests see.
    pub ownership: Arc<Ownership>,
    /// Who hears where the primary is.
    pub replicas: Arc<Replicas>,
    /// How to reach the primary; polls have a connection of their own, that load cannot take away.
    pub pool: PgPool,
    /// That connection, while no poll has it. One that a poll was cut off from is gone.
    pub connection: Mutex<Option<PgConnection>>,
    /// The primary that was confirmed.
    pub memory: Arc<Memory>,
    /// Who is asked about another one.
    pub directory: Directory,
    /// Whether a failover is possible: then each poll is confirmed by a synchronous commit.
    pub failover: bool,
    /// Whether a standby that is promoted has every acknowledged commit.
    pub synchronous_standby: bool,
}

/// What the primary says.
struct Seen {
    identity: Identity,
    rows: HashMap<InstitutionId, Row>,
    version: i64,
    lsn: u64,
}

impl Poller {
    /// One poll.
    ///
    /// # Errors
    /// Why it does not count; the lease then runs out.
    pub async fn poll(&self) -> Result<Polled, PollError> {
        self.connect().await?;
        let (began, at) = (Moment::now(), Instant::now());
        let after = self.ownership.version();
        let seen = self.ask(after).await?;
        if !self.memory.knows(&seen.identity) {
            self.ownership.lease.revoke();
            self.meet().await?;
            return Ok(Polled::Accepted);
        }
        self.memory.advance(seen.identity);
        self.ownership.apply(seen.rows, seen.version);
        self.ownership.lease.confirm(began);
        self.ownership.polled(at);
        let Identity { timeline, .. } = seen.identity;
        self.replicas.note_primary(at, Position { timeline, lsn: seen.lsn });
        Ok(Polled::Renewed)
    }

    /// Connects, where no connection is left. It takes its own time: a poll begins after it.
    async fn connect(&self) -> Result<(), PollError> {
        let mut kept = self.connection.lock().await;
        if kept.is_none() {
            let options = self.pool.connect_options();
            let connected = timeout(CONNECT_DEADLINE, PgConnection::connect_with(&options)).await;
            *kept = Some(connected.map_err(|_| PollError::TooSlow)??);
        }
        Ok(())
    }

    /// Reads, then confirms on the same connection, which leads to one server whatever a name leads to.
    async fn ask(&self, after: i64) -> Result<Seen, PollError> {
        let ask = async {
            let mut kept = self.connection.lock().await;
            let mut connection = kept.take().ok_or(PollError::TooSlow)?;
            let seen = read(&mut connection, after).await?;
            if self.failover {
                confirm(&mut connection).await?;
            }
            *kept = Some(connection);
            Ok(seen)
        };
        timeout(DEADLINE, ask).await.map_err(|_| PollError::TooSlow)?
    }

    /// Compares a primary that is not known with the directory, and remembers it.
    async fn meet(&self) -> Result<(), PollError> {
        let seen = self.ask(0).await?;
        let before = self.memory.confirmed();
        let owned = seen.rows.iter().filter(|(_, row)| row.is_owned());
        let owned: Vec<_> = owned.map(|(id, row)| (*id, row.epoch)).collect();
        let promoted = before.is_some_and(|known| seen.identity.is_promoted_from(&known));
        let withheld = match self.directory.elsewhere(&owned).await {
            Ok(elsewhere) => self.withheld(elsewhere, &seen.rows),
            Err(error) if self.synchronous_standby && promoted => {
                tracing::warn!(
                    error,
                    "The standby was synchronous: it is served without a comparison"
                );
                self.memory.withheld()
            }
            Err(error) => return Err(PollError::Uncompared(error)),
        };
        tracing::warn!(before = ?before, now = ?seen.identity, owned = owned.len(),
            withheld = withheld.len(), "Another primary than the one that was confirmed is accepted");
        self.ownership.withhold(withheld.clone());
        self.ownership.replace(seen.rows, seen.version);
        self.memory.accept(seen.identity, withheld);
        Ok(())
    }

    fn withheld(
        &self,
        elsewhere: Vec<Elsewhere>,
        rows: &HashMap<InstitutionId, Row>,
    ) -> Vec<Withheld> {
        let withheld = elsewhere.into_iter().filter_map(|it| {
            let next = Epoch(rows.get(&it.institution)?.epoch.0 + 1);
            let ours = it.owner.as_ref() == Some(&self.directory.shard);
            let not_owner = NotOwner {
                state: None,
                owner: it.owner.map(|owner| owner.to_string()),
                epoch: it.epoch,
                map_version: it.map_version,
            };
            tracing::warn!(institution = %it.institution, owner = ?not_owner.owner,
                epoch = ?not_owner.epoch, "An institution is withheld: the directory has it elsewhere");
            let until = it.epoch.map_or(next, |epoch| epoch.max(next));
            let not_owner = (!ours).then_some(not_owner);
            Some(Withheld { institution: it.institution, until, not_owner })
        });
        withheld.collect()
    }
}

async fn read(connection: &mut PgConnection, after: i64) -> Result<Seen, PollError> {
    // One statement: who answers and what it owns come from one server. A standby has no timeline of its own.
    let rows = sqlx::query!(
        r#"SELECT primary_.system_identifier AS "system!", primary_.timeline,
                  primary_.sequence AS "sequence!", primary_.lsn,
                  c.institution_id AS "institution_id?", c.state AS "state?", c.epoch AS "epoch?",
                  c.owner AS "owner?", c.map_version AS "map_version?", c.version AS "version?",
                  c.suspended AS "suspended?"
           FROM (SELECT system_identifier,
                        CASE WHEN NOT pg_is_in_recovery()
                             THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline,
                        CASE WHEN NOT pg_is_in_recovery()
                             THEN (pg_current_wal_insert_lsn() - '0/0')::bigint END AS lsn,
                        (SELECT last_value FROM ownership_version) AS sequence
                 FROM pg_control_system()) primary_
           LEFT JOIN ownership_changes($1) c ON true"#,
        after
    )
    .fetch_all(&mut *connection)
    .await?;
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let timeline = first.timeline.as_deref().ok_or(PollError::Standby)?;
    let timeline =
        u32::from_str_radix(timeline, 16).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    let lsn = first.lsn.and_then(|lsn| u64::try_from(lsn).ok()).unwrap_or(u64::MAX);
    let mut version = after;
    let identity = Identity { system: first.system, timeline, sequence: first.sequence };
    let changed = rows.into_iter().filter_map(|row| {
        let institution = row.institution_id?;
        version = version.max(row.version?);
        let changed = Row {
            state: state(&institution, &row.state?),
            epoch: Epoch(row.epoch?),
            owner: row.owner?,
            map_version: MapVersion(row.map_version?),
            suspended: row.suspended?,
        };
        Some((InstitutionId::new(institution), changed))
    });
    let rows = changed.collect();
    Ok(Seen { identity, rows, version, lsn })
}

/// Connections for requests: each was proven to lead to the confirmed primary when it was made, and none is used that
/// was made before another primary was accepted: a deposed one may still answer on it.
pub fn primary_pool(
    primary: PgConnectOptions,
    connections: u32,
    memory: Arc<Memory>,
    ownership: Arc<Ownership>,
) -> PgPool {
    let known = memory.clone();
    postgres::checked_pool(
        primary.options(BY_INDEX),
        connections,
        move |connection| {
            let (memory, ownership) = (memory.clone(), ownership.clone());
            Box::pin(async move { expect_confirmed(connection, &memory, &ownership).await })
        },
        move |age| !known.outdates(age),
    )
}

/// Refuses a connection that leads to another primary than the confirmed one: a request must not meet it before
/// a poll has.
async fn expect_confirmed(
    connection: &mut PgConnection,
    memory: &Memory,
    ownership: &Ownership,
) -> sqlx::Result<()> {
    let is = sqlx::query!(
        r#"SELECT system_identifier AS "system!",
                  CASE WHEN NOT pg_is_in_recovery()
                       THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline,
                  (SELECT last_value FROM ownership_version) AS "sequence!"
           FROM pg_control_system()"#
    )
    .fetch_one(connection)
    .await?;
    let timeline = is.timeline.and_then(|timeline| u32::from_str_radix(&timeline, 16).ok());
    let identity =
        timeline.map(|timeline| Identity { system: is.system, timeline, sequence: is.sequence });
    if identity.is_some_and(|identity| memory.knows(&identity)) {
        return Ok(());
    }
    ownership.lease.suspect();
    Err(sqlx::Error::Protocol("the database is not the primary that was confirmed".to_owned()))
}

/// Commits something tiny synchronously: a primary whose standby has been promoted waits for ever.
///
/// The statement's own timeout is off: cancelling the wait of a commit makes it look confirmed.
async fn confirm(connection: &mut PgConnection) -> Result<(), PollError> {
    let names: String = sqlx::query_scalar("SELECT current_setting('synchronous_standby_names')")
        .fetch_one(&mut *connection)
        .await?;
    if names.is_empty() {
        return Err(PollError::Unproven);
    }
    connection
        .execute(
            "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL synchronous_commit = on;
             SELECT pg_logical_emit_message(true, 'lxp.confirm', ''); COMMIT",
        )
        .await?;
    Ok(())
}

/// A word this build does not know is a newer build's state: not ours to serve.
fn state(institution: &Uuid, word: &str) -> OwnershipState {
    word.parse().unwrap_or_else(|error| {
        tracing::error!(institution = %institution, error = %error, "Unknown ownership state");
        OwnershipState::Fenced
    })
}
