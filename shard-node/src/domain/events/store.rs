//! Every SQL statement that reads numbered events.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{AuditEntry, AuditQuery, LoggedEvent};
use crate::error::Error;
use crate::events::chain::Hash;
use crate::store::TenantTx;

/// Events past a number and up to another, in their order; of some types, or of all.
pub(super) async fn after(
    tx: &mut TenantTx,
    after: i64,
    upto: i64,
    types: Option<&[String]>,
    limit: i64,
) -> Result<Vec<LoggedEvent>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        LoggedEvent,
        r#"SELECT seq AS "seq!", id, type AS kind, aggregate, aggregate_id, aggregate_version, actor_id, payload,
                  created_at
         FROM outbox_events
         WHERE institution_id = $1 AND seq > $2 AND seq <= $3 AND ($4::text[] IS NULL OR type = ANY($4))
         ORDER BY seq LIMIT $5"#,
        institution,
        after,
        upto,
        types,
        limit
    )
    .fetch_all(tx.connection())
    .await?)
}

struct AuditRow {
    seq: i64,
    id: Uuid,
    kind: String,
    aggregate: String,
    aggregate_id: Uuid,
    aggregate_version: i64,
    actor_id: Option<Uuid>,
    request_id: Option<String>,
    payload: Value,
    created_at: DateTime<Utc>,
    hash: Vec<u8>,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        let event = LoggedEvent {
            seq: row.seq,
            id: row.id,
            kind: row.kind,
            aggregate: row.aggregate,
            aggregate_id: row.aggregate_id,
            aggregate_version: row.aggregate_version,
            actor_id: row.actor_id,
            payload: row.payload,
            created_at: row.created_at,
        };
        // One of another length is shown as none; the walk says what is wrong with it.
        let hash = Hash::of_bytes(&row.hash).map(|hash| hash.to_string()).unwrap_or_default();
        Self { event, request_id: row.request_id, hash }
    }
}

/// The audit before a number and down to another, the latest first.
pub(super) async fn audit(
    tx: &mut TenantTx,
    query: &AuditQuery,
    down_to: i64,
) -> Result<Vec<AuditEntry>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query_as!(
        AuditRow,
        r#"SELECT seq AS "seq!", id, type AS kind, aggregate, aggregate_id, aggregate_version, actor_id, request_id,
                  payload, created_at, hash AS "hash!"
         FROM outbox_events
         WHERE institution_id = $1 AND seq < $2 AND seq >= $6 AND ($3::text IS NULL OR type = $3)
           AND ($4::uuid IS NULL OR actor_id = $4)
         ORDER BY seq DESC LIMIT $5"#,
        institution,
        query.before(),
        query.kind,
        query.actor,
        query.limit,
        down_to
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}

/// The same of one thing, found by the thing.
pub(super) async fn audit_of(
    tx: &mut TenantTx,
    query: &AuditQuery,
    aggregate: &str,
    id: Uuid,
) -> Result<Vec<AuditEntry>, Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query_as!(
        AuditRow,
        r#"SELECT seq AS "seq!", id, type AS kind, aggregate, aggregate_id, aggregate_version, actor_id, request_id,
                  payload, created_at, hash AS "hash!"
         FROM outbox_events
         WHERE institution_id = $1 AND aggregate = $6 AND aggregate_id = $7 AND seq < $2
           AND ($3::text IS NULL OR type = $3) AND ($4::uuid IS NULL OR actor_id = $4)
         ORDER BY seq DESC LIMIT $5"#,
        institution,
        query.before(),
        query.kind,
        query.actor,
        query.limit,
        aggregate,
        id
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}

/// Whether anything ever happened to a thing.
pub(super) async fn is_known(tx: &mut TenantTx, aggregate: &str, id: Uuid) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT exists(SELECT FROM outbox_events
             WHERE institution_id = $1 AND aggregate = $2 AND aggregate_id = $3) AS "known!""#,
        institution,
        aggregate,
        id
    )
    .fetch_one(tx.connection())
    .await?)
}
