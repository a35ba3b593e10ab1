//! Shards: what they are, how to reach them, how far their migrations are.

use control_api::{Dsn, NewShard, Shard};
use shard_map::{MapShard, NodeId, ShardId, ShardState};
use sqlx::PgConnection;

use super::{backoff_s, one_row, parse};
use crate::error::Error;
use crate::model::room::Room;

/// A shard's row.
#[derive(Debug, Clone)]
pub struct ShardRow {
    /// Its id.
    pub id: ShardId,
    /// Whether it takes institutions.
    pub state: ShardState,
    /// Its share of the ring.
    pub weight: u32,
    /// How many institutions it takes.
    pub capacity: Option<u64>,
    /// Its primary, as its owner.
    pub primary: Dsn,
    /// Its replicas.
    pub replicas: Vec<Dsn>,
    /// Its Redis nodes.
    pub redis: Vec<Dsn>,
    /// The newest migration it is to have.
    pub schema_wanted: i64,
    /// The newest it has been seen to have.
    pub schema_version: Option<i64>,
    /// Failed tries since the last success.
    pub tries: i32,
    /// What keeps the control plane from its database.
    pub last_error: Option<String>,
    /// Whether it may be tried again now.
    pub due: bool,
}

impl ShardRow {
    /// Whether it is what `new` asks for.
    pub fn is_same_as(&self, new: &NewShard) -> bool {
        self.id == new.id
            && self.weight == new.weight
            && self.primary == new.postgres.primary
            && self.replicas == new.postgres.replicas
            && self.redis == new.redis
    }

    /// Whether its migrations are applied as far as was asked for.
    pub fn is_migrated(&self) -> bool {
        self.schema_version.is_some_and(|version| version >= self.schema_wanted)
    }
}

struct Raw {
    id: String,
    state: String,
    weight: i32,
    capacity: Option<i64>,
    primary_dsn: String,
    replica_dsns: Vec<String>,
    redis_nodes: Vec<String>,
    schema_wanted: i64,
    schema_version: Option<i64>,
    tries: i32,
    last_error: Option<String>,
    due: bool,
}

impl TryFrom<Raw> for ShardRow {
    type Error = Error;

    fn try_from(raw: Raw) -> Result<Self, Error> {
        Ok(Self {
            id: parse(&raw.id)?,
            state: parse(&raw.state)?,
            weight: weight(raw.weight)?,
            capacity: raw.capacity.and_then(|most| u64::try_from(most).ok()),
            primary: Dsn::new(raw.primary_dsn),
            replicas: raw.replica_dsns.into_iter().map(Dsn::new).collect(),
            redis: raw.redis_nodes.into_iter().map(Dsn::new).collect(),
            schema_wanted: raw.schema_wanted,
            schema_version: raw.schema_version,
            tries: raw.tries,
            last_error: raw.last_error,
            due: raw.due,
        })
    }
}

fn weight(weight: i32) -> Result<u32, Error> {
    u32::try_from(weight).map_err(|_| Error::Corrupt(format!("a shard of weight {weight}")))
}

/// All shards, in order of their ids.
pub async fn all(connection: &mut PgConnection) -> Result<Vec<ShardRow>, Error> {
    sqlx::query_as!(
        Raw,
        r#"SELECT id, state, weight, capacity, primary_dsn, replica_dsns, redis_nodes, schema_wanted,
                  schema_version, tries, last_error, retry_at <= clock_timestamp() AS "due!"
           FROM shards ORDER BY id"#
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(ShardRow::try_from)
    .collect()
}

/// All shards as the map has them, in order of their ids.
pub async fn for_map(connection: &mut PgConnection) -> Result<Vec<MapShard>, Error> {
    sqlx::query!("SELECT id, state, weight FROM shards ORDER BY id")
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| {
            let (id, state) = (parse(&row.id)?, parse(&row.state)?);
            Ok(MapShard { id, state, weight: weight(row.weight)? })
        })
        .collect()
}

