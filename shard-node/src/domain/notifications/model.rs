//! A notification as its user reads it, and what a user wants to be told of.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::render;
use crate::resource::{Field, Kind, Page, Resource};

/// What a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationType {
    /// A program was created; coordinators are told.
    ProgramCreated,
    /// The student has a seat in a class.
    StudentEnrolled,
    /// A student has a seat in a class; its staff is told.
    StudentJoined,
    /// A seat is offered to the student, for a while.
    SeatOffered,
    /// The offer was not taken.
    OfferExpired,
    /// The student's work was graded, or the grade is another, or is shown now.
    AssessmentGraded,
    /// The student's result of a class is final.
    ResultFinal,
}

impl NotificationType {
    /// Every type.
    pub const ALL: [Self; 7] = [
        Self::ProgramCreated,
        Self::StudentEnrolled,
        Self::StudentJoined,
        Self::SeatOffered,
        Self::OfferExpired,
        Self::AssessmentGraded,
        Self::ResultFinal,
    ];

    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProgramCreated => "PROGRAM_CREATED",
            Self::StudentEnrolled => "STUDENT_ENROLLED",
            Self::StudentJoined => "STUDENT_JOINED",
            Self::SeatOffered => "SEAT_OFFERED",
            Self::OfferExpired => "OFFER_EXPIRED",
            Self::AssessmentGraded => "ASSESSMENT_GRADED",
            Self::ResultFinal => "RESULT_FINAL",
        }
    }

    /// The type of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }

    /// Whether users who have said nothing are told by a channel.
    pub fn is_on(self, channel: Channel) -> bool {
        match channel {
            Channel::InApp => true,
            Channel::Email => {
                matches!(
                    self,
                    Self::StudentEnrolled
                        | Self::SeatOffered
                        | Self::OfferExpired
                        | Self::ResultFinal
                )
            }
        }
    }
}

/// How a user is told.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, ToSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(type_name = "text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    /// In the inbox.
    InApp,
    /// By mail.
    Email,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 2] = [Self::InApp, Self::Email];

    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InApp => "IN_APP",
            Self::Email => "EMAIL",
        }
    }
}

/// A notification, with its words made from its data.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Its id.
    pub id: Uuid,
    /// What it is about, such as `STUDENT_ENROLLED`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Ids and names of what it is about.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// What it says, in a line.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// When it was read; null where it was not.
    pub read_at: Option<DateTime<Utc>>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl<'r> FromRow<'r, PgRow> for Notification {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let (kind, payload): (String, Value) = (row.try_get("type")?, row.try_get("payload")?);
        let render::Words { subject, text } = render::words(&kind, &payload);
        Ok(Self {
            id: row.try_get("id")?,
            kind,
            payload,
            subject,
            text,
            read_at: row.try_get("read_at")?,
            row_version: row.try_get("row_version")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// A page of an inbox.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inbox {
    /// The notifications.
    #[serde(flatten)]
    pub page: Page<Notification>,
    /// How many of the whole inbox are unread.
    pub unread_count: i64,
}

impl ToSchema for Inbox {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        <Page<Notification> as ToSchema>::schemas(schemas);
    }
}

impl PartialSchema for Inbox {
    fn schema() -> RefOr<Schema> {
        let page = <Page<Notification> as PartialSchema>::schema();
        // Both are object schemas, which always read back.
        let mut schema = serde_json::to_value(page).unwrap_or_default();
        schema["properties"]["unreadCount"] = json!({"type": "integer"});
        serde_json::from_value(schema).unwrap_or_default()
    }
}

/// No input.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// What became of marking all as read.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarkedRead {
    /// How many were unread.
    pub marked: i64,
}

/// Whether a user wants to be told of something in a way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Preference {
    /// What of: a type of notifications, or `*` for those that have no entry of their own.
    #[serde(rename = "type")]
    #[garde(custom(known_type))]
    pub kind: String,
    /// How.
    #[garde(skip)]
    pub channel: Channel,
    /// Whether.
    #[garde(skip)]
    pub enabled: bool,
}

/// What a user wants to be told of.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preferences {
    /// What the user has said.
    pub items: Vec<Preference>,
    /// What that comes to for each type.
    pub effective: Vec<Preference>,
}

/// All that a user wants to have said.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPreferences {
    /// Each type and channel at most once.
    #[garde(length(max = 100), dive, custom(each_once))]
    pub items: Vec<Preference>,
}

/// What a preference for all other types is called.
pub(super) const EVERY_OTHER: &str = "*";

fn known_type<C>(value: &str, _: &C) -> garde::Result {
    if value == EVERY_OTHER || NotificationType::parse(value).is_some() {
        return Ok(());
    }
    let known = NotificationType::ALL.map(NotificationType::as_str).join(", ");
    Err(garde::Error::new(format!("one of {EVERY_OTHER}, {known} is expected")))
}

#[expect(clippy::ptr_arg, reason = "garde hands its validators the field itself")]
fn each_once<C>(items: &Vec<Preference>, _: &C) -> garde::Result {
    let mut seen = BTreeSet::new();
    match items.iter().find(|item| !seen.insert((&item.kind, item.channel))) {
        Some(twice) => {
            let (kind, channel) = (&twice.kind, twice.channel.as_str());
            Err(garde::Error::new(format!("{kind} by {channel} stands there twice")))
        }
        None => Ok(()),
    }
}

impl Resource for Notification {
    const ENTITY: &'static str = "notifications";
    const KIND: &'static str = "NOTIFICATION";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "notification";
    const SELECT: &'static str = "SELECT t.id, t.type, t.payload, t.read_at, t.row_version, t.created_at \
        FROM (SELECT * FROM notifications WHERE in_app) t";
    const FIELDS: &'static [Field] = &[
        Field::sort("id", "t.id", Kind::Uuid),
        // Not a client's to choose.
        Field { filter: false, ..Field::filter(OWNER, "t.user_id", Kind::Uuid) },
        Field::filter("type", "t.type", Kind::Text),
        Field::filter("unread", "(t.read_at IS NULL)::text", Kind::OneOf(&["true", "false"])),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] =
        &["id", "type", "payload", "subject", "text", "readAt", "rowVersion", "createdAt"];
    const CACHE_TTL: Option<Duration> = None;
}

/// The field that says whose a notification is.
pub(super) const OWNER: &str = "userId";
