//! Categories: parts of a class's mark, with their weights and how many of the lowest or highest are dropped.
//!
//! What must stay true: a change of one computes anew, in the background, how far the class's students are.

use std::time::Duration;

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{store, structure};
use crate::domain::checks::{decimal_between, together_with};
use crate::domain::enrollments::class_exists;
use crate::domain::grades::OfClass;
use crate::error::{Error, not_found};
use crate::operation::{Reader, Reply, Work};
use crate::policy::About;
use crate::resource::{self, Field, Kind, Page, Resource, Within, plain_decimal};

/// Where they are by their ids.
pub(super) const PATH: &str = "/v1/grading-categories";

/// A part of a class's mark.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GradingCategory {
    /// Its id.
    pub id: Uuid,
    /// The class.
    pub class_id: Uuid,
    /// Its name, unique in the class.
    pub name: String,
    /// What it weighs: the weights that count are rescaled to 100 in all.
    #[serde(serialize_with = "plain_decimal")]
    pub weight: Decimal,
    /// How many of the lowest are left out.
    pub drop_lowest: i32,
    /// How many of the highest are left out.
    pub drop_highest: i32,
    /// Its place among them.
    pub position: i32,
    /// The system that it came from.
    pub source: Option<String>,
    /// Its id there.
    pub external_id: Option<String>,
    /// Raised by every change.
    pub row_version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A category to create.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCategory {
    /// The class.
    #[garde(skip)]
    pub class_id: Uuid,
    /// Unique in the class.
    #[garde(length(chars, min = 1, max = 100))]
    pub name: String,
    /// What it weighs, 0 to 1000.
    #[garde(custom(decimal_between(0, 1000)))]
    pub weight: Decimal,
    /// How many of the lowest are left out, 0 to 50.
    #[serde(default)]
    #[garde(range(min = 0, max = 50))]
    pub drop_lowest: i32,
    /// How many of the highest are left out, 0 to 50.
    #[serde(default)]
    #[garde(range(min = 0, max = 50))]
    pub drop_highest: i32,
    /// Its place among them, 0 to 10,000.
    #[serde(default)]
    #[garde(range(min = 0, max = 10_000))]
    pub position: i32,
    /// The system that it comes from; together with `externalId` unique.
    #[garde(
        length(chars, min = 1, max = 64),
        custom(together_with("externalId", self.external_id.as_ref()))
    )]
    pub source: Option<String>,
    /// Its id there.
    #[garde(
        length(chars, min = 1, max = 128),
        custom(together_with("source", self.source.as_ref()))
    )]
    pub external_id: Option<String>,
}

/// A change of a category; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchCategory {
    /// Which one.
    #[garde(skip)]
    pub id: Uuid,
    /// A new name.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    pub name: Option<String>,
    /// Another weight, 0 to 1000.
    #[garde(inner(custom(decimal_between(0, 1000))))]
    pub weight: Option<Decimal>,
    /// How many of the lowest are left out, 0 to 50.
    #[garde(inner(range(min = 0, max = 50)))]
    pub drop_lowest: Option<i32>,
    /// How many of the highest are left out, 0 to 50.
    #[garde(inner(range(min = 0, max = 50)))]
    pub drop_highest: Option<i32>,
    /// Its place among them, 0 to 10,000.
    #[garde(inner(range(min = 0, max = 10_000)))]
    pub position: Option<i32>,
}

/// Lists those of a class.
pub(super) async fn list(
    reader: &Reader,
    input: Within<GradingCategory, OfClass>,
) -> Result<Page<GradingCategory>, Error> {
    let mut tx = reader.begin().await?;
    if !class_exists(&mut tx, input.of).await? {
        return Err(not_found("class"));
    }
    reader.expect(&mut tx, About::class(input.of)).await?;
    let page = resource::list_where(&mut tx, input.query).await?;
    tx.commit().await?;
    Ok(page)
}

/// Gives one.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<GradingCategory, Error> {
    let mut tx = reader.begin().await?;
    let category: GradingCategory = resource::load_required(&mut tx, id).await?;
    reader.expect(&mut tx, About::class(category.class_id)).await?;
    tx.commit().await?;
    Ok(category)
}

/// Creates one.
pub(super) async fn create(
    work: &mut Work,
    input: NewCategory,
) -> Result<Reply<GradingCategory>, Error> {
    if !class_exists(work.tx(), input.class_id).await? {
        return Err(not_found("class"));
    }
    work.expect(About::class(input.class_id)).await?;
    let id = Uuid::now_v7();
    store::insert_category(work.tx(), id, &input).await?;
    structure::changed(work, input.class_id);
    resource::created(work, id, PATH).await
}

/// Changes one.
pub(super) async fn update(
    work: &mut Work,
    patch: PatchCategory,
) -> Result<Reply<GradingCategory>, Error> {
    let mut category = lock(work, patch.id).await?;
    category.name = patch.name.unwrap_or(category.name);
    category.weight = patch.weight.unwrap_or(category.weight);
    category.drop_lowest = patch.drop_lowest.unwrap_or(category.drop_lowest);
    category.drop_highest = patch.drop_highest.unwrap_or(category.drop_highest);
    category.position = patch.position.unwrap_or(category.position);
    store::update_category(work.tx(), &category).await?;
    structure::changed(work, category.class_id);
    resource::updated(work, category.id).await
}

/// Deletes one that no assessment is in.
pub(super) async fn delete(work: &mut Work, id: Uuid) -> Result<Reply<()>, Error> {
    let category = lock(work, id).await?;
    let reply = resource::remove::<GradingCategory>(work, id).await?;
    structure::changed(work, category.class_id);
    Ok(reply)
}

async fn lock(work: &mut Work, id: Uuid) -> Result<GradingCategory, Error> {
    let category: GradingCategory = resource::load_required(work.tx(), id).await?;
    work.expect(About::class(category.class_id)).await?;
    resource::lock(work, id).await
}

impl Resource for GradingCategory {
    const ENTITY: &'static str = "grading_categories";
    const KIND: &'static str = "GRADING_CATEGORY";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "grading category";
    const SELECT: &'static str = "SELECT t.id, t.class_id, t.name, t.weight, t.drop_lowest, t.drop_highest, t.position, \
        t.source, t.external_id, t.row_version, t.created_at, t.updated_at FROM grading_categories t";
    const FIELDS: &'static [Field] = &[
        Field::id("grading_categories", "grading category"),
        Field::reference("classId", "t.class_id", "classes", "class"),
        Field::sort("name", "t.name", Kind::Text),
        Field::sort("position", "t.position", Kind::Integer),
        Field::filter("source", "t.source", Kind::Text),
        Field::filter("externalId", "t.external_id", Kind::Text),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] = &[
        "id",
        "classId",
        "name",
        "weight",
        "dropLowest",
        "dropHighest",
        "position",
        "source",
        "externalId",
        "rowVersion",
        "createdAt",
        "updatedAt",
    ];
    const CACHE_TTL: Option<Duration> = None;
}
