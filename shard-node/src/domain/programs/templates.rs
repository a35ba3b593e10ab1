//! Curriculum templates by themselves: kept under code and version, never changed, and tried without being applied.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use service_kit::Problem;
use service_kit::problem::FieldProblem;
use sqlx::FromRow;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::generate::PlannedItem;
use super::model::TemplateSource;
use super::template::Template;
use super::{service, store};
use crate::error::Error;
use crate::operation::{Reply, Work};
use crate::resource::{self, Field, Kind, Resource, plain_decimal};

pub(super) const PATH: &str = "/v1/curriculum-templates";

/// A stored template.
#[derive(Debug, Clone, Serialize, Deserialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CurriculumTemplate {
    /// Its id.
    pub id: Uuid,
    /// Its code.
    pub code: String,
    /// Its version.
    pub version: i32,
    /// The template itself.
    #[schema(value_type = Template)]
    pub body: Json<Template>,
    /// Stays 1: a template does not change.
    pub row_version: i64,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
}

/// A template to try.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreviewTemplate {
    /// A template, or `{code, version}` of a stored one.
    #[garde(dive)]
    pub curriculum_template: TemplateSource,
    /// Terms in a year.
    #[serde(default = "two")]
    #[garde(range(min = 1, max = 12))]
    pub terms_per_year: i32,
}

/// The curriculum that a template would make now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The template's code.
    pub template_code: String,
    /// The template's version.
    pub template_version: i32,
    /// Credits that a student would need.
    #[serde(serialize_with = "plain_decimal")]
    pub credits_required: Decimal,
    /// What it would be made of, in order.
    pub items: Vec<PreviewItem>,
}

/// A course in a curriculum that would be made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewItem {
    /// The course's code.
    pub course_code: String,
    /// Whether the course would be made, too.
    pub is_new: bool,
    /// Its credits.
    #[serde(serialize_with = "plain_decimal")]
    pub credits: Decimal,
    /// The year of study, from 1.
    pub year: i32,
    /// The term of that year, from 1.
    pub term: i32,
    /// CORE or ELECTIVE.
    pub kind: String,
    /// The group of electives that it belongs to.
    pub group: Option<String>,
    /// Codes of courses to be completed before.
    pub prerequisites: Vec<String>,
}

fn two() -> i32 {
    2
}

/// Stores one; the same again answers the one that is there.
pub(super) async fn create(
    work: &mut Work,
    template: Template,
) -> Result<Reply<CurriculumTemplate>, Error> {
    let id = Uuid::now_v7();
    if store::insert_template(work.tx(), id, &template).await? {
        return resource::created(work, id, PATH).await;
    }
    let stored = store::find_template(work.tx(), &template.code, template.version).await?;
    match stored {
        Some((id, stored)) if stored == template => {
            Ok(Reply::ok(resource::load_required(work.tx(), id).await?))
        }
        _ => Err(version_taken(&template)),
    }
}

/// What a template would make, with the refusals that making it would meet; nothing is written.
pub(super) async fn preview(
    work: &mut Work,
    input: PreviewTemplate,
) -> Result<Reply<Preview>, Error> {
    let (mut template, is_stored) = match &input.curriculum_template {
        TemplateSource::Inline(template) => {
            (template.clone(), store::expect_same(work.tx(), template).await?)
        }
        TemplateSource::Stored(named) => (service::stored_template(work, named).await?, true),
    };
    let (known, existing) = service::existing(work, &template).await?;
    if is_stored {
        service::name_brought(&mut template, &known);
    }
    let plan = super::generate::generate(&template, &existing, input.terms_per_year)?;
    let credits = known.into_iter().map(|(code, (_, credits))| (code, credits)).collect();
    let items = plan.items.iter().map(|planned| preview_item(planned, &credits)).collect();
    Ok(Reply::ok(Preview {
        template_code: template.code.clone(),
        template_version: template.version,
        credits_required: template.credits_required,
        items,
    }))
}

fn preview_item(planned: &PlannedItem<'_>, known: &HashMap<String, Decimal>) -> PreviewItem {
    let item = planned.item;
    let new = item.new_course.as_ref().map(|course| course.credits);
    PreviewItem {
        course_code: planned.code.to_owned(),
        is_new: new.is_some(),
        credits: new.or_else(|| known.get(planned.code).copied()).unwrap_or_default(),
        year: item.year,
        term: item.term,
        kind: item.kind.as_str().to_owned(),
        group: item.group.clone(),
        prerequisites: item.prerequisites.clone(),
    }
}

fn version_taken(template: &Template) -> Error {
    let code = "version-taken";
    let detail = format!(
        "version {} of `{}` is stored with another body: raise the version",
        template.version, template.code
    );
    Problem::new(StatusCode::CONFLICT, code, "Another template has this code and version")
        .field(FieldProblem::new("/version", code, detail))
        .into()
}

impl Resource for CurriculumTemplate {
    const ENTITY: &'static str = "curriculum_templates";
    const KIND: &'static str = "CURRICULUM_TEMPLATE";
    const TOUCHES: &'static [&'static str] = &[];
    const NOUN: &'static str = "curriculum template";
    const SELECT: &'static str = "SELECT t.id, t.code, t.version, t.body, t.row_version, t.created_at \
        FROM curriculum_templates t";
    const FIELDS: &'static [Field] = &[
        Field::id("curriculum_templates", "curriculum template"),
        Field::both("code", "t.code", Kind::Text),
        Field::both("version", "t.version", Kind::Integer),
        Field::sort("createdAt", "t.created_at", Kind::Timestamp),
    ];
    const MEMBERS: &'static [&'static str] =
        &["id", "code", "version", "body", "rowVersion", "createdAt"];
    const CACHE_TTL: Option<Duration> = None;
}
