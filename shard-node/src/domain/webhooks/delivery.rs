//! A delivery: one event for one endpoint.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::resource::{Field, Kind, ListQuery, Resource};

/// A delivery.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its id.
    pub id: Uuid,
    /// The webhook that it is for.
    pub endpoint_id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The event's type.
    pub event_type: String,
    /// The header `webhook-id`: the event's, the same each time that it is sent.
    pub webhook_id: String,
    /// PENDING, DELIVERED or FAILED (given up; it may be replayed).
    pub state: String,
    /// Attempts so far.
    pub attempts: i32,
    /// The status that was answered last.
    pub last_status: Option<i32>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was tried last.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// When it is tried next; null once it has ended.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

impl Delivery {
    /// The header `webhook-id` of an event.
    pub fn webhook_id(event: Uuid) -> String {
        format!("evt_{event}")
    }
}

/// A list of the deliveries of one webhook: `endpointId` of the path, and what lists take.
#[derive(Debug)]
pub struct OfEndpoint {
    /// The webhook.
    pub endpoint_id: Uuid,
    /// The rest.
    pub query: ListQuery<Delivery>,
}

impl<'de> Deserialize<'de> for OfEndpoint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let query = ListQuery::<Delivery>::deserialize(deserializer)?;
        let endpoint_id = query.filters.iter().find(|(field, _)| field.name == "endpointId");
        let endpoint_id = endpoint_id.and_then(|(_, id)| id.parse().ok());
        let endpoint_id = endpoint_id.ok_or_else(|| D::Error::missing_field("endpointId"))?;
        Ok(Self { endpoint_id, query })
    }
}

impl Validate for OfEndpoint {
    type Context = ();

    fn validate_into(&self, (): &(), _: &mut dyn FnMut() -> garde::Path, _: &mut garde::Report) {}
}

impl ToSchema for OfEndpoint {}

impl PartialSchema for OfEndpoint {
    fn schema() -> RefOr<Schema> {
        ListQuery::<Delivery>::schema()
    }
}

impl Resource for Delivery {
    const ENTITY: &'static str = "webhook_deliveries";
    const KIND: &'static str = "WEBHOOK_DELIVERY";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "webhook delivery";
    const SELECT: &'static str = "SELECT t.id, t.endpoint_id, t.event_id, e.type AS event_type, \
        'evt_' || t.event_id AS webhook_id, t.state, t.attempts, t.last_status, t.last_error, t.last_attempt_at, \
        t.next_attempt_at, t.row_version, t.created_at, t.updated_at \
        FROM webhook_deliveries t JOIN outbox_events e ON e.institution_id = t.institution_id AND e.id = t.event_id";
    const FIELDS: &'static [Field] = &[
        Field::id("webhook_deliveries", "webhook delivery"),
        Field::reference("endpointId", "t.endpoint_id", "webhook_endpoints", "webhook"),
        Field::reference("eventId", "t.event_id", "outbox_events", "event"),
        Field::filter("state", "t.state", Kind::OneOf(&["PENDING", "DELIVERED", "FAILED"])),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "endpointId",
        "eventId",
        "eventType",
        "webhookId",
        "state",
        "attempts",
        "lastStatus",
        "lastError",
        "lastAttemptAt",
        "nextAttemptAt",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
