//! A shard, as it is added and as it is shown.

use std::fmt;

use serde::{Deserialize, Serialize};
use shard_map::{ShardId, ShardState};
use utoipa::ToSchema;

/// A database's URL with its password. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Dsn(String);

impl Dsn {
    /// Takes a URL such as `postgres://user:password@host:5432/database`.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL with its password: for the database driver alone, never for logs or answers.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dsn(hidden)")
    }
}

/// Where a shard's Postgres is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardPostgres {
    /// The primary, as its owner role `lxp_owner`.
    pub primary: Dsn,
    /// Its replicas.
    #[serde(default)]
    pub replicas: Vec<Dsn>,
}

/// `POST /v1/shards`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShard {
    /// Its id.
    pub id: ShardId,
    /// Its share of the ring relative to others, 1 to 100.
    #[serde(default = "one")]
    pub weight: u32,
    /// Its databases.
    pub postgres: ShardPostgres,
    /// The nodes of its Redis Cluster, as `redis://host:port`.
    #[serde(default)]
    pub redis: Vec<Dsn>,
}

const fn one() -> u32 {
    1
}

/// `PATCH /v1/shards/{id}`: what is there changes, what is not stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardChange {
    /// Its share of the ring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// How many institutions it takes; 0: as many as come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// Its databases, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<ShardPostgres>,
    /// Its Redis nodes, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<Vec<Dsn>>,
}

/// `POST /v1/shards/{id}:remove`; all of it may be left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShardRemoval {
    /// Its database is gone for good: that it does not answer is no reason to keep the shard.
    #[serde(default)]
    pub database_is_lost: bool,
}

/// A shard as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shard {
    /// Its id.
    pub id: ShardId,
    /// Whether it takes institutions.
    pub state: ShardState,
    /// Its share of the ring.
    pub weight: u32,
    /// How many institutions the directory places on it.
    pub institutions: i64,
    /// The newest migration its database has, as last seen; none before it was first migrated.
    pub schema_version: Option<i64>,
    /// The newest migration it is to have.
    pub schema_wanted: i64,
    /// What keeps the control plane from its database, as of the last try; none when nothing does.
    pub last_error: Option<String>,
    /// How many institutions it takes; none: as many as come.
    #[serde(default)]
    pub capacity: Option<i64>,
    /// How busy its nodes say they are, on average: 1 at their limit; none where no node is up.
    #[serde(default)]
    pub load: Option<f64>,
    /// Institutions that live elsewhere and belong here.
    #[serde(default)]
    pub arriving: i64,
    /// Institutions that live here and belong elsewhere.
    #[serde(default)]
    pub leaving: i64,
    /// What to do next, if anything: a command.
    #[serde(default)]
    pub next: Option<String>,
}
