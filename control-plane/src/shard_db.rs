//! What the control plane asks of the shards' own databases, as their owner, each with a deadline.
//!
//! What must stay true: no error that leaves here holds a DSN; an unreachable database is an answer in words,
//! never a crash. Functions of the shard's own schema are idempotent, so every call may be repeated.
//!
//! Left alone on purpose: tenants' rows. The control plane reads `ownership`, calls two functions, and counts (as the
//! mover, the one role that sees all tenants).

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use control_api::{Dsn, Institution, Ownership};
use shard_map::{Epoch, InstitutionId, InstitutionStatus, ShardId};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Postgres, Row, Transaction};
use tokio::time::timeout;
use uuid::Uuid;

use crate::operation::tenant_move::read_catalogue;

/// The migrations of a shard's database.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/shard");

/// How long a shard's database may take to say what it has.
const ASK_DEADLINE: Duration = Duration::from_secs(2);
/// How long it may take to be told: less than a transaction on the control database may stand idle.
const TELL_DEADLINE: Duration = Duration::from_secs(3);
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// How long it may count an institution's rows.
const COUNT_DEADLINE: Duration = Duration::from_secs(10);
const MIGRATE_DEADLINE: Duration = Duration::from_mins(10);
const CONNECTIONS_PER_SHARD: u32 = 4;
const APPLICATION: &str = "lxp-control-plane";

/// Why a shard's database did not do it, in words without a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct ShardError {
    words: String,
    /// Whether it was the database that refused: then it is there.
    pub has_answered: bool,
}

impl ShardError {
    fn answered(words: impl Into<String>) -> Self {
        Self { words: words.into(), has_answered: true }
    }

    fn silent(words: impl Into<String>) -> Self {
        Self { words: words.into(), has_answered: false }
    }
}

/// How much of an institution a shard's database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantSize {
    /// Rows of all tenant tables, counted.
    pub rows: i64,
    /// Bytes of those rows as they are stored, without indexes and free space.
    pub bytes: i64,
}

/// Pools to the shards' databases; each connects when it is first used.
#[derive(Debug, Clone, Default)]
pub struct ShardDatabases(Arc<Mutex<HashMap<ShardId, (Dsn, PgPool)>>>);

impl ShardDatabases {
    /// Makes an institution known to its shard.
    pub async fn admit(&self, dsn: &Dsn, institution: &Institution) -> Result<(), ShardError> {
        let pool = self.pool(&institution.shard, dsn)?;
        let admit = sqlx::query("SELECT institution_admit($1, $2, $3, $4, $5, $6)")
            .bind(institution.id.as_uuid())
            .bind(institution.epoch.0)
            .bind(institution.shard.as_str())
            .bind(&institution.slug)
            .bind(&institution.name)
            .bind(&institution.timezone)
            .execute(&pool);
        within(TELL_DEADLINE, admit).await.map(|_| ())
    }

    /// Tells the shard whether an institution is served.
    pub async fn set_status(&self, dsn: &Dsn, institution: &Institution) -> Result<(), ShardError> {
        let word = match institution.status {
            InstitutionStatus::Suspended => "SUSPENDED",
            InstitutionStatus::Creating | InstitutionStatus::Active => "ACTIVE",
        };
        let pool = self.pool(&institution.shard, dsn)?;
        let set = sqlx::query("SELECT institution_set_status($1, $2)")
            .bind(institution.id.as_uuid())
            .bind(word)
            .execute(&pool);
        within(TELL_DEADLINE, set).await.map(|_| ())
    }

    /// What a shard's database says of an institution; none if it never heard of it.
    pub async fn ownership(
        &self,
        shard: &ShardId,
        dsn: &Dsn,
        institution: InstitutionId,
    ) -> Result<Option<Ownership>, ShardError> {
        let pool = self.pool(shard, dsn)?;
        let ask = sqlx::query(
            "SELECT state, epoch, owner, move_id, term FROM ownership WHERE institution_id = $1",
        )
        .bind(institution.as_uuid())
        .fetch_optional(&pool);
        let Some(row) = within(ASK_DEADLINE, ask).await? else { return Ok(None) };
        let word = |name: &str| row.try_get::<String, _>(name).map_err(|error| explain(&error));
        Ok(Some(Ownership {
            shard: shard.clone(),
            state: parse(&word("state")?)?,
            epoch: Epoch(row.try_get("epoch").map_err(|error| explain(&error))?),
            owner: parse(&word("owner")?)?,
            move_id: row.try_get::<Option<Uuid>, _>("move_id").map_err(|error| explain(&error))?,
            term: row.try_get("term").map_err(|error| explain(&error))?,
        }))
    }

