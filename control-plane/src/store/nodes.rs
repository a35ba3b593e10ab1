//! Nodes, their heartbeats, and since when somebody watches them.

use chrono::{DateTime, Utc};
use control_api::{Node, NodeRegistration};
use shard_map::{MapNode, NodeId, NodeState, ShardId};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{one_row, parse};
use crate::error::Error;
use crate::model::health::{Health, Signs, Vitals, WATCH_GAP, published};

/// A node's row.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeRow {
    /// Its id.
    pub id: NodeId,
    /// The shard it serves.
    pub shard: ShardId,
    /// Where routers reach it.
    pub url: String,
    /// What the map says of it.
    pub state: NodeState,
    /// Whether a person took it out.
    pub cordoned: bool,
    /// Why a health checker holds it down.
    pub held_down: Option<String>,
    /// Who holds it down, and whether that is a person.
    pub held_by: Option<String>,
    /// See there.
    pub held_by_person: bool,
    /// Where its `/readyz` is.
    pub admin_url: Option<String>,
    /// What was seen of it.
    pub vitals: Vitals,
    /// What was wrong with the last probe.
    pub probe_error: Option<String>,
    /// Since when the map says so, why, and who said it.
    pub said: Said,
    /// How busy it said it is.
    pub load: Option<f64>,
}

/// A state's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Since when it holds.
    pub since: DateTime<Utc>,
    /// Why, in words.
    pub reason: String,
    /// By whom.
    pub by: String,
}

impl NodeRow {
    /// A node as it registers for the first time.
    pub fn new(registration: &NodeRegistration, said: Said) -> Self {
        Self {
            id: registration.id.clone(),
            shard: registration.shard.clone(),
            url: registration.url.clone(),
            state: NodeState::Down,
            cordoned: false,
            held_down: None,
            held_by: None,
            held_by_person: false,
            admin_url: registration.admin_url.clone(),
            vitals: Vitals::newcomer(),
            probe_error: None,
            said,
            load: None,
        }
    }

    /// What the map is to say of it.
    pub fn due_state(&self) -> NodeState {
        published(self.cordoned, self.held_down.is_some(), self.vitals.health)
    }

    /// As the map shows it.
    pub fn for_map(&self) -> MapNode {
        MapNode {
            id: self.id.clone(),
            shard: self.shard.clone(),
            url: self.url.clone(),
            state: self.state,
        }
    }

    /// As it is shown.
    pub fn shown(self) -> Node {
        Node {
            id: self.id,
            shard: self.shard,
            url: self.url,
            state: self.state,
            load: self.load,
            held_down: self.held_down,
            admin_url: self.admin_url,
            since: Some(self.said.since),
            why: self.said.reason,
            by: self.said.by,
            last_heartbeat_at: self.vitals.last_beat_at,
            last_probe_at: self.vitals.signs.last_probe_at,
            last_probe_error: self.probe_error,
        }
    }
}

struct Raw {
    id: String,
    shard_id: String,
    url: String,
    state: String,
    cordoned: bool,
    held_down: Option<String>,
    health: String,
    good_beats: i16,
    last_beat_at: Option<DateTime<Utc>>,
    last_good_at: Option<DateTime<Utc>>,
    load: Option<f64>,
    admin_url: Option<String>,
    held_by: Option<String>,
    held_by_person: bool,
    signs: Json<Signs>,
    probe_error: Option<String>,
    state_since: DateTime<Utc>,
    state_reason: String,
    state_by: String,
}

impl TryFrom<Raw> for NodeRow {
    type Error = Error;

    fn try_from(raw: Raw) -> Result<Self, Error> {
        Ok(Self {
            id: parse(&raw.id)?,
            shard: parse(&raw.shard_id)?,
            url: raw.url,
            state: parse(&raw.state)?,
            cordoned: raw.cordoned,
            held_down: raw.held_down,
            vitals: Vitals {
                health: Health::of(&raw.health),
                good_beats: raw.good_beats,
                last_beat_at: raw.last_beat_at,
                last_good_at: raw.last_good_at,
                signs: raw.signs.0,
            },
            load: raw.load,
            held_by: raw.held_by,
            held_by_person: raw.held_by_person,
            admin_url: raw.admin_url,
            probe_error: raw.probe_error,
            said: Said { since: raw.state_since, reason: raw.state_reason, by: raw.state_by },
        })
    }
}