/// How much room the active shards have, or one of them. Who is on the way counts where it will live.
/// One that is asked for by itself and has no limit is not counted: the map's head is locked meanwhile.
pub async fn rooms(
    connection: &mut PgConnection,
    only: Option<&ShardId>,
) -> Result<Vec<Room>, Error> {
    sqlx::query!(
        r#"SELECT id, weight, capacity,
                  CASE WHEN $1::text IS NOT NULL AND capacity IS NULL THEN 0 ELSE
                  (SELECT count(*) FROM institutions i WHERE i.shard_id = s.id)
                  + (SELECT count(*) FROM moves m WHERE m.to_shard = s.id
                     AND m.phase IN ('preflight', 'copying', 'verifying', 'closing', 'cutover'))
                  + (SELECT count(*) FROM plan_moves w WHERE w.to_shard = s.id AND w.is_waiting) END AS "taken!"
           FROM shards s WHERE state = 'active' AND ($1::text IS NULL OR id = $1) ORDER BY id"#,
        only.map(ShardId::as_str),
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| {
        Ok(Room {
            shard: parse(&row.id)?,
            weight: weight(row.weight)?,
            capacity: row.capacity.and_then(|most| u64::try_from(most).ok()),
            taken: u64::try_from(row.taken).unwrap_or(0),
        })
    })
    .collect()
}

/// One shard.
pub async fn find(
    connection: &mut PgConnection,
    shard: &ShardId,
) -> Result<Option<ShardRow>, Error> {
    sqlx::query_as!(
        Raw,
        r#"SELECT id, state, weight, capacity, primary_dsn, replica_dsns, redis_nodes, schema_wanted,
                  schema_version, tries, last_error, retry_at <= clock_timestamp() AS "due!"
           FROM shards WHERE id = $1"#,
        shard.as_str(),
    )
    .fetch_optional(connection)
    .await?
    .map(ShardRow::try_from)
    .transpose()
}

/// Whether somebody has said that a shard's database is gone for good. A shard that is gone itself has none.
pub async fn is_database_lost(
    connection: &mut PgConnection,
    shard: &ShardId,
) -> Result<bool, Error> {
    let lost = sqlx::query_scalar!(
        r#"SELECT database_lost_at IS NOT NULL AS "lost!" FROM shards WHERE id = $1"#,
        shard.as_str()
    );
    Ok(lost.fetch_optional(connection).await?.unwrap_or(true))
}

/// Notes that it is, or is there again.
pub async fn note_database_lost(
    connection: &mut PgConnection,
    shard: &ShardId,
    is_lost: bool,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE shards SET database_lost_at = CASE WHEN $2 THEN coalesce(database_lost_at, clock_timestamp()) END
         WHERE id = $1",
        shard.as_str(),
        is_lost,
    )
    .execute(connection)
    .await?;
    one_row("shard", done.rows_affected())
}

/// Adds a shard as joining. The map's head is locked.
pub async fn insert(
    connection: &mut PgConnection,
    new: &NewShard,
    schema_wanted: i64,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "INSERT INTO shards (id, state, weight, primary_dsn, replica_dsns, redis_nodes, schema_wanted)
         VALUES ($1, 'joining', $2, $3, $4, $5, $6)",
        new.id.as_str(),
        stored_weight(new.weight)?,
        new.postgres.primary.expose(),
        &texts(&new.postgres.replicas),
        &texts(&new.redis),
        schema_wanted,
    )
    .execute(connection)
    .await?;
    one_row("shard", done.rows_affected())
}

/// Writes a shard's addresses; where the primary is another, its migrations are looked at anew.
pub async fn update_addresses(
    connection: &mut PgConnection,
    shard: &ShardId,
    primary: &Dsn,
    replicas: &[Dsn],
    redis: &[Dsn],
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE shards SET primary_dsn = $2, replica_dsns = $3, redis_nodes = $4,
             schema_version = CASE WHEN primary_dsn = $2 THEN schema_version END,
             tries = 0, retry_at = clock_timestamp(), last_error = NULL
         WHERE id = $1",
        shard.as_str(),
        primary.expose(),
        &texts(replicas),
        &texts(redis),
    )
    .execute(connection)
    .await?;
    one_row("shard", done.rows_affected())
}

/// Writes a shard's state and weight. The map's head is locked.
pub async fn update_ring(connection: &mut PgConnection, shard: &MapShard) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE shards SET state = $2, weight = $3 WHERE id = $1",
        shard.id.as_str(),
        shard.state.as_str(),
        stored_weight(shard.weight)?,
    )
    .execute(connection)
    .await?;
    one_row("shard", done.rows_affected())
}

