//! A webhook, new, changed and as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Secret;
use super::target::URL_MAX;
use crate::domain::events::valid_type;
use crate::resource::{Field, Kind, Resource};

/// Types that an endpoint names at most.
const TYPES_MAX: usize = 100;

/// A webhook.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// Where events are sent.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// The types of events that it gets; all where there are none.
    pub event_types: Vec<String>,
    /// ENABLED or DISABLED.
    pub status: String,
    /// Why it is disabled: `BY_HAND`, GONE (it answered 410) or FAILING (five days without a success).
    pub disabled_reason: Option<String>,
    /// Since when every attempt has failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// What it signs with; in the answer that makes it, and in no other.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[sqlx(default)]
    pub secret: Option<Secret>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A webhook to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewWebhook {
    /// Where events are sent: https, to a public address.
    #[garde(length(chars, min = 1, max = URL_MAX))]
    pub url: String,
    /// What it is for.
    #[serde(default)]
    #[garde(length(chars, max = 500))]
    pub description: String,
    /// The types of events that it gets, such as `STUDENT_ENROLLED`; all where there are none.
    #[serde(default)]
    #[garde(length(max = TYPES_MAX), inner(custom(valid_type)))]
    pub event_types: Vec<String>,
}

/// A change of a webhook; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchWebhook {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Another URL.
    #[garde(inner(length(chars, min = 1, max = URL_MAX)))]
    pub url: Option<String>,
    /// Another description.
    #[garde(inner(length(chars, max = 500)))]
    pub description: Option<String>,
    /// Other types of events; all where there are none.
    #[garde(inner(length(max = TYPES_MAX), inner(custom(valid_type))))]
    pub event_types: Option<Vec<String>>,
}

impl PatchWebhook {
    /// The webhook as it is to be.
    pub fn apply_to(&self, mut webhook: Webhook) -> Webhook {
        if let Some(url) = &self.url {
            webhook.url.clone_from(url);
        }
        if let Some(description) = &self.description {
            webhook.description.clone_from(description);
        }
        if let Some(event_types) = &self.event_types {
            webhook.event_types.clone_from(event_types);
        }
        webhook
    }
}

impl Resource for Webhook {
    const ENTITY: &'static str = "webhook_endpoints";
    const KIND: &'static str = "WEBHOOK";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "webhook";
    const SELECT: &'static str = "SELECT t.id, t.url, t.description, t.event_types, t.status, t.disabled_reason, \
        t.failing_since, t.row_version, t.created_at, t.updated_at FROM webhook_endpoints t";
    const FIELDS: &'static [Field] = &[
        Field::id("webhook_endpoints", "webhook"),
        Field::filter("status", "t.status", Kind::OneOf(&["ENABLED", "DISABLED"])),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "url",
        "description",
        "eventTypes",
        "status",
        "disabledReason",
        "failingSince",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
    const UNRECORDED: &'static [&'static str] = &["url", "secret"];
}
