//! Scales: from a percent to a letter and an outcome. A class has its own, or goes by the institution's default one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store;
use crate::domain::checks::decimal_between;
use crate::domain::grading::totals::{Band, check_bands};
use crate::error::{Error, unknown_reference};
use crate::operation::{Reply, Work, forbidden};
use crate::policy::class_exists;
use crate::resource::{self, Field, Kind, Resource, nullable, plain_decimal, plain_decimal_option};

/// Where they are.
pub(super) const PATH: &str = "/v1/grade-scales";

/// A scale.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GradeScale {
    /// Its id.
    pub id: Uuid,
    /// The class; null where it is the institution's.
    pub class_id: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// What percents are called.
    #[schema(value_type = Vec<Band>)]
    pub bands: Json<Vec<Band>>,
    /// The lowest percent that passes.
    #[serde(serialize_with = "plain_decimal")]
    pub pass_mark: Decimal,
    /// The lowest percent that is a distinction; null where there are none.
    #[serde(serialize_with = "plain_decimal_option")]
    pub distinction_mark: Option<Decimal>,
    /// Whether classes without a scale of their own go by it.
    pub is_default: bool,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A scale to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewScale {
    /// The class, which has no other; the institution's where absent, which is for admin and staff.
    #[garde(skip)]
    pub class_id: Option<Uuid>,
    /// Its name.
    #[garde(length(chars, min = 1, max = 100))]
    pub name: String,
    /// What percents are called: 1 to 50 bands, of which one begins at 0.
    #[garde(custom(scale))]
    pub bands: Vec<Band>,
    /// The lowest percent that passes, 0 to 100.
    #[garde(custom(decimal_between(0, 100)))]
    pub pass_mark: Decimal,
    /// The lowest percent that is a distinction, from `passMark` to 100; none where absent.
    #[garde(inner(custom(decimal_between(0, 100))), custom(not_below(self.pass_mark)))]
    pub distinction_mark: Option<Decimal>,
    /// Whether classes without a scale of their own go by it; the one before does not any more.
    #[serde(default)]
    #[garde(custom(institutions(self.class_id)))]
    pub is_default: bool,
}

/// A change of a scale; what is absent stays, what is null is cleared.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchScale {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// A new name.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    pub name: Option<String>,
    /// All bands anew: 1 to 50, of which one begins at 0.
    #[garde(inner(custom(scale)))]
    pub bands: Option<Vec<Band>>,
    /// The lowest percent that passes, 0 to 100.
    #[garde(inner(custom(decimal_between(0, 100))))]
    pub pass_mark: Option<Decimal>,
    /// The lowest percent that is a distinction, or that there are none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Decimal>)]
    #[garde(inner(inner(custom(decimal_between(0, 100)))))]
    pub distinction_mark: Option<Option<Decimal>>,
    /// Whether classes without a scale of their own go by it.
    #[garde(skip)]
    pub is_default: Option<bool>,
}

fn scale<C>(bands: &[Band], _: &C) -> garde::Result {
    check_bands(bands).map_err(|(index, expected)| match index {
        Some(index) => garde::Error::new(format!("of band {index}: {expected}")),
        None => garde::Error::new(expected),
    })
}

fn not_below<C>(pass_mark: Decimal) -> impl FnOnce(&Option<Decimal>, &C) -> garde::Result {
    move |value, _| match value {
        Some(mark) if *mark < pass_mark => Err(garde::Error::new("passMark or more is expected")),
        _ => Ok(()),
    }
}

fn institutions<C>(class: Option<Uuid>) -> impl FnOnce(&bool, &C) -> garde::Result {
    move |value, _| {
        if *value && class.is_some() {
            return Err(garde::Error::new("a scale of a class is no default"));
        }
        Ok(())
    }
}

/// Refuses who may not change what is of a class, or of the institution where it is of none.
pub(super) async fn expect_theirs(work: &mut Work, class: Option<Uuid>) -> Result<(), Error> {
    match class {
        Some(class) => {
            if !class_exists(work.tx(), class).await? {
                return Err(unknown_reference("/classId", "class").into());
            }
            work.expect_class(class).await
        }
        None if work.caller.is_office() => Ok(()),
        None => Err(forbidden("what counts for every class is for admin and staff")),
    }
}

/// Creates one.
pub(super) async fn create(work: &mut Work, input: NewScale) -> Result<Reply<GradeScale>, Error> {
    expect_theirs(work, input.class_id).await?;
    let id = Uuid::now_v7();
    if input.is_default {
        store::clear_default_scale(work.tx(), id).await?;
    }
    store::insert_scale(work.tx(), id, &input).await?;
    resource::created(work, id, PATH).await
}

/// Changes one. Results that are final stay as they are.
pub(super) async fn update(work: &mut Work, patch: PatchScale) -> Result<Reply<GradeScale>, Error> {
    let mut scale = lock(work, patch.id).await?;
    scale.name = patch.name.unwrap_or(scale.name);
    scale.bands = patch.bands.map_or(scale.bands, Json);
    scale.pass_mark = patch.pass_mark.unwrap_or(scale.pass_mark);
    scale.distinction_mark = patch.distinction_mark.unwrap_or(scale.distinction_mark);
    scale.is_default = patch.is_default.unwrap_or(scale.is_default);
    check(&scale)?;
    if scale.is_default {
        store::clear_default_scale(work.tx(), scale.id).await?;
    }
    store::update_scale(work.tx(), &scale).await?;
    resource::updated(work, scale.id).await
}

/// What a change may not make of it.
fn check(scale: &GradeScale) -> Result<(), Error> {
    let wrong = |pointer: &str, expected: &str| {
        use service_kit::problem::FieldProblem;
        Err(crate::operation::invalid()
            .field(FieldProblem::new(pointer, "invalid", expected))
            .into())
    };
    if scale.distinction_mark.is_some_and(|mark| mark < scale.pass_mark) {
        return wrong("/distinctionMark", "passMark or more is expected");
    }
    if scale.is_default && scale.class_id.is_some() {
        return wrong("/isDefault", "a scale of a class is no default");
    }
    Ok(())
}

/// Deletes one.
pub(super) async fn delete(work: &mut Work, id: Uuid) -> Result<Reply<()>, Error> {
    lock(work, id).await?;
    resource::remove::<GradeScale>(work, id).await
}

async fn lock(work: &mut Work, id: Uuid) -> Result<GradeScale, Error> {
    let scale: GradeScale = resource::load_required(work.tx(), id).await?;
    expect_theirs(work, scale.class_id).await?;
    resource::lock(work, id).await
}

impl Resource for GradeScale {
    const ENTITY: &'static str = "grade_scales";
    const KIND: &'static str = "GRADE_SCALE";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "grade scale";
    const SELECT: &'static str = "SELECT t.id, t.class_id, t.name, t.bands, t.pass_mark, t.distinction_mark, \
        t.is_default, t.row_version, t.created_at, t.updated_at FROM grade_scales t";
    const FIELDS: &'static [Field] = &[
        Field::id("grade_scales", "grade scale"),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::both("name", "t.name", Kind::Text),
        Field::filter("isDefault", "t.is_default::text", Kind::OneOf(&["true", "false"])),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "classId",
        "name",
        "bands",
        "passMark",
        "distinctionMark",
        "isDefault",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
