//! Events and the audit, asked for and as they are read.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// The largest number that every client can hold: 2^53 - 1.
const SEQ_MAX: i64 = (1 << 53) - 1;

/// Which events.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventQuery {
    /// Only events with a higher number; `nextAfter` of the answer before.
    #[serde(default)]
    #[garde(range(min = 0, max = SEQ_MAX))]
    pub after: i64,
    /// So many at most, 1 to 1,000.
    #[serde(default = "limit")]
    #[garde(range(min = 1, max = 1_000))]
    pub limit: i64,
    /// Only events of these types, comma-separated.
    #[garde(inner(custom(valid_types)))]
    pub types: Option<String>,
}

impl EventQuery {
    /// The types asked for; none where all are.
    pub fn types(&self) -> Option<Vec<String>> {
        let types = self.types.as_ref()?;
        Some(types.split(',').map(str::to_owned).collect())
    }
}

fn limit() -> i64 {
    100
}

/// An event, as it is read and as webhooks get it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoggedEvent {
    /// Its number: gapless in the institution; a later change of a thing has the higher one.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// Its type, such as `PROGRAM_CREATED`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind of thing it happened to.
    pub aggregate: String,
    /// The thing's id.
    pub aggregate_id: Uuid,
    /// The thing's row version after it.
    pub aggregate_version: i64,
    /// Who caused it; nil is the platform itself, null is not known.
    pub actor_id: Option<Uuid>,
    /// What happened.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Events after a number.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventLog {
    /// The events.
    pub items: Vec<LoggedEvent>,
    /// `after` of the request that goes on: nothing that was asked for stands before it. One request looks at no more
    /// than 50,000 numbers: there may be none of the types asked for in them, and more behind.
    pub next_after: i64,
}

/// Which part of the audit.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditQuery {
    /// `nextCursor` of the page before.
    #[garde(inner(custom(valid_cursor)))]
    pub cursor: Option<String>,
    /// So many at most, 1 to 200.
    #[serde(default = "page_limit")]
    #[garde(range(min = 1, max = 200))]
    pub limit: i64,
    /// Only of this type.
    #[serde(rename = "type")]
    #[garde(inner(custom(valid_type)))]
    pub kind: Option<String>,
    /// Only what this one caused: `sub` of its tokens.
    #[garde(skip)]
    pub actor: Option<Uuid>,
    /// Only what happened to this thing, such as `courses/0190a1b2-0000-7000-8000-000000000000`.
    #[garde(inner(custom(valid_thing)))]
    pub of: Option<String>,
}

impl AuditQuery {
    /// The thing asked for: its kind and its id.
    pub fn thing(&self) -> Option<(&str, Uuid)> {
        thing(self.of.as_ref()?)
    }

    /// Only events with a lower number.
    pub fn before(&self) -> i64 {
        self.cursor.as_ref().and_then(|cursor| cursor.parse().ok()).unwrap_or(i64::MAX)
    }
}

fn page_limit() -> i64 {
    50
}

/// One entry of the audit.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// The event.
    #[serde(flatten)]
    pub event: LoggedEvent,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// SHA-256 of it and the hash before it, in hex.
    pub hash: String,
}

/// A page of the audit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// The entries, the latest first.
    pub items: Vec<AuditEntry>,
    /// Entries of a page.
    pub limit: i64,
    /// Where the next page begins, where there may be one; also behind an empty page: one request looks at no more than
    /// 50,000 numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Where to verify.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WalkQuery {
    /// Begin after this number; `last` of the answer before.
    #[serde(default)]
    #[garde(range(min = 0, max = SEQ_MAX))]
    pub after: i64,
    /// The hash that the event with that number is to have; `head` of the answer before.
    #[garde(inner(custom(valid_hash)))]
    pub hash: Option<String>,
    /// So many events at most, 1 to 50,000.
    #[serde(default = "walk_limit")]
    #[garde(range(min = 1, max = 50_000))]
    pub limit: i64,
}

fn walk_limit() -> i64 {
    20_000
}

fn valid_types(value: &str, (): &()) -> garde::Result {
    let types: Vec<&str> = value.split(',').collect();
    if types.len() > 50 {
        return Err(garde::Error::new("at most 50 types are expected"));
    }
    types.into_iter().try_for_each(|kind| valid_type(kind, &()))
}

/// A type of events: 1 to 64 of `A-Z 0-9 _`.
pub(crate) fn valid_type(value: &str, (): &()) -> garde::Result {
    let known = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
    if (1..=64).contains(&value.len()) && value.bytes().all(known) {
        return Ok(());
    }
    Err(garde::Error::new("a type of events is expected, such as PROGRAM_CREATED"))
}

fn thing(text: &str) -> Option<(&str, Uuid)> {
    let (aggregate, id) = text.split_once('/')?;
    Some((aggregate, id.parse().ok()?))
}

fn valid_thing(value: &str, (): &()) -> garde::Result {
    match thing(value) {
        Some((aggregate, _)) if (1..=64).contains(&aggregate.len()) => Ok(()),
        _ => Err(garde::Error::new("an aggregate and an id are expected, such as courses/0190...")),
    }
}

fn valid_cursor(value: &str, (): &()) -> garde::Result {
    match value.parse::<i64>() {
        Ok(seq) if (0..=SEQ_MAX).contains(&seq) => Ok(()),
        _ => Err(garde::Error::new("nextCursor of a page is expected")),
    }
}

fn valid_hash(value: &str, (): &()) -> garde::Result {
    match crate::events::chain::Hash::parse(value) {
        Some(_) => Ok(()),
        None => Err(garde::Error::new("64 hexadecimal digits are expected")),
    }
}
