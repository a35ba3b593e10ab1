//! Late policies: what lateness costs, in one class or wherever a class wants it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scales::expect_theirs;
use super::store;
use crate::domain::checks::decimal_between;
use crate::error::Error;
use crate::operation::{Reply, Work};
use crate::resource::{self, Field, Kind, Resource, plain_decimal};

/// Where they are.
pub(super) const PATH: &str = "/v1/late-policies";

/// Of what lateness is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum LateInterval {
    /// Hours that have begun.
    Hour,
    /// Days that have begun, on the class's clock.
    Day,
}

impl LateInterval {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "HOUR",
            Self::Day => "DAY",
        }
    }
}

/// What lateness costs.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LatePolicy {
    /// Its id.
    pub id: Uuid,
    /// The class; null where every class may use it.
    pub class_id: Option<Uuid>,
    /// Its name, unique in the class, or among those of all.
    pub name: String,
    /// Percent of what is possible, for each interval.
    #[serde(serialize_with = "plain_decimal")]
    pub rate_percent: Decimal,
    /// HOUR or DAY.
    pub interval: LateInterval,
    /// Percent below which nothing is deducted.
    #[serde(serialize_with = "plain_decimal")]
    pub floor_percent: Decimal,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A late policy to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewLatePolicy {
    /// The class; for every class where absent, which is for admin and staff.
    #[garde(skip)]
    pub class_id: Option<Uuid>,
    /// Its name.
    #[garde(length(chars, min = 1, max = 100))]
    pub name: String,
    /// Percent of what is possible, for each interval, 0 to 100.
    #[garde(custom(decimal_between(0, 100)))]
    pub rate_percent: Decimal,
    /// HOUR or DAY.
    #[garde(skip)]
    pub interval: LateInterval,
    /// Percent below which nothing is deducted, 0 to 100.
    #[serde(default)]
    #[garde(custom(decimal_between(0, 100)))]
    pub floor_percent: Decimal,
}

/// A change of a late policy; what is absent stays. Grades that were given stay, too.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchLatePolicy {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// A new name.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    pub name: Option<String>,
    /// Percent of what is possible, for each interval, 0 to 100.
    #[garde(inner(custom(decimal_between(0, 100))))]
    pub rate_percent: Option<Decimal>,
    /// HOUR or DAY.
    #[garde(skip)]
    pub interval: Option<LateInterval>,
    /// Percent below which nothing is deducted, 0 to 100.
    #[garde(inner(custom(decimal_between(0, 100))))]
    pub floor_percent: Option<Decimal>,
}

/// Creates one.
pub(super) async fn create(
    work: &mut Work,
    input: NewLatePolicy,
) -> Result<Reply<LatePolicy>, Error> {
    expect_theirs(work, input.class_id).await?;
    let id = Uuid::now_v7();
    store::insert_late_policy(work.tx(), id, &input).await?;
    resource::created(work, id, PATH).await
}

/// Changes one.
pub(super) async fn update(
    work: &mut Work,
    patch: PatchLatePolicy,
) -> Result<Reply<LatePolicy>, Error> {
    let mut policy = lock(work, patch.id).await?;
    policy.name = patch.name.unwrap_or(policy.name);
    policy.rate_percent = patch.rate_percent.unwrap_or(policy.rate_percent);
    policy.interval = patch.interval.unwrap_or(policy.interval);
    policy.floor_percent = patch.floor_percent.unwrap_or(policy.floor_percent);
    store::update_late_policy(work.tx(), &policy).await?;
    resource::updated(work, policy.id).await
}

/// Deletes one that no assessment goes by.
pub(super) async fn delete(work: &mut Work, id: Uuid) -> Result<Reply<()>, Error> {
    lock(work, id).await?;
    resource::remove::<LatePolicy>(work, id).await
}

async fn lock(work: &mut Work, id: Uuid) -> Result<LatePolicy, Error> {
    let policy: LatePolicy = resource::load_required(work.tx(), id).await?;
    expect_theirs(work, policy.class_id).await?;
    resource::lock(work, id).await
}

impl Resource for LatePolicy {
    const ENTITY: &'static str = "late_policies";
    const KIND: &'static str = "LATE_POLICY";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "late policy";
    const SELECT: &'static str = "SELECT t.id, t.class_id, t.name, t.rate_percent, t.\"interval\", t.floor_percent, \
        t.row_version, t.created_at, t.updated_at FROM late_policies t";
    const FIELDS: &'static [Field] = &[
        Field::id("late_policies", "late policy"),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::both("name", "t.name", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "classId",
        "name",
        "ratePercent",
        "interval",
        "floorPercent",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