    /// How much of institutions a shard's database has: rows and their bytes, counted.
    pub async fn sizes(
        &self,
        shard: &ShardId,
        dsn: &Dsn,
        institutions: &[InstitutionId],
    ) -> Result<BTreeMap<InstitutionId, TenantSize>, ShardError> {
        let pool = self.pool(shard, dsn)?;
        within(COUNT_DEADLINE, count(&pool, institutions)).await
    }

    /// Tables of a shard's database that hold rows of anybody, and owners' rows that speak of more than what has gone.
    pub async fn residue(&self, shard: &ShardId, dsn: &Dsn) -> Result<Vec<String>, ShardError> {
        let pool = self.pool(shard, dsn)?;
        within(COUNT_DEADLINE, residue(&pool)).await
    }

    /// Closes what is open to a shard that is gone.
    pub fn forget(&self, shard: &ShardId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(shard);
    }

    fn pool(&self, shard: &ShardId, dsn: &Dsn) -> Result<PgPool, ShardError> {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match pools.get(shard) {
            Some((known, pool)) if known == dsn => Ok(pool.clone()),
            _ => {
                let options: PgConnectOptions =
                    dsn.expose().parse().map_err(|error| explain(&error))?;
                let options = options.application_name(APPLICATION);
                let pool = service_kit::postgres::proven_pool(options, CONNECTIONS_PER_SHARD);
                pools.insert(shard.clone(), (dsn.clone(), pool.clone()));
                Ok(pool)
            }
        }
    }
}

/// A transaction as the mover, who sees the rows of all tenants; the server ends its statements.
async fn as_mover(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut tx = pool.begin().await?;
    let enter = format!(
        "SET LOCAL statement_timeout = {}; SET LOCAL ROLE lxp_mover; SET TRANSACTION READ ONLY",
        COUNT_DEADLINE.as_millis()
    );
    sqlx::raw_sql(AssertSqlSafe(enter)).execute(&mut *tx).await?;
    Ok(tx)
}

/// The tables on which capture stands: those are the ones that move.
async fn captured(tx: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    let tables = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'change_captured' ORDER BY 1";
    sqlx::query_scalar(tables).fetch_all(tx).await
}

async fn count(
    pool: &PgPool,
    institutions: &[InstitutionId],
) -> sqlx::Result<BTreeMap<InstitutionId, TenantSize>> {
    let mut tx = as_mover(pool).await?;
    let one = |table: &String| {
        format!(
            "SELECT institution_id, count(*) AS rows, sum(pg_column_size(t)) AS bytes FROM {table} t
             WHERE institution_id = ANY($1) GROUP BY 1"
        )
    };
    let each: Vec<String> = captured(&mut tx).await?.iter().map(one).collect();
    let empty = TenantSize { rows: 0, bytes: 0 };
    let mut sizes: BTreeMap<_, _> = institutions.iter().map(|id| (*id, empty)).collect();
    if each.is_empty() {
        return Ok(sizes);
    }
    let all = format!(
        "SELECT institution_id, sum(rows)::bigint, sum(bytes)::bigint FROM ({}) AS of_each GROUP BY 1",
        each.join(" UNION ALL ")
    );
    let ids: Vec<Uuid> = institutions.iter().map(InstitutionId::as_uuid).collect();
    let rows: Vec<(Uuid, i64, i64)> =
        sqlx::query_as(AssertSqlSafe(all)).bind(ids).fetch_all(&mut *tx).await?;
    for (id, rows, bytes) in rows {
        sizes.insert(InstitutionId::new(id), TenantSize { rows, bytes });
    }
    Ok(sizes)
}

async fn residue(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    // A database that was never migrated has no tables to look into.
    let known = "SELECT to_regclass('public.ownership') IS NOT NULL";
    if !sqlx::query_scalar::<_, bool>(known).fetch_one(pool).await? {
        return Ok(Vec::new());
    }
    let mut tx = as_mover(pool).await?;
    let mut tables = captured(&mut tx).await?;
    tables.extend(["change_log".to_owned(), "move_imports".to_owned()]);
    let one = |table: &String| format!("SELECT '{table}' WHERE EXISTS (SELECT FROM {table})");
    let mut each: Vec<String> = tables.iter().map(one).collect();
    each.push(
        "SELECT 'ownership' WHERE EXISTS
             (SELECT FROM ownership WHERE state <> 'moved' OR move_id IS NOT NULL)"
            .to_owned(),
    );
    sqlx::query_scalar(AssertSqlSafe(each.join(" UNION ALL "))).fetch_all(&mut *tx).await
}

