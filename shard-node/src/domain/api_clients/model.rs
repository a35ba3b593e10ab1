//! An api client, new, changed and as it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ClientSecret;
use crate::domain::checks::valid_instant;
use crate::resource::{Field, Kind, Resource, nullable};

/// An api client.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiClient {
    /// Its id: `sub` of its tokens.
    pub id: Uuid,
    /// What it names itself by at `/oauth/token`.
    pub client_id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// ACTIVE, EXPIRED or REVOKED.
    pub status: String,
    /// Who made it: `sub` of the token.
    pub created_by: Uuid,
    /// From when on it is not taken any more; null: it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
    /// Since when it is revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Until when the secret before this one is taken, too.
    pub previous_secret_until: Option<DateTime<Utc>>,
    /// When it got a token last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Its secret; in the answer that makes it, and in no other.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[sqlx(default)]
    pub client_secret: Option<ClientSecret>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// An api client to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApiClient {
    /// Its name.
    #[garde(length(chars, min = 1, max = 200))]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    #[garde(length(chars, max = 500))]
    pub description: String,
    /// From when on it is not taken any more; never where it is absent.
    #[garde(inner(custom(valid_instant)))]
    pub expires_at: Option<DateTime<Utc>>,
}

/// A change of an api client; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchApiClient {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// Another name.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    pub name: Option<String>,
    /// Another description.
    #[garde(inner(length(chars, max = 500)))]
    pub description: Option<String>,
    /// Another end; null: none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[garde(inner(inner(custom(valid_instant))))]
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

impl PatchApiClient {
    /// The client as it is to be.
    pub(super) fn apply_to(&self, mut client: ApiClient) -> ApiClient {
        if let Some(name) = &self.name {
            client.name.clone_from(name);
        }
        if let Some(description) = &self.description {
            client.description.clone_from(description);
        }
        if let Some(expires_at) = self.expires_at {
            client.expires_at = expires_at;
        }
        client
    }
}

/// By the clock of the database that answers.
const STATUS: &str = "(CASE WHEN t.revoked_at IS NOT NULL THEN 'REVOKED' WHEN t.expires_at <= now() THEN 'EXPIRED' \
    ELSE 'ACTIVE' END)";

impl Resource for ApiClient {
    const ENTITY: &'static str = "api_clients";
    const KIND: &'static str = "API_CLIENT";
    const TOUCHES: &'static [&'static str] = &["api_clients"];
    const NOUN: &'static str = "api client";
    const SELECT: &'static str = "SELECT t.id, t.institution_id::text || '.' || t.id::text AS client_id, t.name, \
        t.description, CASE WHEN t.revoked_at IS NOT NULL THEN 'REVOKED' WHEN t.expires_at <= now() THEN 'EXPIRED' \
        ELSE 'ACTIVE' END AS status, t.created_by, t.expires_at, t.revoked_at, \
        t.previous_until AS previous_secret_until, u.used_at AS last_used_at, t.row_version, t.created_at, \
        t.updated_at FROM api_clients t \
        LEFT JOIN api_client_uses u ON u.institution_id = t.institution_id AND u.id = t.id";
    const FIELDS: &'static [Field] = &[
        Field::id("api_clients", "api client"),
        Field::filter("status", STATUS, Kind::OneOf(&["ACTIVE", "EXPIRED", "REVOKED"])),
        Field::both("name", "t.name", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "clientId",
        "name",
        "description",
        "status",
        "createdBy",
        "expiresAt",
        "revokedAt",
        "previousSecretUntil",
        "lastUsedAt",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    /// What requests ask for is kept apart (`service::expect_live`).
    const CACHE_TTL: Option<Duration> = None;
    const UNRECORDED: &'static [&'static str] =
        &["clientSecret", "name", "description", "lastUsedAt"];
}
