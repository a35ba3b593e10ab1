//! Codes: what a student may be marked as. An institution begins with PRESENT, LATE, ABSENT and EXCUSED.
//!
//! What must stay true: what a code counts as does not change once somebody is marked with it, so that what was
//! computed stays right. PRESENT stays: who checks in is marked with it.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{CODES, store};
use crate::error::Error;
use crate::operation::{Reply, Work};
use crate::resource::{self, Field, Kind, Resource, nullable};

/// The code of who checks in.
pub(super) const PRESENT: &str = "PRESENT";

/// What a student may be marked as.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttendanceCode {
    /// Its id.
    pub id: Uuid,
    /// The code, unique in the institution.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How much of a presence it counts as, 0 to 1; null: it is left out of rates.
    #[serde(with = "rust_decimal::serde::float_option")]
    #[schema(value_type = Option<f64>)]
    pub counts_as: Option<Decimal>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A code to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCode {
    /// Unique in the institution; it does not change.
    #[garde(length(chars, min = 1, max = 32))]
    pub code: String,
    /// Its name.
    #[garde(length(chars, min = 1, max = 100))]
    pub name: String,
    /// How much of a presence it counts as, 0 to 1; left out of rates where absent or null.
    #[garde(inner(custom(valid_part)))]
    #[schema(value_type = Option<f64>)]
    pub counts_as: Option<Decimal>,
}

/// A change of a code; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchCode {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// A new name.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    pub name: Option<String>,
    /// What it is to count as, or nothing.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>)]
    #[garde(inner(inner(custom(valid_part))))]
    pub counts_as: Option<Option<Decimal>>,
}

fn valid_part(value: &Decimal, (): &()) -> garde::Result {
    if (Decimal::ZERO..=Decimal::ONE).contains(value) && value.normalize().scale() <= 4 {
        return Ok(());
    }
    Err(garde::Error::new("0 to 1 with at most 4 decimals is expected"))
}

/// Creates one.
pub(super) async fn create(
    work: &mut Work,
    input: NewCode,
) -> Result<Reply<AttendanceCode>, Error> {
    let id = Uuid::now_v7();
    store::insert_code(work.tx(), id, &input).await?;
    resource::created(work, id, CODES).await
}

/// Changes one.
pub(super) async fn update(
    work: &mut Work,
    patch: PatchCode,
) -> Result<Reply<AttendanceCode>, Error> {
    let mut code = resource::lock::<AttendanceCode>(work, patch.id).await?;
    if let Some(name) = patch.name {
        code.name = name;
    }
    let counts_as = patch.counts_as.unwrap_or(code.counts_as);
    if counts_as != code.counts_as && store::code_is_used(work.tx(), code.id).await? {
        return Err(in_use());
    }
    code.counts_as = counts_as;
    store::update_code(work.tx(), &code).await?;
    resource::updated(work, code.id).await
}

/// Deletes one that nobody is marked with.
pub(super) async fn delete(work: &mut Work, id: Uuid) -> Result<Reply<()>, Error> {
    let code = resource::lock::<AttendanceCode>(work, id).await?;
    if code.code == PRESENT {
        let title = "This code stays";
        let refused = Problem::new(StatusCode::CONFLICT, "code-needed", title);
        return Err(refused.detail("who checks in is marked with it").into());
    }
    resource::remove::<AttendanceCode>(work, id).await
}

fn in_use() -> Error {
    let code = "code-in-use";
    Problem::new(StatusCode::CONFLICT, code, "Students are marked with this code")
        .field(FieldProblem::new(
            "/countsAs",
            code,
            "rates that were computed would be wrong; make another code",
        ))
        .into()
}

impl Resource for AttendanceCode {
    const ENTITY: &'static str = "attendance_codes";
    const KIND: &'static str = "ATTENDANCE_CODE";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "attendance code";
    const SELECT: &'static str = "SELECT t.id, t.code, t.name, t.counts_as, t.row_version, t.created_at, t.updated_at \
        FROM attendance_codes t";
    const FIELDS: &'static [Field] = &[
        Field::id("attendance_codes", "attendance code"),
        Field::both("code", "t.code", Kind::Text),
        Field::sort("name", "t.name", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] =
        &["id", "code", "name", "countsAs", "rowVersion", "createdAt", "updatedAt"];
    const CACHE_TTL: Option<Duration> = None;
}