/// Writes how many institutions a shard takes; none: as many as come.
pub async fn update_capacity(
    connection: &mut PgConnection,
    shard: &ShardId,
    capacity: Option<u32>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE shards SET capacity = $2 WHERE id = $1",
        shard.as_str(),
        capacity.map(i64::from),
    )
    .execute(connection)
    .await?;
    one_row("shard", done.rows_affected())
}

/// Removes a shard and its nodes. Answers the nodes' ids. The map's head is locked.
pub async fn remove(connection: &mut PgConnection, shard: &ShardId) -> Result<Vec<NodeId>, Error> {
    let nodes =
        sqlx::query_scalar!("DELETE FROM nodes WHERE shard_id = $1 RETURNING id", shard.as_str())
            .fetch_all(&mut *connection)
            .await?;
    let done = sqlx::query!("DELETE FROM shards WHERE id = $1", shard.as_str())
        .execute(connection)
        .await?;
    one_row("shard", done.rows_affected())?;
    nodes.iter().map(|id| parse(id)).collect()
}

/// Asks for migrations up to a version; never for fewer.
pub async fn want_schema(
    connection: &mut PgConnection,
    shard: &ShardId,
    version: i64,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE shards SET schema_wanted = greatest(schema_wanted, $2), tries = 0,
             retry_at = clock_timestamp()
         WHERE id = $1",
        shard.as_str(),
        version,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The shard's database has been seen at this migration. Nothing if its address changed meanwhile.
pub async fn migrated(
    connection: &mut PgConnection,
    shard: &ShardRow,
    version: i64,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE shards SET schema_version = $3, tries = 0, last_error = NULL
         WHERE id = $1 AND primary_dsn = $2",
        shard.id.as_str(),
        shard.primary.expose(),
        version,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A try failed: say why, and when the next one is.
pub async fn failed(
    connection: &mut PgConnection,
    shard: &ShardRow,
    why: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE shards SET tries = tries + 1, last_error = $3,
             retry_at = clock_timestamp() + make_interval(secs => $4)
         WHERE id = $1 AND primary_dsn = $2",
        shard.id.as_str(),
        shard.primary.expose(),
        why,
        backoff_s(shard.tries + 1),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Shards that wait for nothing but a node, and have one that is up.
pub async fn ready_to_join(connection: &mut PgConnection) -> Result<Vec<ShardId>, Error> {
    sqlx::query_scalar!(
        "SELECT id FROM shards s
         WHERE state = 'joining' AND schema_version >= schema_wanted
           AND EXISTS (SELECT FROM nodes n WHERE n.shard_id = s.id AND n.state = 'up')
         ORDER BY id"
    )
    .fetch_all(connection)
    .await?
    .iter()
    .map(|id| parse(id))
    .collect()
}

/// Shards as they are shown; `schema_newest` is what this control plane can migrate to.
pub async fn shown(
    connection: &mut PgConnection,
    only: Option<&ShardId>,
    schema_newest: i64,
) -> Result<Vec<Shard>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, state, weight, capacity, schema_wanted, schema_version, last_error,
                  (SELECT avg(load) FROM nodes n WHERE n.shard_id = s.id AND n.state = 'up') AS load,
                  (SELECT count(*) FROM institutions i WHERE i.shard_id = s.id) AS "institutions!"
           FROM shards s WHERE $1::text IS NULL OR id = $1 ORDER BY id"#,
        only.map(ShardId::as_str),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Shard {
                id: parse(&row.id)?,
                state: parse(&row.state)?,
                weight: weight(row.weight)?,
                institutions: row.institutions,
                schema_version: row.schema_version,
                schema_wanted: row.schema_wanted.max(schema_newest),
                last_error: row.last_error,
                capacity: row.capacity,
                load: row.load,
                arriving: 0,
                leaving: 0,
                next: None,
            })
        })
        .collect()
}

fn texts(dsns: &[Dsn]) -> Vec<String> {
    dsns.iter().map(|dsn| dsn.expose().to_owned()).collect()
}

fn stored_weight(weight: u32) -> Result<i32, Error> {
    i32::try_from(weight).map_err(|_| Error::Corrupt(format!("a weight of {weight}")))
}
