//! Every SQL statement of webhooks. All times are the database's own.

use std::time::Duration;

use uuid::Uuid;

use super::rules::Subscriber;
use super::{NewWebhook, Secret, Webhook};
use crate::domain::events::LoggedEvent;
use crate::error::Error;
use crate::resource::expect_one;
use crate::store::TenantTx;

/// How many webhooks there are.
pub(super) async fn count(tx: &mut TenantTx) -> Result<i64, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM webhook_endpoints WHERE institution_id = $1"#,
        institution
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Inserts one.
pub(super) async fn insert(
    tx: &mut TenantTx,
    id: Uuid,
    new: &NewWebhook,
    secret: &Secret,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "INSERT INTO webhook_endpoints (institution_id, id, url, description, event_types, secret)
         VALUES ($1, $2, $3, $4, $5, $6)",
        institution,
        id,
        new.url,
        new.description,
        &new.event_types,
        secret.expose()
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "webhook")
}

/// Writes a changed one.
pub(super) async fn update(tx: &mut TenantTx, webhook: &Webhook) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE webhook_endpoints SET url = $3, description = $4, event_types = $5
         WHERE institution_id = $1 AND id = $2",
        institution,
        webhook.id,
        webhook.url,
        webhook.description,
        &webhook.event_types
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "webhook")
}

/// Writes another secret; the one before signs for a day more.
pub(super) async fn rotate(tx: &mut TenantTx, id: Uuid, secret: &Secret) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE webhook_endpoints
         SET previous_secret = secret, previous_until = now() + interval '24 hours', secret = $3
         WHERE institution_id = $1 AND id = $2",
        institution,
        id,
        secret.expose()
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "webhook")
}

/// Enables one.
pub(super) async fn enable(tx: &mut TenantTx, id: Uuid) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE webhook_endpoints SET status = 'ENABLED', disabled_reason = NULL, failing_since = NULL
         WHERE institution_id = $1 AND id = $2",
        institution,
        id
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "webhook")
}

/// An endpoint that was disabled just now.
pub(super) struct Disabled {
    pub(super) reason: Option<String>,
    pub(super) row_version: i64,
}

/// Disables one that is enabled.
pub(super) async fn disable(
    tx: &mut TenantTx,
    id: Uuid,
    reason: &str,
) -> Result<Option<Disabled>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Disabled,
        "UPDATE webhook_endpoints SET status = 'DISABLED', disabled_reason = $3
         WHERE institution_id = $1 AND id = $2 AND status = 'ENABLED'
         RETURNING disabled_reason AS reason, row_version",
        institution,
        id,
        reason
    )
    .fetch_optional(tx.connection())
    .await?)
}

