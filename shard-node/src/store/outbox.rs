//! Rows of `outbox_events`: written with the change that causes them.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::TenantTx;
use crate::error::Error;
use crate::operation::Event;

/// Who causes events, and by which request; for the audit.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'c> {
    /// The token's subject; nil is the platform itself.
    pub actor: Uuid,
    /// The request's id.
    pub request_id: &'c str,
}

/// Appends events in one statement; answers their ids.
pub async fn append(
    tx: &mut TenantTx,
    events: &[Event],
    cause: Cause<'_>,
) -> Result<Vec<Uuid>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let institution = tx.institution().as_uuid();
    let ids: Vec<Uuid> = events.iter().map(|_| Uuid::now_v7()).collect();
    let kinds: Vec<String> = events.iter().map(|event| event.kind.to_string()).collect();
    let aggregates: Vec<String> = events.iter().map(|event| event.aggregate.to_owned()).collect();
    let aggregate_ids: Vec<Uuid> = events.iter().map(|event| event.aggregate_id).collect();
    let versions: Vec<i64> = events.iter().map(|event| event.aggregate_version).collect();
    let payloads: Vec<Value> = events.iter().map(|event| event.payload.clone()).collect();
    let touches: Vec<String> = events.iter().map(|event| event.touches.join(" ")).collect();
    sqlx::query!(
        "INSERT INTO outbox_events
             (institution_id, id, type, aggregate, aggregate_id, aggregate_version, payload, touches, actor_id,
              request_id)
         SELECT $1, id, type, aggregate, aggregate_id, version, payload, string_to_array(touches, ' '), $9, $10
         FROM unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::jsonb[], $8::text[])
              AS event (id, type, aggregate, aggregate_id, version, payload, touches)",
        institution,
        &ids,
        &kinds,
        &aggregates,
        &aggregate_ids,
        &versions,
        &payloads,
        &touches,
        cause.actor,
        cause.request_id
    )
    .execute(tx.connection())
    .await?;
    Ok(ids)
}

/// Marks at most 1,000 events older than 2 s as relayed, skipping what another node has in hand, and answers
/// how many they were and the entities that they make stale. The marks hold once the transaction commits.
pub async fn take_due(tx: &mut TenantTx) -> Result<(usize, BTreeSet<String>), Error> {
    let institution = tx.institution().as_uuid();
    let rows = sqlx::query_scalar!(
        "UPDATE outbox_events e SET relayed_at = now()
         WHERE e.institution_id = $1 AND e.id = ANY (ARRAY(
             SELECT id FROM outbox_events
             WHERE institution_id = $1 AND relayed_at IS NULL AND created_at < now() - interval '2 seconds'
             ORDER BY created_at LIMIT 1000 FOR UPDATE SKIP LOCKED))
         RETURNING e.touches",
        institution
    )
    .fetch_all(tx.connection())
    .await?;
    Ok((rows.len(), rows.into_iter().flatten().collect()))
}

/// Whether something is due, be it that others hold it: [`take_due`] passes that by.
pub async fn is_due(tx: &mut TenantTx) -> Result<bool, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM outbox_events
               WHERE institution_id = $1 AND relayed_at IS NULL AND created_at < now() - interval '2 seconds') AS "is_due!""#,
        institution
    )
    .fetch_one(tx.connection())
    .await?)
}
