//! Nodes, their heartbeats, and since when somebody watches them.

use chrono::{DateTime, Utc};
use control_api::{Node, NodeRegistration};
use shard_map::{MapNode, NodeId, NodeState, ShardId};
use sqlx::PgConnection;

use super::{one_row, parse};
use crate::error::Error;
use crate::model::health::{Health, Vitals, WATCH_GAP, published};

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
    /// Its heartbeats.
    pub vitals: Vitals,
    /// How busy it said it is.
    pub load: Option<f64>,
}

impl NodeRow {
    /// A node as it registers for the first time.
    pub fn new(registration: &NodeRegistration) -> Self {
        Self {
            id: registration.id.clone(),
            shard: registration.shard.clone(),
            url: registration.url.clone(),
            state: NodeState::Down,
            cordoned: false,
            held_down: None,
            vitals: Vitals::newcomer(),
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
            },
            load: raw.load,
        })
    }
}

/// All nodes, in order of their ids.
pub async fn all(connection: &mut PgConnection) -> Result<Vec<NodeRow>, Error> {
    sqlx::query_as!(
        Raw,
        "SELECT id, shard_id, url, state, cordoned, held_down, health, good_beats, last_beat_at,
                last_good_at, load
         FROM nodes ORDER BY id"
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
        "SELECT id, shard_id, url, state, cordoned, held_down, health, good_beats, last_beat_at,
                last_good_at, load
         FROM nodes WHERE id = $1",
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
        "SELECT id, shard_id, url, state, cordoned, held_down, health, good_beats, last_beat_at,
                last_good_at, load
         FROM nodes WHERE id = $1 FOR UPDATE",
        node.as_str(),
    )
    .fetch_optional(connection)
    .await?
    .map(NodeRow::try_from)
    .transpose()
}

/// Writes a node, new or known.
pub async fn put(connection: &mut PgConnection, node: &NodeRow) -> Result<(), Error> {
    let done = sqlx::query!(
        "INSERT INTO nodes (id, shard_id, url, state, cordoned, held_down, health, good_beats,
             last_beat_at, last_good_at, load)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (id) DO UPDATE SET (shard_id, url, state, cordoned, held_down, health, good_beats,
             last_beat_at, last_good_at, load)
           = (excluded.shard_id, excluded.url, excluded.state, excluded.cordoned, excluded.held_down,
              excluded.health, excluded.good_beats, excluded.last_beat_at, excluded.last_good_at,
              excluded.load)",
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