/// Notes that one has failed: since when, and whether that is too long. Writes only where something changes.
pub(super) async fn endpoint_is_failing(
    tx: &mut TenantTx,
    id: Uuid,
) -> Result<Option<Disabled>, Error> {
    let institution = tx.institution().as_uuid();
    let noted = sqlx::query_as!(
        Disabled,
        "UPDATE webhook_endpoints
         SET failing_since = coalesce(failing_since, now()),
             status = CASE WHEN failing_since IS NULL THEN status ELSE 'DISABLED' END,
             disabled_reason = CASE WHEN failing_since IS NULL THEN disabled_reason ELSE 'FAILING' END
         WHERE institution_id = $1 AND id = $2 AND status = 'ENABLED'
           AND (failing_since IS NULL OR failing_since < now() - interval '5 days')
         RETURNING disabled_reason AS reason, row_version",
        institution,
        id
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(noted.filter(|noted| noted.reason.is_some()))
}

/// Notes that one has answered well.
pub(super) async fn endpoint_is_well(tx: &mut TenantTx, id: Uuid) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "UPDATE webhook_endpoints SET failing_since = NULL
         WHERE institution_id = $1 AND id = $2 AND failing_since IS NOT NULL",
        institution,
        id
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Those that are sent to.
pub(super) async fn subscribers(tx: &mut TenantTx) -> Result<Vec<Subscriber>, Error> {
    let institution = tx.institution().as_uuid();
    Ok(sqlx::query_as!(
        Subscriber,
        "SELECT id, event_types FROM webhook_endpoints
         WHERE institution_id = $1 AND status = 'ENABLED' ORDER BY id",
        institution
    )
    .fetch_all(tx.connection())
    .await?)
}

/// Inserts deliveries in one statement. An endpoint that was deleted meanwhile gets none.
pub(super) async fn insert_deliveries(
    tx: &mut TenantTx,
    ids: &[Uuid],
    endpoints: &[Uuid],
    events: &[Uuid],
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "INSERT INTO webhook_deliveries (institution_id, id, endpoint_id, event_id)
         SELECT $1, delivery.id, w.id, delivery.event_id
         FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS delivery (id, endpoint_id, event_id)
         JOIN webhook_endpoints w ON w.institution_id = $1 AND w.id = delivery.endpoint_id",
        institution,
        ids,
        endpoints,
        events
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Deletes deliveries that ended more than 30 days ago, at most 1,000 of them.
pub(super) async fn delete_old(tx: &mut TenantTx) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    sqlx::query!(
        "DELETE FROM webhook_deliveries WHERE institution_id = $1 AND id IN (
             SELECT id FROM webhook_deliveries
             WHERE institution_id = $1 AND state <> 'PENDING' AND created_at < now() - interval '30 days'
             ORDER BY created_at LIMIT 1000)",
        institution
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A delivery that has not ended, with what is to be sent.
pub(super) struct Due {
    pub(super) delivery: Uuid,
    pub(super) endpoint: Uuid,
    pub(super) enabled: bool,
    pub(super) url: String,
    /// What signs: the secret, and the one before it while it is believed.
    pub(super) secrets: Vec<Secret>,
    pub(super) attempts: i32,
    pub(super) event: LoggedEvent,
}

/// What is to be sent, if the delivery has not ended.
pub(super) async fn due(tx: &mut TenantTx, delivery: Uuid) -> Result<Option<Due>, Error> {
    let institution = tx.institution().as_uuid();
    let row = sqlx::query!(
        r#"SELECT d.endpoint_id, d.attempts, w.status = 'ENABLED' AS "enabled!", w.url, w.secret AS "secret: Secret",
                  CASE WHEN w.previous_until > now() THEN w.previous_secret END AS "previous: Secret",
                  e.seq AS "seq!", e.id, e.type AS kind, e.aggregate, e.aggregate_id, e.aggregate_version, e.actor_id,
                  e.payload, e.created_at
         FROM webhook_deliveries d
         JOIN webhook_endpoints w ON w.institution_id = $1 AND w.id = d.endpoint_id
         JOIN outbox_events e ON e.institution_id = $1 AND e.id = d.event_id
         WHERE d.institution_id = $1 AND d.id = $2 AND d.state = 'PENDING'"#,
        institution,
        delivery
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| Due {
        delivery,
        endpoint: row.endpoint_id,
        enabled: row.enabled,
        url: row.url,
        secrets: std::iter::once(row.secret).chain(row.previous).collect(),
        attempts: row.attempts,
        event: LoggedEvent {
            seq: row.seq,
            id: row.id,
            kind: row.kind,
            aggregate: row.aggregate,
            aggregate_id: row.aggregate_id,
            aggregate_version: row.aggregate_version,
            actor_id: row.actor_id,
            payload: row.payload,
            created_at: row.created_at,
        },
    }))
}

/// What came of an attempt, or of none.
#[derive(Debug)]
pub(super) struct Outcome {
    state: &'static str,
    /// Whether something was sent, or would have been.
    counts: bool,
    status: Option<i32>,
    error: Option<String>,
    after: Option<Duration>,
}

impl Outcome {
    pub(super) fn delivered(status: u16) -> Self {
        let status = Some(i32::from(status));
        Self { state: "DELIVERED", counts: true, status, error: None, after: None }
    }

    /// Tried again after a while, or given up where there is none.
    pub(super) fn failed(status: Option<u16>, error: String, after: Option<Duration>) -> Self {
        let state = if after.is_some() { "PENDING" } else { "FAILED" };
        Self { state, counts: true, status: status.map(i32::from), error: Some(error), after }
    }

    /// Given up without an attempt.
    pub(super) fn given_up(error: &str) -> Self {
        let error = Some(error.to_owned());
        Self { state: "FAILED", counts: false, status: None, error, after: None }
    }

    pub(super) fn is_delivered(&self) -> bool {
        self.state == "DELIVERED"
    }
}

/// Writes it, if the delivery has not ended meanwhile.
pub(super) async fn set_outcome(
    tx: &mut TenantTx,
    delivery: Uuid,
    outcome: &Outcome,
) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let after_s = outcome.after.map(|after| after.as_secs_f64());
    sqlx::query!(
        "UPDATE webhook_deliveries
         SET state = $3, attempts = attempts + $4, last_status = $5, last_error = $6,
             last_attempt_at = CASE WHEN $4 > 0 THEN now() ELSE last_attempt_at END,
             next_attempt_at = now() + make_interval(secs => $7)
         WHERE institution_id = $1 AND id = $2 AND state = 'PENDING'",
        institution,
        delivery,
        outcome.state,
        i32::from(outcome.counts),
        outcome.status,
        outcome.error,
        after_s
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Makes a delivery due anew.
pub(super) async fn replay(tx: &mut TenantTx, delivery: Uuid) -> Result<(), Error> {
    let institution = tx.institution().as_uuid();
    let done = sqlx::query!(
        "UPDATE webhook_deliveries SET state = 'PENDING', attempts = 0, next_attempt_at = now()
         WHERE institution_id = $1 AND id = $2",
        institution,
        delivery
    )
    .execute(tx.connection())
    .await?;
    expect_one(done.rows_affected(), "webhook delivery")
}