/// All nodes, in order of their ids.
pub async fn all(connection: &mut PgConnection) -> Result<Vec<NodeRow>, Error> {
    sqlx::query_as!(
        Raw,
        r#"SELECT id, shard_id, url, state, cordoned, held_down, health, good_beats, last_beat_at,
                last_good_at, load, admin_url, held_by, held_by_person,
                signs AS "signs: Json<Signs>", probe_error, state_since, state_reason, state_by
         FROM nodes ORDER BY id"#
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(NodeRow::try_from)
    .collect()
}

/// One node.
pub async fn find(connection: &mut PgConnection, node: &NodeId) -> Result<Option<NodeRow>, Error> {
    sqlx::query_as!(
        Raw,
        r#"SELECT id, shard_id, url, state, cordoned, held_down, health, good_beats, last_beat_at,
                last_good_at, load, admin_url, held_by, held_by_person,
                signs AS "signs: Json<Signs>", probe_error, state_since, state_reason, state_by
         FROM nodes WHERE id = $1"#,
        node.as_str(),
    )
    .fetch_optional(connection)
    .await?
    .map(NodeRow::try_from)
    .transpose()
}

/// One node, locked to the end of the transaction. A transaction that holds the map's head took that first.
pub async fn lock(connection: &mut PgConnection, node: &NodeId) -> Result<Option<NodeRow>, Error> {
    sqlx::query_as!(
        Raw,
        r#"SELECT id, shard_id, url, state, cordoned, held_down, health, good_beats, last_beat_at,
                last_good_at, load, admin_url, held_by, held_by_person,
                signs AS "signs: Json<Signs>", probe_error, state_since, state_reason, state_by
         FROM nodes WHERE id = $1 FOR UPDATE"#,
        node.as_str(),
    )
    .fetch_optional(connection)
    .await?
    .map(NodeRow::try_from)
    .transpose()
}

/// All nodes, locked. The map's head was locked before: nobody else locks more than one.
pub async fn lock_all(connection: &mut PgConnection) -> Result<Vec<NodeRow>, Error> {
    sqlx::query_as!(
        Raw,
        r#"SELECT id, shard_id, url, state, cordoned, held_down, health, good_beats, last_beat_at,
                last_good_at, load, admin_url, held_by, held_by_person,
                signs AS "signs: Json<Signs>", probe_error, state_since, state_reason, state_by
         FROM nodes ORDER BY id FOR UPDATE"#
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(NodeRow::try_from)
    .collect()
}

/// Writes a node, new or known.
pub async fn put(connection: &mut PgConnection, node: &NodeRow) -> Result<(), Error> {
    let done = sqlx::query!(
        "INSERT INTO nodes (id, shard_id, url, state, cordoned, held_down, health, good_beats,
             last_beat_at, last_good_at, load, admin_url, held_by, held_by_person, signs, probe_error,
             state_since, state_reason, state_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
         ON CONFLICT (id) DO UPDATE SET (shard_id, url, state, cordoned, held_down, health, good_beats,
             last_beat_at, last_good_at, load, admin_url, held_by, held_by_person, signs, probe_error,
             state_since, state_reason, state_by)
           = (excluded.shard_id, excluded.url, excluded.state, excluded.cordoned, excluded.held_down,
              excluded.health, excluded.good_beats, excluded.last_beat_at, excluded.last_good_at,
              excluded.load, excluded.admin_url, excluded.held_by, excluded.held_by_person,
              excluded.signs, excluded.probe_error, excluded.state_since, excluded.state_reason,
              excluded.state_by)",
        node.id.as_str(),
        node.shard.as_str(),
        node.url,
        node.state.as_str(),
        node.cordoned,
        node.held_down,
        node.vitals.health.as_str(),
        node.vitals.good_beats,
        node.vitals.last_beat_at,
        node.vitals.last_good_at,
        node.load,
        node.admin_url,
        node.held_by,
        node.held_by_person,
        Json(node.vitals.signs) as _,
        node.probe_error,
        node.said.since,
        node.said.reason,
        node.said.by,
    )
    .execute(connection)
    .await?;
    one_row("node", done.rows_affected())
}

/// The control database's clock, by which heartbeats are judged.
pub async fn now(connection: &mut PgConnection) -> Result<DateTime<Utc>, Error> {
    Ok(sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(connection).await?)
}

/// The watch over heartbeats.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    /// The control database's clock.
    pub now: DateTime<Utc>,
    /// Since when heartbeats have been watched without a pause.
    pub since: DateTime<Utc>,
}

/// Says that somebody watches. After a pause the watch begins anew.
pub async fn watch(connection: &mut PgConnection) -> Result<Watch, Error> {
    Ok(sqlx::query_as!(
        Watch,
        r#"UPDATE health_watch SET
               watching_since = CASE WHEN t.now - last_tick_at > make_interval(secs => $1) THEN t.now
                                     ELSE watching_since END,
               last_tick_at = greatest(last_tick_at, t.now)
           FROM (SELECT clock_timestamp() AS now) t
           RETURNING t.now AS "now!", watching_since AS "since!""#,
        WATCH_GAP.as_seconds_f64(),
    )
    .fetch_one(connection)
    .await?)
}

/// Begins the watch anew: a control plane that has just come heard nobody before.
pub async fn begin_watch(connection: &mut PgConnection) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE health_watch SET watching_since = clock_timestamp(), last_tick_at = clock_timestamp()"
    )
    .execute(connection)
    .await?;
    one_row("watch", done.rows_affected())
}

/// The nodes whose probe is due, with where to ask; each is given to one control plane alone, once in `every_s`
/// seconds.
pub async fn take_due_probes(
    connection: &mut PgConnection,
    every_s: f64,
    limit: i64,
) -> Result<Vec<(NodeId, String)>, Error> {
    sqlx::query!(
        r#"UPDATE nodes SET probe_due_at = clock_timestamp() + make_interval(secs => $1)
           FROM (SELECT id FROM nodes WHERE admin_url IS NOT NULL AND probe_due_at <= clock_timestamp()
                 ORDER BY probe_due_at LIMIT $2 FOR UPDATE SKIP LOCKED) due
           WHERE nodes.id = due.id
           RETURNING nodes.id, admin_url AS "admin_url!""#,
        every_s,
        limit,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| Ok((parse(&row.id)?, row.admin_url)))
    .collect()
}