/// The newest migration that this build has for a shard's database.
pub fn newest_migration() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Applies the migrations that a shard's database lacks. Answers the newest that it has then.
///
/// On a connection of its own: it holds a lock of the session, which a pool would carry on.
pub async fn migrate(dsn: &Dsn) -> Result<i64, ShardError> {
    let options = PgConnectOptions::from_str(dsn.expose()).map_err(|error| explain(&error))?;
    let options = options
        .application_name(APPLICATION)
        .options([("lock_timeout", "30s"), ("client_connection_check_interval", "2s")]);
    let mut connection = within(CONNECT_DEADLINE, options.connect()).await?;
    let migrated = timeout(MIGRATE_DEADLINE, run(&mut connection)).await;
    // A connection that stays behind half-closed would keep the lock.
    let closed = timeout(CONNECT_DEADLINE, connection.close()).await;
    if !matches!(closed, Ok(Ok(()))) {
        tracing::debug!("A connection for migrations was not closed in order");
    }
    migrated.map_err(|_| {
        ShardError::silent(format!("migrations took longer than {} s", MIGRATE_DEADLINE.as_secs()))
    })?
}

async fn run(connection: &mut PgConnection) -> Result<i64, ShardError> {
    keep_moves_away(connection).await?;
    // `run_direct`, because `run` is not general enough over lifetimes for a spawned task.
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(|error| ShardError::answered(format!("migrations: {error}")))?;
    // A table that was forgotten by its migration is noticed here, not by the first move.
    read_catalogue(connection).await.map_err(|error| ShardError::answered(error.to_string()))?;
    Ok(newest_migration())
}

/// No move is under way on the shard, and none begins while this session lasts. Where nothing is to be migrated moves
/// may go on.
async fn keep_moves_away(connection: &mut PgConnection) -> Result<(), ShardError> {
    let known: bool = sqlx::query_scalar("SELECT to_regclass('public.move_term') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| explain(&error))?;
    if !known {
        return Ok(());
    }
    let applied: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| explain(&error))?;
    if MIGRATIONS.iter().all(|migration| applied.contains(&migration.version)) {
        return Ok(());
    }
    sqlx::query("SELECT pg_advisory_lock(hashtextextended('lxp.schema', 0))")
        .execute(&mut *connection)
        .await
        .map_err(|error| explain(&error))?;
    let moving: i64 =
        sqlx::query_scalar("SELECT count(*) FROM ownership WHERE move_id IS NOT NULL")
            .fetch_one(connection)
            .await
            .map_err(|error| explain(&error))?;
    if moving == 0 {
        return Ok(());
    }
    Err(ShardError::answered(format!(
        "{moving} institutions are moving to or from it: it is migrated when they have arrived (lxp move status)"
    )))
}

async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, ShardError> {
    match timeout(deadline, work).await {
        Ok(done) => done.map_err(|error| explain(&error)),
        Err(_) => Err(ShardError::silent(format!("no answer within {} s", deadline.as_secs()))),
    }
}

/// The error in words. What the driver says of a URL may repeat it, so that is left out.
pub(crate) fn explain(error: &sqlx::Error) -> ShardError {
    let words = match error {
        sqlx::Error::Configuration(_) => "its DSN is not understood".to_owned(),
        sqlx::Error::Io(error) => format!("it cannot be reached: {error}"),
        sqlx::Error::PoolTimedOut => "it cannot be reached: no connection within 2 s".to_owned(),
        sqlx::Error::Database(error) => match error.code() {
            Some(code) => format!("{} (SQLSTATE {code})", error.message()),
            None => error.message().to_owned(),
        },
        other => other.to_string(),
    };
    // A server that has no such database speaks for itself alone.
    let has_answered =
        error.as_database_error().is_some_and(|it| it.code().as_deref() != Some("3D000"));
    ShardError { words, has_answered }
}

pub(crate) fn parse<T>(word: &str) -> Result<T, ShardError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    word.parse().map_err(|error: T::Err| ShardError::answered(error.to_string()))
}
