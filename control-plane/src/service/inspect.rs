//! What a shard's databases say of themselves, for `lxp doctor` and `lxp shard show`. Reads alone.
//!
//! What must stay true: each database has its own deadline and its own answer, so that one that is away hides
//! nothing of the others; no answer holds a DSN.

use std::str::FromStr;
use std::time::{Duration, Instant};

use control_api::{DatabaseInspection, Dsn, LeftOver, MovingRow, ShardInspection};
use futures::future::join_all;
use service_kit::clock;
use shard_map::{InstitutionId, ShardId};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::time::timeout;
use uuid::Uuid;

use super::Platform;
use crate::error::Error;
use crate::shard_db::{ShardError, explain, parse};
use crate::store::shards;

/// Connecting to a database and asking it, all in all.
const DEADLINE: Duration = Duration::from_secs(4);
const FINDINGS_MAX: i64 = 100;

const SELF: &str = "SELECT pg_is_in_recovery() AS in_recovery,
    (SELECT max(version) FROM _sqlx_migrations WHERE success) AS schema_version,
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
    EXISTS (SELECT FROM pg_stat_wal_receiver) AS receiving,
    CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
         ELSE (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::bigint
    END AS lag_ms";

/// A primary's findings; a replica has none of its own.
#[derive(Default)]
struct Findings {
    moving: Vec<MovingRow>,
    left: Vec<LeftOver>,
}

impl Platform {
    /// Asks a shard's primary and its replicas, and the primary for what moves have left.
    pub async fn inspect_shard(&self, id: &ShardId) -> Result<ShardInspection, Error> {
        self.inspect(id, true).await
    }

    /// The same without looking for what moves have left: light enough to be asked again and again.
    pub async fn databases(&self, id: &ShardId) -> Result<Vec<DatabaseInspection>, Error> {
        Ok(self.inspect(id, false).await?.databases)
    }

    async fn inspect(&self, id: &ShardId, findings: bool) -> Result<ShardInspection, Error> {
        let mut connection = self.pool.acquire().await?;
        let row = shards::find(&mut connection, id).await?;
        let row = row.ok_or_else(|| Error::not_found("shard", id))?;
        drop(connection);
        let replicas = row.replicas.iter().map(|dsn| (dsn, true));
        let all = std::iter::once((&row.primary, false)).chain(replicas);
        let asked =
            join_all(all.map(|(dsn, replica)| ask(dsn, replica, findings && !replica))).await;
        let mut inspection =
            ShardInspection { shard: id.clone(), databases: vec![], moving: vec![], left: vec![] };
        for (database, findings) in asked {
            inspection.databases.push(database);
            inspection.moving.extend(findings.moving);
            inspection.left.extend(findings.left);
        }
        Ok(inspection)
    }
}

async fn ask(dsn: &Dsn, replica: bool, with_findings: bool) -> (DatabaseInspection, Findings) {
    let options = PgConnectOptions::from_str(dsn.expose());
    let place = options.as_ref().map_or_else(|_| "?".to_owned(), place);
    let blank = DatabaseInspection {
        replica,
        place,
        error: None,
        in_recovery: None,
        schema_version: None,
        clock_skew_ms: None,
        receiving: None,
        lag_ms: None,
    };
    let asked = async {
        let options = options.map_err(|error| explain(&error))?;
        let options =
            options.application_name("lxp-inspect").options([("statement_timeout", "3s")]);
        let mut connection = options.connect().await.map_err(|error| explain(&error))?;
        let database =
            look(&mut connection, blank.clone()).await.map_err(|error| explain(&error))?;
        let findings =
            if with_findings { findings(&mut connection).await? } else { Findings::default() };
        // What was asked is known, however the connection ends.
        let _ = connection.close().await;
        Ok::<_, ShardError>((database, findings))
    };
    let failed = |why: String| {
        let database = DatabaseInspection { error: Some(why), ..blank.clone() };
        (database, Findings::default())
    };
    match timeout(DEADLINE, asked).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => failed(error.to_string()),
        Err(_) => failed(format!("no answer within {} s", DEADLINE.as_secs())),
    }
}

fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_default();
    format!("{}:{}/{database}", options.get_host(), options.get_port())
}

async fn look(
    connection: &mut PgConnection,
    blank: DatabaseInspection,
) -> sqlx::Result<DatabaseInspection> {
    let (begun, before_ms) = (Instant::now(), clock::now().timestamp_millis());
    let row = sqlx::query(SELF).fetch_one(connection).await?;
    let took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    let skew_ms = row.try_get::<i64, _>("now_ms")? - (before_ms + took_ms / 2);
    let is_known = skew_ms.abs() > took_ms;
    let replica = blank.replica;
    Ok(DatabaseInspection {
        in_recovery: Some(row.try_get("in_recovery")?),
        schema_version: row.try_get("schema_version")?,
        clock_skew_ms: Some(if is_known { skew_ms } else { 0 }),
        receiving: replica.then(|| row.try_get("receiving")).transpose()?,
        lag_ms: if replica { row.try_get("lag_ms")? } else { None },
        ..blank
    })
}

/// What is there of moves, as the mover sees it: the owner sees no tenant's row.
async fn findings(connection: &mut PgConnection) -> Result<Findings, ShardError> {
    let ask = async {
        let mut tx = connection.begin().await?;
        sqlx::query("SET LOCAL ROLE lxp_mover").execute(&mut *tx).await?;
        let moving: Vec<(Uuid, String, Uuid)> = sqlx::query_as(
            "SELECT institution_id, state, move_id FROM ownership WHERE move_id IS NOT NULL LIMIT $1",
        )
        .bind(FINDINGS_MAX)
        .fetch_all(&mut *tx)
        .await?;
        let left: Vec<(Uuid, String)> = match left_query(&mut tx).await? {
            Some(query) => {
                sqlx::query_as(AssertSqlSafe(query)).bind(FINDINGS_MAX).fetch_all(&mut *tx).await?
            }
            None => Vec::new(),
        };
        Ok::<_, sqlx::Error>((moving, left))
    };
    let (moving, left) = ask.await.map_err(|error| explain(&error))?;
    let moving = moving.into_iter().map(|(institution, state, move_id)| {
        let institution = InstitutionId::new(institution);
        Ok(MovingRow { institution, state: parse(&state)?, move_id })
    });
    let left = left.into_iter().map(|(institution, table)| LeftOver {
        institution: InstitutionId::new(institution),
        table,
    });
    Ok(Findings { moving: moving.collect::<Result<_, ShardError>>()?, left: left.collect() })
}

/// Rows of institutions that have moved away, in the tables on which capture stands, and changes that nobody will
/// carry over. A clean-up that is under way has some, too: whoever asks knows the moves. None before the shard is migrated.
async fn left_query(connection: &mut PgConnection) -> sqlx::Result<Option<String>> {
    let each: Option<String> = sqlx::query_scalar(
        "SELECT string_agg(format('SELECT institution_id, %L AS of_table FROM ownership o WHERE state = ''moved''
                    AND EXISTS (SELECT FROM %s t WHERE t.institution_id = o.institution_id)',
                tgrelid::regclass, tgrelid::regclass), ' UNION ALL ')
         FROM pg_trigger WHERE tgname = 'change_captured'",
    )
    .fetch_one(connection)
    .await?;
    Ok(each.map(|each| {
        format!(
            "SELECT * FROM ({each} UNION ALL
                SELECT institution_id, 'change_log' FROM ownership o WHERE NOT capture
                AND EXISTS (SELECT FROM change_log c WHERE c.institution_id = o.institution_id)
             ) AS all_left ORDER BY 1, 2 LIMIT $1"
        )
    }))
}
