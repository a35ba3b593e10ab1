//! Every SQL statement on numbers and the chain.

use chrono::{DateTime, Utc};
use sqlx::Executor as _;
use uuid::Uuid;

use super::chain::{Fields, Hash};
use super::order::Placed;
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// An event that has no number, or whose hash is to be looked at.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) id: Uuid,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) kind: String,
    pub(crate) aggregate: String,
    pub(crate) aggregate_id: Uuid,
    pub(crate) aggregate_version: i64,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) request_id: Option<String>,
    pub(crate) payload: String,
}

impl Written {
    /// What its hash covers.
    pub(crate) fn fields(&self, institution: Uuid, seq: i64) -> Fields<'_> {
        Fields {
            institution,
            seq,
            id: self.id,
            kind: &self.kind,
            aggregate: &self.aggregate,
            aggregate_id: self.aggregate_id,
            aggregate_version: self.aggregate_version,
            actor_id: self.actor_id,
            request_id: self.request_id.as_deref(),
            created_at: self.created_at,
            payload: &self.payload,
        }
    }
}

impl Placed for Written {
    fn aggregate(&self) -> &str {
        &self.aggregate
    }

    fn aggregate_id(&self) -> Uuid {
        self.aggregate_id
    }

    fn aggregate_version(&self) -> i64 {
        self.aggregate_version
    }

    fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    fn id(&self) -> Uuid {
        self.id
    }
}

/// Where a chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    pub(crate) hash: Hash,
}

/// Takes the institution's turn to the end of the transaction; false where somebody has it.
pub(crate) async fn take_turn(tx: &mut TenantTx) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(events_lock_key($1)) AS "taken!""#,
        institution
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Where the chain ends; none before the first number.
pub(crate) async fn head(tx: &mut TenantTx) -> Result<Option<Head>, Error> {
    let institution = tx.institution().as_uuid();
    let row = sqlx::query!(
        "SELECT seq, hash FROM event_heads WHERE institution_id = $1 AND id = $1",
        institution
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| Ok(Head { seq: row.seq, hash: hash(&row.hash)? })).transpose()
}

/// The number of the last event that has one.
pub(crate) async fn last(tx: &mut TenantTx) -> Result<Option<i64>, Error> {
    let institution = tx.institution().as_uuid();
    let last = sqlx::query_scalar!(
        "SELECT seq FROM outbox_events WHERE institution_id = $1 AND seq IS NOT NULL
         ORDER BY seq DESC LIMIT 1",
        institution
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(last.flatten())
}

/// The oldest events without a number, and with each of them all of lower versions of its aggregate: what is left out
/// has no higher number than it may have. At most twice `at_most`; cut off, it is still closed in that way.
///
/// What waits is read twice and no more: to a planner without statistics a look at all of it for each of the oldest is
/// as good, and a thousand that wait are then a million.
pub(crate) async fn take(tx: &mut TenantTx, at_most: i64) -> Result<Vec<Written>, Error> {
    let institution = tx.institution().as_uuid();
    tx.connection().execute("SET LOCAL enable_nestloop = off").await?;
    let taken = sqlx::query_as!(
        Written,
        r#"WITH oldest AS (
             SELECT aggregate, aggregate_id, aggregate_version FROM outbox_events
             WHERE institution_id = $1 AND seq IS NULL ORDER BY created_at LIMIT $2),
         wanted AS (
             SELECT aggregate, aggregate_id, max(aggregate_version) AS version FROM oldest GROUP BY 1, 2)
         SELECT e.id, e.created_at, e.type AS kind, e.aggregate, e.aggregate_id, e.aggregate_version, e.actor_id,
                e.request_id, e.payload::text AS "payload!"
         FROM wanted w JOIN outbox_events e ON e.aggregate = w.aggregate AND e.aggregate_id = w.aggregate_id
              AND e.aggregate_version <= w.version
         WHERE e.institution_id = $1 AND e.seq IS NULL
         ORDER BY e.aggregate, e.aggregate_id, e.aggregate_version, e.id LIMIT 2 * $2"#,
        institution,
        at_most
    )
    .fetch_all(tx.connection())
    .await?;
    tx.connection().execute("SET LOCAL enable_nestloop = on").await?;
    Ok(taken)
}

/// Writes numbers and hashes.
pub(crate) async fn set_numbers(
    tx: &mut TenantTx,
    ids: &[Uuid],
    first: i64,
    hashes: &[Vec<u8>],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE outbox_events e SET seq = $2 + numbered.place - 1, hash = numbered.hash
         FROM unnest($3::uuid[], $4::bytea[]) WITH ORDINALITY AS numbered (id, hash, place)
         WHERE e.institution_id = $1 AND e.id = numbered.id AND e.seq IS NULL",
        institution,
        first,
        ids,
        hashes
    )
    .execute(tx.connection())
    .await?;
    match usize::try_from(done.rows_affected()) {
        Ok(rows) if rows == ids.len() => Ok(()),
        _ => Err(Error::Defect(format!("{} of {} events", done.rows_affected(), ids.len()))),
    }
}

/// Writes where the chain ends now.
pub(crate) async fn set_head(tx: &mut TenantTx, head: Head) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO event_heads (institution_id, id, seq, hash) VALUES ($1, $1, $2, $3)
         ON CONFLICT (institution_id, id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        institution,
        head.seq,
        &head.hash.0
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "chain's head")
}

/// An event of the chain with the hash that it has.
pub(crate) struct Link {
    pub(crate) seq: i64,
    pub(crate) hash: Option<Vec<u8>>,
    pub(crate) written: Written,
}

struct Row {
    seq: i64,
    hash: Option<Vec<u8>>,
    id: Uuid,
    created_at: DateTime<Utc>,
    kind: String,
    aggregate: String,
    aggregate_id: Uuid,
    aggregate_version: i64,
    actor_id: Option<Uuid>,
    request_id: Option<String>,
    payload: String,
}

/// Events past a number and up to another, in their order.
pub(crate) async fn links(
    tx: &mut TenantTx,
    after: i64,
    upto: i64,
    at_most: i64,
) -> Result<Vec<Link>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT seq AS "seq!", hash, id, created_at, type AS kind, aggregate, aggregate_id, aggregate_version,
                  actor_id, request_id, payload::text AS "payload!"
         FROM outbox_events WHERE institution_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4"#,
        institution,
        after,
        upto,
        at_most
    )
    .fetch_all(tx.connection())
    .await?;
    let link = |row: Row| Link {
        seq: row.seq,
        hash: row.hash,
        written: Written {
            id: row.id,
            created_at: row.created_at,
            kind: row.kind,
            aggregate: row.aggregate,
            aggregate_id: row.aggregate_id,
            aggregate_version: row.aggregate_version,
            actor_id: row.actor_id,
            request_id: row.request_id,
            payload: row.payload,
        },
    };
    Ok(rows.into_iter().map(link).collect())
}

/// The hash of the event with a number; none where there is no such event.
pub(crate) async fn hash_at(tx: &mut TenantTx, seq: i64) -> Result<Option<Hash>, Error> {
    let institution = tx.institution().as_uuid();
    let found = sqlx::query_scalar!(
        "SELECT hash FROM outbox_events WHERE institution_id = $1 AND seq = $2",
        institution,
        seq
    )
    .fetch_optional(tx.connection())
    .await?;
    found.flatten().map(|bytes| hash(&bytes)).transpose()
}

fn hash(bytes: &[u8]) -> Result<Hash, Error> {
    Hash::of_bytes(bytes).ok_or_else(|| Error::Defect("a hash that is none".to_owned()))
}
